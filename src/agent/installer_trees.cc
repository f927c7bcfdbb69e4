// SPDX-License-Identifier: Apache-2.0
// The installer's part in checking the filters that runc from 1.2 on makes (reconciler_trees.cc).
#include <string>
#include <utility>
#include <vector>

#include "seccompd/agent/installer.h"

namespace seccompd::agent {

void Installer::Perform(const ReadOrder& order) { order.done(store_.ReadCache(order.sha256)); }

// All profiles with these bytes. A wrong one is Invalid from now on, by the same input: nobody
// judges it again before it changes. Its file stays, unless the profile says onInvalid: Remove, for
// it is right for every other runtime, and whoever runs under it needs it at the next restart.
void Installer::Perform(const TreeOrder& order) {
  std::vector<std::string> keys;
  table_.ForEach([&](const std::string& key, const node::RecordEntry& entry) {
    if (entry.has_unchecked_tree && entry.sha256 == order.sha256) keys.push_back(key);
  });
  for (const std::string& key : keys) {
    node::RecordEntry entry = *table_.Find(key);
    entry.has_unchecked_tree = false;
    if (!order.reason.empty() && entry.state == StateName(ProfileState::kInstalled)) {
      RefuseInstalled(key, order, entry);
    }
    table_.Set(key, std::move(entry));
  }
  if (order.done) order.done();
}

void Installer::RefuseInstalled(const std::string& key, const TreeOrder& order,
                                node::RecordEntry& entry) {
  entry.state = std::string(StateName(ProfileState::kInvalid));
  entry.since =
      std::chrono::duration_cast<std::chrono::seconds>(clock_.Now().time_since_epoch()).count();
  entry.reason = order.reason;
  entry.message = order.message;
  metrics_.Refused();
  const auto slash = key.find('/');
  const auto path = node::ProfilePath::Make(std::string_view(key).substr(0, slash),
                                            std::string_view(key).substr(slash + 1));
  if (entry.remove_when_invalid && path.ok()) {
    const Result<void> removed = store_.Remove(*path);
    NoteDisk(removed);
    if (removed.ok()) {
      entry.sha256.clear();
      entry.installed_generation = 0;
      metrics_.Removed();
    } else {
      entry.input_digest.clear();  // judged and removed anew
      queue_.AddRateLimited(key);
    }
  }
  log_.Warn("profile refused after it was installed: runc from 1.2 on would make a wrong filter",
            {{"profile", key},
             {"reason", entry.reason},
             {"on_disk", entry.sha256.empty() ? "no file" : "the same file"},
             {"message", entry.message}});
}

}  // namespace seccompd::agent
