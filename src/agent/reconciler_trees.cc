// SPDX-License-Identifier: Apache-2.0
// The check that a profile's way to the disk leaves out: the filter that runc from 1.2 on makes of
// a long profile (profile/check_tree.h). It is done for each installed file, one at a time and only
// when nobody waits, on the bytes of the cached copy; the record remembers whose is still to be
// done. A burst of installs is through before the first.
#include <algorithm>
#include <utility>

#include "seccompd/agent/reconciler.h"

namespace seccompd::agent {
namespace {

constexpr std::chrono::milliseconds kTreesPause{50};

}  // namespace

bool Reconciler::IsTreesKey(const std::string& key) { return key == kTreesKey; }

void Reconciler::CheckTreesLater() { queue_.AddAfter(kTreesKey, kTreesBegin); }

void Reconciler::SetTreeUnderWay(bool is_under_way) {
  const std::lock_guard lock(mutex_);
  tree_is_under_way_ = is_under_way;
}

std::string Reconciler::NextTree() {
  const std::lock_guard lock(mutex_);
  std::string next;
  table_.ForEach([&](const std::string&, const node::RecordEntry& entry) {
    if (next.empty() && entry.has_unchecked_tree && !entry.sha256.empty() &&
        entry.state == StateName(ProfileState::kInstalled) &&
        !trees_without_bytes_.contains(entry.sha256)) {
      next = entry.sha256;
    }
  });
  return next;
}

bool Reconciler::ReconcileTrees() {
  std::optional<Tree> tree;
  {
    const std::lock_guard lock(mutex_);
    tree = std::exchange(tree_, std::nullopt);
    if (!tree.has_value() && tree_is_under_way_) return false;  // done() goes on
  }
  if (tree.has_value()) {
    CheckTree(*tree);
    return false;
  }
  const std::string next = NextTree();
  if (next.empty()) return false;  // the next install starts it again
  if (queue_.depth() > 1) {        // this key is with us
    CheckTreesLater();
    return false;
  }
  SetTreeUnderWay(true);
  installer_.Submit(ReadOrder{next, [this, next](Result<std::string> bytes) {
                                {
                                  const std::lock_guard lock(mutex_);
                                  if (bytes.ok()) {
                                    tree_ = Tree{next, *std::move(bytes)};
                                  } else {
                                    trees_without_bytes_.insert(next);
                                    tree_is_under_way_ = false;
                                  }
                                }
                                queue_.Add(kTreesKey);
                              }});
  return false;
}

void Reconciler::CheckTree(const Tree& tree) {
  const Result<std::vector<profile::Diagnostic>> findings = compiler_.CheckTree(tree.bytes);
  if (!findings.ok() && findings.error().code != ErrorCode::kInvalid) {
    log_.Debug("a filter as runc makes it could not be checked; it will be tried again",
               {{"sha256", tree.sha256}, {"error", findings.error().message}});
    SetTreeUnderWay(false);
    queue_.AddRateLimited(kTreesKey);
    return;
  }
  queue_.Forget(kTreesKey);
  TreeOrder order{tree.sha256, "", ""};
  if (!findings.ok()) {
    order.reason = "TooExpensive";
    order.message = CleanMessage("as runc from 1.2 on compiles it: " + findings.error().message);
  } else if (profile::HasError(*findings)) {
    order.reason = findings->front().code;
    order.message = Summarize(*findings, profile::Severity::kError);
  }
  order.done = [this] {
    SetTreeUnderWay(false);
    queue_.AddAfter(kTreesKey, kTreesPause);
  };
  installer_.Submit(std::move(order));
}

}  // namespace seccompd::agent
