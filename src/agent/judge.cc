// SPDX-License-Identifier: Apache-2.0
#include "seccompd/agent/judge.h"

#include <algorithm>

#include "seccompd/base/digest.h"
#include "seccompd/node/profile_path.h"
#include "seccompd/profile/canonical.h"

namespace seccompd::agent {
namespace {

constexpr std::size_t kRecentAnswers = 32;
constexpr std::size_t kRecentBases = 8;
constexpr int kDistrustedStarts = 2;
// The profile itself, four levels of bases below it, and one more time for the labels.
constexpr int kMostRounds = 6;
// One byte more than a spec may have: the compiler says so, and the rest need not travel.
constexpr std::size_t kMostBaseBytes = std::size_t{128} * 1024 + 1;

Judgement Failure(Error error, std::string reason) {
  return {std::move(error), std::move(reason), std::nullopt};
}

// Over what a verdict rests on beside its own input; "" when that is nothing.
std::string DependencyDigest(const std::map<std::string, std::string>& base_digests,
                             bool uses_labels, const std::string& labels_digest) {
  if (base_digests.empty() && !uses_labels) return "";
  Sha256 sha;
  for (const auto& [name, digest] : base_digests) {
    sha.UpdateField(name);
    sha.UpdateField(digest);
  }
  sha.UpdateField(uses_labels ? labels_digest : "");
  return sha.FinishHex();
}

}  // namespace

// A request as it grows, and what its parts were.
struct Judge::Question {
  compiler::CompileRequest request;
  std::map<std::string, std::string> base_digests;  // by name; "": there is none
  bool has_labels = false;
};

Judge::Judge(DesiredState& desired, ObjectSource& source, compiler::Compiler& compiler,
             node::StateDir& state_dir, NodeLabels& labels, Metrics& metrics, const Log& log,
             const Clock& clock, JudgeOptions options)
    : desired_(desired),
      source_(source),
      compiler_(compiler),
      state_dir_(state_dir),
      labels_(labels),
      metrics_(metrics),
      log_(log),
      clock_(clock),
      options_(std::move(options)) {}

bool Judge::StillHolds(const std::string& key, const Work& work,
                       const node::RecordEntry& entry) const {
  if (work.verify || entry.uid != work.desired.uid ||
      entry.input_digest != work.desired.input_digest) {
    return false;
  }
  std::map<std::string, std::string> base_digests;
  const std::string name_space = key.substr(0, key.find('/') + 1);
  for (const std::string& name : entry.bases)
    base_digests[name] = desired_.DigestOf(name_space + name);
  const std::string labels = labels_.digest();
  if (entry.uses_labels && labels.empty()) return false;  // nobody knows
  return entry.dependency_digest == DependencyDigest(base_digests, entry.uses_labels, labels);
}

void Judge::ForgiveTried() {
  const std::lock_guard lock(mutex_);
  for (const auto& [digest, count] : tried_) (void)state_dir_.ClearTried(digest);
}

Judgement Judge::Ask(const std::string& key, const Work& work, const LabelsNeed& labels,
                     std::stop_token stop) {
  const std::string digest = Sha256Hex(*work.spec);
  const std::string& input = work.desired.input_digest;
  if (!work.verify) {
    if (auto same = Recent(digest)) {
      desired_.SetBases(key, {});
      return {*std::move(same), "", Dependencies{}};
    }
  }
  {
    const std::lock_guard lock(mutex_);
    const auto tried = tried_.find(input);
    if (!work.verify && tried != tried_.end() && tried->second >= kDistrustedStarts) {
      (void)state_dir_.ClearTried(input);
      // Left aside, not judged: who was killed from outside twice did not die of it. The next start
      // tries it anew.
      return Failure({ErrorCode::kTransient,
                      "seccompd died twice in a row while this profile was being judged; it is "
                      "left aside until the agent is started anew"},
                     "CompilerFailed");
    }
  }
  if (const Result<void> marked = state_dir_.MarkTried(input); !marked.ok()) {
    log_.Debug("could not note what is being tried", {{"error", marked.error().message}});
  }
  Judgement judgement = AskCompiler(key, work, labels, std::move(stop));
  (void)state_dir_.ClearTried(input);
  if (!judgement.answer.ok()) return judgement;
  const compiler::CompileAnswer& answer = *judgement.answer;
  if (!answer.bytes.empty()) {
    if (const Result<void> canonical = profile::CheckCanonical(answer.bytes); !canonical.ok()) {
      return Failure({ErrorCode::kTransient,
                      "the compiler's answer is not a canonical profile and is not written: " +
                          canonical.error().message},
                     "CompilerFailed");
    }
  }
  const Dependencies& rests_on = *judgement.dependencies;
  {
    const std::lock_guard lock(mutex_);
    tried_.erase(input);
  }
  if (rests_on.bases.empty() && !rests_on.uses_labels) Remember(digest, answer);
  return judgement;
}

Judgement Judge::AskCompiler(const std::string& key, const Work& work, const LabelsNeed& needed,
                             std::stop_token stop) {
  Question question{{*work.spec, options_.node, {}, options_.ceiling, work.verify}, {}, false};
  std::optional<Labels> known = labels_.KnownSince(needed.later_than);
  if (!known && needed.is_expected) {
    // A failure counts only if they still matter: asked for once more then.
    if (Result<Labels> read = labels_.Read(needed.later_than, stop); read.ok()) {
      known = *std::move(read);
    }
  }
  question.has_labels = known.has_value();
  if (known) question.request.node.labels = *std::move(known);
  for (int round = 0; round < kMostRounds; ++round) {
    const auto begin = clock_.SteadyNow();
    Result<compiler::CompileAnswer> answer = compiler_.Compile(question.request);
    metrics_.Compiled(clock_.SteadyNow() - begin);
    if (!answer.ok()) {
      const bool is_verdict = answer.error().code == ErrorCode::kInvalid;
      metrics_.CompileFailed(is_verdict);
      return Failure(answer.error(), is_verdict ? "TooExpensive" : "CompilerFailed");
    }
    const bool uses_labels = answer->uses_labels || answer->is_skipped;
    if (uses_labels && !question.has_labels) {
      Result<Labels> labels = labels_.Read(needed.later_than, stop);
      if (!labels.ok()) {
        return Failure(Wrap(labels.error(), "this node's labels, for nodeSelector"), "FetchFailed");
      }
      question.request.node.labels = *std::move(labels);
      question.has_labels = true;
      if (!question.request.node.labels.empty()) continue;  // else it was told them already
    }
    if (answer->needs_bases) {
      const Result<void> gathered = GatherBases(key, answer->bases, question, stop);
      if (!gathered.ok()) return Failure(gathered.error(), "FetchFailed");
      continue;
    }
    Dependencies dependencies;
    for (const auto& [name, digest] : question.base_digests) dependencies.bases.push_back(name);
    dependencies.uses_labels = uses_labels;
    dependencies.digest = DependencyDigest(question.base_digests, uses_labels, labels_.digest());
    desired_.SetBases(key, dependencies.bases);
    return {std::move(answer), "", std::move(dependencies)};
  }
  return Failure({ErrorCode::kTransient, "the compiler asks for bases again and again"},
                 "CompilerFailed");
}

Result<void> Judge::GatherBases(const std::string& key, const std::vector<std::string>& names,
                                Question& question, std::stop_token stop) {
  std::vector<std::string> all = names;
  for (const auto& [name, digest] : question.base_digests) all.push_back(name);
  std::sort(all.begin(), all.end());
  all.erase(std::unique(all.begin(), all.end()), all.end());
  const std::string name_space = key.substr(0, key.find('/'));
  // A name that cannot be a profile's is asked of nobody: there is none.
  const auto is_name = [&](const std::string& name) {
    return node::ProfilePath::Make(name_space, name).ok();
  };
  std::vector<std::string> real;
  std::copy_if(all.begin(), all.end(), std::back_inserter(real), is_name);
  desired_.SetBases(key, real);  // before they are read: no change is missed
  for (const std::string& name : all) {
    const auto& had = question.request.bases;
    if (std::any_of(had.begin(), had.end(), [&](const auto& base) { return base.name == name; }))
      continue;
    std::string digest;
    profile::BaseSpec base{name, std::nullopt};
    if (is_name(name)) {
      std::string base_key = name_space;
      base_key.append("/").append(name);
      Result<profile::BaseSpec> fetched = FetchBase(base_key, name, digest, stop);
      if (!fetched.ok()) return Wrap(fetched.error(), "base " + name);
      base = *std::move(fetched);
      question.base_digests[name] = digest;
    }
    question.request.bases.push_back(std::move(base));
  }
  return {};
}

Result<profile::BaseSpec> Judge::FetchBase(const std::string& key, const std::string& name,
                                           std::string& digest, std::stop_token stop) {
  const std::string current = desired_.DigestOf(key);
  if (!current.empty()) {
    const std::lock_guard lock(mutex_);
    for (const ReadBase& read : bases_) {
      if (read.key != key || read.digest != current) continue;
      digest = current;
      return profile::BaseSpec{name, read.spec};
    }
  }
  profile::BaseSpec base{name, std::nullopt};
  const auto slash = key.find('/');
  const Result<void> fetched = source_.Fetch(
      key.substr(0, slash), name,
      [&](const kube::Object& object) {
        digest = InputDigest(options_.context, object.uid, object.spec);
        base.spec = std::string(object.spec.substr(0, kMostBaseBytes));
      },
      std::move(stop));
  if (!fetched.ok()) {
    if (fetched.error().code == ErrorCode::kNotFound) return base;
    return fetched.error();
  }
  const std::lock_guard lock(mutex_);
  bases_.remove_if([&](const ReadBase& read) { return read.key == key; });
  bases_.push_front({key, digest, *base.spec});
  if (bases_.size() > kRecentBases) bases_.pop_back();
  return base;
}

Result<void> CheckCeiling(compiler::Compiler& compiler, const profile::NodeContext& node,
                          const std::string& ceiling) {
  // Free of faults, so that it is measured against the ceiling; whether it stays below does not
  // matter.
  constexpr char kProbe[] = R"({"profile":{"defaultAction":"SCMP_ACT_ALLOW","syscalls":[)"
                            R"({"names":["reboot"],"action":"SCMP_ACT_ERRNO"}]}})";
  const Result<compiler::CompileAnswer> answer = compiler.Compile({kProbe, node, {}, ceiling});
  if (answer.ok() || answer.error().code != ErrorCode::kDenied) return {};
  return Wrap(answer.error(), "--ceiling " + ceiling);
}

std::optional<compiler::CompileAnswer> Judge::Recent(const std::string& digest) {
  const std::lock_guard lock(mutex_);
  const auto same = std::find_if(recent_.begin(), recent_.end(),
                                 [&](const auto& row) { return row.first == digest; });
  if (same == recent_.end()) return std::nullopt;
  recent_.splice(recent_.begin(), recent_, same);
  return same->second;
}

void Judge::Remember(const std::string& digest, const compiler::CompileAnswer& answer) {
  const std::lock_guard lock(mutex_);
  recent_.remove_if([&](const auto& row) { return row.first == digest; });
  recent_.emplace_front(digest, answer);
  if (recent_.size() > kRecentAnswers) recent_.pop_back();
}

}  // namespace seccompd::agent
