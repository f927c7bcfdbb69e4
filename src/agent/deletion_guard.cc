// SPDX-License-Identifier: Apache-2.0
#include "seccompd/agent/deletion_guard.h"

#include <algorithm>
#include <utility>

namespace seccompd::agent {

void DeletionGuard::DropOld(Time now) {
  while (!removed_.empty() && now - removed_.front() > window_) removed_.pop_front();
}

DeletionGuard::Answer DeletionGuard::Hold(Time now, Time since, Cause cause, std::string reason) {
  held_ = reason;
  const bool is_news = std::exchange(cause_, cause) != cause;
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(since + kHold - now);
  return {false, std::move(reason), is_news,
          std::max(left, std::chrono::milliseconds(std::chrono::seconds(1)))};
}

DeletionGuard::Answer DeletionGuard::Ask(const Question& question) {
  const Time now = question.now;
  DropOld(now);
  if (last_identity_ != question.current) {
    // The first answer of all counts as old when it is the recorded one: nothing changed while we
    // were away.
    identity_since_ = !last_identity_ && question.current == question.recorded ? now - kHold : now;
    last_identity_ = question.current;
  }
  const SourceIdentity& recorded = question.recorded;
  if (!recorded.cluster.empty() && recorded.cluster != question.current.cluster) {
    return Hold(
        now, now, Cause::kOtherCluster,
        "the files on this node came from another cluster (kube-system's uid was " +
            recorded.cluster + ", is " + question.current.cluster +
            "): they stay until an operator removes them and the record in the state directory");
  }
  if (question.current.terminating) {
    return Hold(now, now, Cause::kCrdTerminating,
                "the TenantSeccompProfile CRD is being deleted: no file goes on its account");
  }
  const bool stable = now - identity_since_ >= kHold;
  if (!recorded.crd_uid.empty() && recorded.crd_uid != question.current.crd_uid && !stable) {
    return Hold(now, identity_since_, Cause::kOtherCrd,
                "the TenantSeccompProfile CRD was deleted and made anew: files stay until it has "
                "been the same for 15 min");
  }
  const std::size_t planned = removed_.size() + question.absent;
  const std::size_t base = question.files + removed_.size();
  const std::size_t allowed = std::max(kAlwaysAllowed, base * kPercentAllowed / 100);
  if (planned <= allowed) {
    too_many_since_.reset();
    held_.clear();
    cause_ = Cause::kNone;
    return {true, "", false, std::chrono::milliseconds(0)};
  }
  if (!too_many_since_) too_many_since_ = now;
  const Time since = std::max(*too_many_since_, identity_since_);
  if (now - since >= kHold) {
    held_.clear();
    cause_ = Cause::kNone;
    return {true, "", false, std::chrono::milliseconds(0)};
  }
  return Hold(
      now, since, Cause::kTooMany,
      std::to_string(question.absent) + " of " + std::to_string(question.files) +
          " profiles lost their object, or this node for their selector, at once (more than " +
          std::to_string(allowed) +
          "): their files stay 15 min more, so that a mistake can be undone by applying "
          "the objects again");
}

void DeletionGuard::Removed(Time now) {
  removed_.push_back(now);
  DropOld(now);
}

}  // namespace seccompd::agent
