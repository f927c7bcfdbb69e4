// SPDX-License-Identifier: Apache-2.0
#include "seccompd/agent/judge.h"

#include <algorithm>

#include "seccompd/base/digest.h"
#include "seccompd/profile/canonical.h"

namespace seccompd::agent {
namespace {

constexpr std::size_t kRecentAnswers = 32;
constexpr int kDistrustedStarts = 2;
// The profile itself, four levels of bases below it, and one more time for the labels.
constexpr int kMostRounds = 6;

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
  for (const auto& [digest, count] : tried_) (void)state_dir_.ForgetTried(digest);
}

std::optional<std::size_t> Judge::MarkTried(std::span<const std::string> input_digests) {
  const Result<std::size_t> mark = state_dir_.MarkTried(input_digests);
  if (mark.ok()) return *mark;
  log_.Debug("could not note what is being tried", {{"error", mark.error().message}});
  return std::nullopt;
}

bool Judge::MayShare(const Work& work) {
  const std::lock_guard lock(mutex_);
  return !work.verify && !tried_.contains(work.desired.input_digest);
}

std::vector<std::optional<compiler::CompileAnswer>> Judge::AskTogether(
    const std::string& name_space, const std::vector<const Work*>& works) {
  std::vector<std::optional<compiler::CompileAnswer>> first(works.size());
  std::vector<std::size_t> asked;
  std::vector<std::string> specs, digests;
  for (std::size_t i = 0; i < works.size(); ++i) {
    const std::string& spec = *works[i]->spec;
    const bool is_known = std::find(specs.begin(), specs.end(), spec) != specs.end();
    if (is_known || !MayShare(*works[i]) || Recent(Sha256Hex(spec))) continue;
    asked.push_back(i);
    specs.push_back(spec);
    digests.push_back(works[i]->desired.input_digest);
  }
  if (asked.size() < 2) return first;
  const std::optional<std::size_t> mark = MarkTried(digests);
  const auto begin = clock_.SteadyNow();
  auto answers = compiler_.CompileTogether(name_space,
                                           {"", options_.node, {}, options_.ceiling, false}, specs);
  const auto share = (clock_.SteadyNow() - begin) / asked.size();
  if (mark) state_dir_.UnmarkTried(*mark);
  if (!answers.ok()) return first;
  for (std::size_t n = 0; n < asked.size(); ++n) {
    metrics_.Compiled(share);
    first[asked[n]] = std::move((*answers)[n]);
  }
  return first;
}

Judgement Judge::Ask(const std::string& key, const Work& work, const LabelsNeed& labels,
                     std::optional<compiler::CompileAnswer> first, std::stop_token stop) {
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
      (void)state_dir_.ForgetTried(input);
      // Left aside, not judged: who was killed from outside twice did not die of it. The next start
      // tries it anew.
      return Failure({ErrorCode::kTransient,
                      "seccompd died twice in a row while this profile was being judged; it is "
                      "left aside until the agent is started anew"},
                     "CompilerFailed");
    }
  }
  Judgement judgement = AskCompiler(key, work, labels, std::move(first), std::move(stop));
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
  // Never what a child said that read other texts too: it could be another's, who would have us
  // believe it of every namespace that has the same text.
  if (judgement.is_alone && rests_on.bases.empty() && !rests_on.uses_labels)
    Remember(digest, answer);
  return judgement;
}

Result<compiler::TenantAnswer> Judge::Compile(const std::string& key, const Work& work,
                                              const compiler::CompileRequest& request) {
  const bool may_share = MayShare(work);
  const std::optional<std::size_t> mark = MarkTried({&work.desired.input_digest, 1});
  const auto begin = clock_.SteadyNow();
  Result<compiler::TenantAnswer> answer = Error{};
  if (may_share) {
    answer = compiler_.CompileFor(key.substr(0, key.find('/')), request);
  } else if (auto alone = compiler_.Compile(request); alone.ok()) {
    answer = compiler::TenantAnswer{*std::move(alone)};
  } else {
    answer = alone.error();
  }
  metrics_.Compiled(clock_.SteadyNow() - begin);
  if (mark) state_dir_.UnmarkTried(*mark);
  (void)state_dir_.ForgetTried(work.desired.input_digest);
  return answer;
}

Judgement Judge::AskCompiler(const std::string& key, const Work& work, const LabelsNeed& needed,
                             std::optional<compiler::CompileAnswer> first, std::stop_token stop) {
  Question question{{*work.spec, options_.node, {}, options_.ceiling, work.verify}, {}, false};
  std::optional<Labels> known = labels_.KnownSince(needed.later_than);
  if (!known && needed.is_expected) {
    // A failure counts only if they still matter: asked for once more then.
    if (Result<Labels> read = labels_.Read(needed.later_than, stop); read.ok()) {
      known = *std::move(read);
    }
  }
  question.has_labels = known.has_value() && !first;
  if (question.has_labels) question.request.node.labels = *std::move(known);
  bool is_alone = !first;
  for (int round = 0; round < kMostRounds; ++round) {
    Result<compiler::CompileAnswer> answer = compiler::CompileAnswer();
    if (first) {
      answer = *std::exchange(first, std::nullopt);
    } else if (auto told = Compile(key, work, question.request); told.ok()) {
      is_alone = is_alone && told->is_alone;
      answer = std::move(told->answer);
    } else {
      const bool is_verdict = told.error().code == ErrorCode::kInvalid;
      metrics_.CompileFailed(is_verdict);
      return Failure(told.error(), is_verdict ? "TooExpensive" : "CompilerFailed");
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
    return {std::move(answer), "", std::move(dependencies), is_alone};
  }
  return Failure({ErrorCode::kTransient, "the compiler asks for bases again and again"},
                 "CompilerFailed");
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
