// SPDX-License-Identifier: Apache-2.0
#include "seccompd/agent/reconciler.h"

#include <algorithm>

#include "seccompd/base/digest.h"
#include "seccompd/profile/canonical.h"

namespace seccompd::agent {
namespace {

constexpr std::size_t kRecentAnswers = 32;
constexpr int kDistrustedStarts = 2;

std::string FirstErrorCode(const std::vector<profile::Diagnostic>& findings) {
  const auto it =
      std::find_if(findings.begin(), findings.end(), [](const profile::Diagnostic& finding) {
        return finding.severity == profile::Severity::kError;
      });
  return it == findings.end() ? "Invalid" : it->code;
}

Result<node::ProfilePath> MakePath(const std::string& key) {
  const auto slash = key.find('/');
  return node::ProfilePath::Make(std::string_view(key).substr(0, slash),
                                 std::string_view(key).substr(slash + 1));
}

// Of a key that was checked before: it was judged, or has a file.
node::ProfilePath PathOf(const std::string& key) { return MakePath(key).value(); }

}  // namespace

Reconciler::Reconciler(WorkQueue& queue, DesiredState& desired, ProfileTable& table,
                       Installer& installer, ObjectSource& source, compiler::Compiler& compiler,
                       node::StateDir& state_dir, Health& health, Metrics& metrics, const Log& log,
                       const Clock& clock, ReconcilerOptions options)
    : queue_(queue),
      desired_(desired),
      table_(table),
      installer_(installer),
      source_(source),
      compiler_(compiler),
      state_dir_(state_dir),
      health_(health),
      metrics_(metrics),
      log_(log),
      clock_(clock),
      options_(std::move(options)),
      guard_(std::max<std::chrono::milliseconds>(options_.delete_grace, std::chrono::seconds(60))) {
  health_.SetCheck("compiler", "");
}

std::string Reconciler::removal_held() const {
  const std::lock_guard lock(mutex_);
  return guard_.held();
}

void Reconciler::Run(std::stop_token stop) {
  Heartbeat& heartbeat = health_.AddLoop("reconciler");
  while (auto key = queue_.Get(stop)) {
    heartbeat.Busy();
    if (!Reconcile(*key, stop)) {
      queue_.Done(*key);
      installer_.Poke();
    }
    heartbeat.Idle();
  }
}

bool Reconciler::Reconcile(const std::string& key, std::stop_token stop) {
  std::optional<Work> work = desired_.Take(key);
  if (!work) return false;
  if (work->desired.absent_since) return ReconcileAbsent(key, work->desired, stop);
  return ReconcilePresent(key, *std::move(work), stop);
}

// ---- present: judge, compile, write

bool Reconciler::UpToDate(const std::string& key, const Work& work) const {
  if (work.verify) return false;
  const auto entry = table_.Find(key);
  if (!entry || entry->uid != work.desired.uid || entry->input_digest != work.desired.input_digest)
    return false;
  return entry->state == StateName(ProfileState::kInstalled) ||
         entry->state == StateName(ProfileState::kInvalid);
}

bool Reconciler::ReconcilePresent(const std::string& key, Work work, std::stop_token stop) {
  if (UpToDate(key, work)) {
    const auto entry = table_.Find(key);
    if (entry && entry->desired_generation == work.desired.generation) return false;
    if (entry && entry->state == StateName(ProfileState::kInvalid)) {
      installer_.Submit(VerdictOrder{
          key, work.desired, ProfileState::kInvalid, entry->reason, entry->message, {}});
      return true;
    }
    work.verify =
        true;  // another number for the same spec: the file and its generation are noted anew
  }
  if (const auto path = MakePath(key); !path.ok()) {
    installer_.Submit(VerdictOrder{key,
                                   work.desired,
                                   ProfileState::kInvalid,
                                   "InvalidName",
                                   CleanMessage(path.error().message),
                                   {}});
    return true;
  }
  if (!work.spec) {
    if (auto failed = FetchSpec(key, work, stop)) {
      installer_.Submit(*std::move(failed));
      return true;
    }
    if (!work.spec) return false;  // it is gone: the event that says so is on its way
  }
  Result<compiler::CompileAnswer> answer = Judge(work);
  installer_.Submit(Decide(key, std::move(work), std::move(answer)));
  return true;
}

std::optional<VerdictOrder> Reconciler::FetchSpec(const std::string& key, Work& work,
                                                  std::stop_token stop) {
  const auto slash = key.find('/');
  const Result<void> fetched = source_.Fetch(
      key.substr(0, slash), key.substr(slash + 1),
      [&](const kube::Object& object) {
        work.spec = std::string(object.spec);
        work.desired.uid = std::string(object.uid);
        work.desired.generation = object.generation;
        work.desired.input_digest = InputDigest(options_.context, object.uid, object.spec);
      },
      stop);
  if (fetched.ok() || fetched.error().code == ErrorCode::kNotFound) return std::nullopt;
  return VerdictOrder{key,
                      work.desired,
                      ProfileState::kFailed,
                      "FetchFailed",
                      CleanMessage(fetched.error().message),
                      {}};
}

Result<compiler::CompileAnswer> Reconciler::Judge(const Work& work) {
  const std::string digest = Sha256Hex(*work.spec);
  {
    const std::lock_guard lock(mutex_);
    const auto same = std::find_if(recent_.begin(), recent_.end(),
                                   [&](const auto& row) { return row.first == digest; });
    if (same != recent_.end() && !work.verify) {
      recent_.splice(recent_.begin(), recent_, same);
      return same->second;
    }
    const auto tried = tried_.find(work.desired.input_digest);
    if (tried != tried_.end() && tried->second >= kDistrustedStarts) {
      (void)state_dir_.ClearTried(work.desired.input_digest);
      // Left aside, not judged: who was killed from outside twice did not die of it. The next start
      // tries it anew.
      return Error{ErrorCode::kTransient,
                   "seccompd died twice in a row while this profile was being judged; it is left "
                   "aside until the agent "
                   "is started anew"};
    }
  }
  if (const Result<void> marked = state_dir_.MarkTried(work.desired.input_digest); !marked.ok()) {
    log_.Debug("could not note what is being tried", {{"error", marked.error().message}});
  }
  const auto begin = clock_.SteadyNow();
  Result<compiler::CompileAnswer> answer =
      compiler_.Compile({*work.spec, {options_.architecture, "", {}, "both"}, {}, "none"});
  metrics_.Compiled(clock_.SteadyNow() - begin);
  (void)state_dir_.ClearTried(work.desired.input_digest);
  if (!answer.ok()) return answer;
  if (!profile::HasError(answer->findings)) {
    if (const Result<void> canonical = profile::CheckCanonical(answer->bytes); !canonical.ok()) {
      return Error{ErrorCode::kTransient,
                   "the compiler's answer is not a canonical profile and is not written: " +
                       canonical.error().message};
    }
  }
  const std::lock_guard lock(mutex_);
  tried_.erase(work.desired.input_digest);
  recent_.emplace_front(digest, *answer);
  if (recent_.size() > kRecentAnswers) recent_.pop_back();
  return answer;
}

Order Reconciler::Decide(const std::string& key, Work work,
                         Result<compiler::CompileAnswer> answer) {
  if (!answer.ok()) {
    const Error& error = answer.error();
    if (error.code == ErrorCode::kDenied) health_.SetCheck("compiler", error.message);
    const bool verdict = error.code == ErrorCode::kInvalid;
    return VerdictOrder{key,
                        work.desired,
                        verdict ? ProfileState::kInvalid : ProfileState::kFailed,
                        verdict ? "TooExpensive" : "CompilerFailed",
                        CleanMessage(error.message),
                        {}};
  }
  node::ProfilePath path = PathOf(key);
  if (profile::HasError(answer->findings)) {
    VerdictOrder order{key,
                       work.desired,
                       ProfileState::kInvalid,
                       FirstErrorCode(answer->findings),
                       Summarize(answer->findings, profile::Severity::kError),
                       {}};
    if (answer->remove_when_invalid) order.remove = std::move(path);
    return order;
  }
  InstallOrder order{.path = std::move(path),
                     .desired = work.desired,
                     .bytes = std::move(answer->bytes),
                     .sha256 = {},
                     .instructions = answer->instructions,
                     .remark = Summarize(answer->findings, profile::Severity::kWarning),
                     .spec = *std::move(work.spec),
                     .noticed = work.noticed};
  order.sha256 = Sha256Hex(order.bytes);
  return order;
}

// ---- absent: wait, make sure, remove

bool Reconciler::ReconcileAbsent(const std::string& key, const Desired& desired,
                                 std::stop_token stop) {
  const auto entry = table_.Find(key);
  if (!entry) {  // it never had a file nor a verdict
    desired_.Forget(key);
    return false;
  }
  if (entry->sha256.empty()) {
    installer_.Submit(ForgetOrder{key});
    return true;
  }
  const auto slash = key.find('/');
  const auto waited = clock_.SteadyNow() - *desired.absent_since;
  if (waited < options_.delete_grace) {
    const auto rest = std::chrono::ceil<std::chrono::milliseconds>(options_.delete_grace - waited);
    queue_.AddAfter(key, rest);
    installer_.Submit(DeletingOrder{key, "its object was deleted; the file goes after the grace"});
    return true;
  }
  std::string why;
  bool surely_gone = false;
  const Result<void> there = source_.Fetch(
      key.substr(0, slash), key.substr(slash + 1),
      [this](const kube::Object& object) { desired_.Upsert(object); }, stop);
  if (there.ok()) return false;  // it is back: Upsert queued it
  if (there.error().code == ErrorCode::kNotFound) {
    surely_gone = true;
  } else {
    why = "not sure that its object is gone: " + there.error().message;
  }
  const auto answer = surely_gone ? MayRemove(stop, why) : std::nullopt;
  if (answer && answer->go && desired_.IsAbsent(key)) {
    installer_.Submit(RemoveOrder{PathOf(key)});
    const std::lock_guard lock(mutex_);
    guard_.Removed(clock_.SteadyNow());
    return true;
  }
  if (answer && !answer->go) {
    why = answer->reason;
    queue_.AddAfter(key,
                    std::min<std::chrono::milliseconds>(answer->again_in, std::chrono::minutes(5)));
  } else {
    queue_.AddRateLimited(key);
  }
  installer_.Submit(DeletingOrder{key, CleanMessage(why)});
  return true;
}

std::optional<DeletionGuard::Answer> Reconciler::MayRemove(std::stop_token stop, std::string& why) {
  const Result<SourceIdentity> identity = source_.Identify(stop);
  if (!identity.ok()) {
    why = "cannot tell whether this is the same cluster: " + identity.error().message;
    return std::nullopt;
  }
  const std::size_t files = table_.files();
  const std::size_t absent = desired_.absent_count();
  const std::lock_guard lock(mutex_);
  const bool was_held = !guard_.held().empty();
  DeletionGuard::Answer answer =
      guard_.Ask({clock_.SteadyNow(), files, absent, table_.identity(), *identity});
  if (!answer.go && !was_held)
    log_.Error("removal of files is held back", {{"reason", answer.reason}});
  if (answer.go && was_held) log_.Info("removal of files goes on");
  if (answer.go && identity->crd_uid != table_.identity().crd_uid) table_.SetIdentity(*identity);
  return answer;
}

}  // namespace seccompd::agent
