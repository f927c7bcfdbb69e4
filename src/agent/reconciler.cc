// SPDX-License-Identifier: Apache-2.0
#include "seccompd/agent/reconciler.h"

#include <algorithm>

#include "seccompd/base/digest.h"

namespace seccompd::agent {
namespace {

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
      health_(health),
      log_(log),
      clock_(clock),
      options_(std::move(options)),
      labels_(source, clock),
      judge_(desired, source, compiler, state_dir, labels_, metrics, log, clock, options_.judge),
      guard_(std::max<std::chrono::milliseconds>(options_.delete_grace, std::chrono::seconds(60))) {
  health_.SetCheck("compiler", "");
  labels_.OnChange([this] { QueueUsersOfLabels(); });
}

std::string Reconciler::removal_held() const {
  const std::lock_guard lock(mutex_);
  return guard_.held();
}

void Reconciler::Run(std::stop_token stop) {
  Heartbeat& heartbeat = health_.AddLoop("reconciler");
  while (const auto first = queue_.Get(stop)) {
    heartbeat.Busy();
    for (Job& job : TakeJobs(*first)) {
      if (stop.stop_requested()) return;  // not done: the next start does them
      heartbeat.Busy();
      const std::string key = job.key;
      if (Reconcile(std::move(job), stop)) continue;
      queue_.Done(key);
      installer_.Poke();
    }
    heartbeat.Idle();
  }
}

bool Reconciler::Reconcile(Job job, std::stop_token stop) {
  if (job.key.empty()) return ReconcileLabels(stop);
  if (IsTreesKey(job.key)) return ReconcileTrees();
  if (!job.work) return false;
  if (job.work->desired.absent_since) return ReconcileAbsent(job.key, job.work->desired, stop);
  return ReconcilePresent(std::move(job), stop);
}

// ---- present: judge, compile, write

bool Reconciler::UpToDate(const std::string& key, const Work& work) const {
  const auto entry = table_.Find(key);
  if (!entry || !judge_.StillHolds(key, work, *entry)) return false;
  const auto state = FindState(entry->state);
  if (state == ProfileState::kSkipped) return entry->sha256.empty();  // else the file is to go
  return state == ProfileState::kInstalled || state == ProfileState::kInvalid ||
         state == ProfileState::kDenied;
}

bool Reconciler::ReconcilePresent(Job job, std::stop_token stop) {
  const std::string& key = job.key;
  Work& work = *job.work;
  if (UpToDate(key, work)) {
    const auto entry = table_.Find(key);
    if (!entry || entry->desired_generation == work.desired.generation) return false;
    const auto state = FindState(entry->state);
    if (state && state != ProfileState::kInstalled) {
      installer_.Submit(
          VerdictOrder{key, work.desired, *state, entry->reason, entry->message, {}, {}});
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
                                   {},
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
  Judgement judgement = judge_.Ask(key, work, LabelsNeeded(key), std::move(job.first), stop);
  installer_.Submit(Decide(key, std::move(work), std::move(judgement), stop));
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
        work.desired.input_digest = InputDigest(options_.judge.context, object.uid, object.spec);
        desired_.Fetched(key, object.uid, object.generation);
      },
      stop);
  if (fetched.ok() || fetched.error().code == ErrorCode::kNotFound) return std::nullopt;
  return VerdictOrder{key,
                      work.desired,
                      ProfileState::kFailed,
                      "FetchFailed",
                      CleanMessage(fetched.error().message),
                      {},
                      {}};
}

Order Reconciler::Decide(const std::string& key, Work work, Judgement judgement,
                         std::stop_token stop) {
  if (!judgement.answer.ok()) {
    const Error& error = judgement.answer.error();
    const bool from_compiler = judgement.reason == "CompilerFailed";
    if (from_compiler && error.code == ErrorCode::kDenied)
      health_.SetCheck("compiler", error.message);
    const bool verdict = judgement.reason == "TooExpensive";
    return VerdictOrder{key,
                        work.desired,
                        verdict ? ProfileState::kInvalid : ProfileState::kFailed,
                        judgement.reason,
                        CleanMessage(error.message),
                        {},
                        {}};
  }
  compiler::CompileAnswer& answer = *judgement.answer;
  Dependencies dependencies = std::move(judgement.dependencies).value_or(Dependencies{});
  if (dependencies.uses_labels) ReadLabelsLater();
  if (answer.is_skipped) return DecideSkipped(key, work, std::move(dependencies), stop);
  {
    const std::lock_guard lock(mutex_);
    skipped_since_.erase(key);
  }
  node::ProfilePath path = PathOf(key);
  if (profile::HasError(answer.findings)) {
    VerdictOrder order{key,
                       work.desired,
                       answer.is_denied ? ProfileState::kDenied : ProfileState::kInvalid,
                       FirstErrorCode(answer.findings),
                       Summarize(answer.findings, profile::Severity::kError),
                       {},
                       std::move(dependencies)};
    if (answer.remove_when_invalid) order.remove = std::move(path);
    return order;
  }
  InstallOrder order{.path = std::move(path),
                     .desired = work.desired,
                     .bytes = std::move(answer.bytes),
                     .sha256 = {},
                     .instructions = answer.instructions,
                     .remark = Summarize(answer.findings, profile::Severity::kWarning),
                     .spec = *std::move(work.spec),
                     .noticed = work.noticed,
                     .dependencies = std::move(dependencies),
                     .has_unchecked_tree = answer.has_unchecked_tree,
                     .remove_when_invalid = answer.remove_when_invalid};
  order.sha256 = Sha256Hex(order.bytes);
  return order;
}

// ---- absent: wait, make sure, remove

bool Reconciler::ReconcileAbsent(const std::string& key, const Desired& desired,
                                 std::stop_token stop) {
  {
    const std::lock_guard lock(mutex_);
    skipped_since_.erase(key);
  }
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
  const std::size_t without_object = desired_.absent_count();
  const std::lock_guard lock(mutex_);
  const std::size_t absent = without_object + skipped_since_.size();
  const bool was_held = !guard_.held().empty();
  DeletionGuard::Answer answer =
      guard_.Ask({clock_.SteadyNow(), files, absent, table_.identity(), *identity});
  if (!answer.go && answer.is_news)
    log_.Error("removal of files is held back", {{"reason", answer.reason}});
  if (answer.go && was_held) log_.Info("removal of files goes on");
  if (answer.go && identity->crd_uid != table_.identity().crd_uid) table_.SetIdentity(*identity);
  return answer;
}

}  // namespace seccompd::agent
