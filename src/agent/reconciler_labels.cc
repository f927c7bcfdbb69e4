// SPDX-License-Identifier: Apache-2.0
// The reconciler's side of nodeSelector: when the node's labels are read again, and how the file of
// a profile goes that does not select this node any more: as that of a deleted one, after the grace
// and past the guard, because running pods may need it for a restart and a slip with labels must
// not empty the nodes.
#include <algorithm>

#include "seccompd/agent/reconciler.h"

namespace seccompd::agent {
namespace {

// No profile's key has this form: the queue's item for the labels of the node.
constexpr char kLabelsKey[] = "";
constexpr std::chrono::seconds kLabelsEarliest{240};
constexpr std::chrono::seconds kLabelsLatest{360};

}  // namespace

void Reconciler::QueueUsersOfLabels() {
  std::vector<std::string> users;
  table_.ForEach([&](const std::string& key, const node::RecordEntry& entry) {
    if (entry.uses_labels) users.push_back(key);
  });
  for (const std::string& key : users) queue_.Add(key);
}

void Reconciler::CheckLabels() {
  bool used = false;
  table_.ForEach([&](const std::string&, const node::RecordEntry& entry) {
    used = used || entry.uses_labels;
  });
  if (used) queue_.Add(kLabelsKey);
}

bool Reconciler::ReconcileLabels(std::stop_token stop) {
  bool used = false;
  table_.ForEach([&](const std::string&, const node::RecordEntry& entry) {
    used = used || entry.uses_labels;
  });
  if (!used) return false;  // the next profile that asks for them starts it again
  const Result<Labels> labels = labels_.Read(clock_.SteadyNow(), std::move(stop));
  if (!labels.ok()) {
    log_.Debug("this node's labels could not be read", {{"error", labels.error().message}});
    queue_.AddRateLimited(kLabelsKey);
    return false;
  }
  queue_.Forget(kLabelsKey);
  ReadLabelsLater();
  return false;
}

void Reconciler::ReadLabelsLater() {
  const std::lock_guard lock(mutex_);
  std::uniform_int_distribution<std::int64_t> spread(kLabelsEarliest.count(),
                                                     kLabelsLatest.count());
  queue_.AddAfter(kLabelsKey, std::chrono::seconds(spread(random_)));
}

LabelsNeed Reconciler::LabelsNeeded(const std::string& key) const {
  const auto entry = table_.Find(key);
  const bool is_expected = entry && entry->uses_labels;
  const std::lock_guard lock(mutex_);
  const auto it = skipped_since_.find(key);
  const auto now = clock_.SteadyNow();
  if (it != skipped_since_.end() && now - it->second >= options_.delete_grace)
    return {it->second, is_expected};
  return {now - kLabelsLatest, is_expected};
}

Order Reconciler::DecideSkipped(const std::string& key, const Work& work, Dependencies dependencies,
                                std::stop_token stop) {
  VerdictOrder order{key,
                     work.desired,
                     ProfileState::kSkipped,
                     "NodeSelector",
                     "spec.nodeSelector does not match the labels of this node",
                     {},
                     std::move(dependencies)};
  const auto entry = table_.Find(key);
  const auto now = clock_.SteadyNow();
  auto since = now;
  {
    const std::lock_guard lock(mutex_);
    if (!entry || entry->sha256.empty()) {
      skipped_since_.erase(key);
      return order;
    }
    since = skipped_since_.try_emplace(key, now).first->second;
  }
  if (now - since < options_.delete_grace) {
    queue_.AddAfter(
        key, std::chrono::ceil<std::chrono::milliseconds>(options_.delete_grace - (now - since)));
    order.message += "; the file goes after the grace";
    return order;
  }
  std::string why;
  const auto answer = MayRemove(std::move(stop), why);
  if (answer && answer->go) {
    const auto slash = key.find('/');
    order.remove = node::ProfilePath::Make(std::string_view(key).substr(0, slash),
                                           std::string_view(key).substr(slash + 1))
                       .value();
    const std::lock_guard lock(mutex_);
    skipped_since_.erase(key);
    guard_.Removed(now);
    return order;
  }
  if (answer) {
    why = answer->reason;
    queue_.AddAfter(key,
                    std::min<std::chrono::milliseconds>(answer->again_in, std::chrono::minutes(5)));
  } else {
    queue_.AddAfter(key, std::chrono::seconds(30));
  }
  order.message = CleanMessage(order.message + "; the file stays: " + why);
  return order;
}

}  // namespace seccompd::agent
