// SPDX-License-Identifier: Apache-2.0
#pragma once
// What is on this node, profile by profile: the record, shared. The installer alone writes it; the
// reporter, the metrics and state.sock read it. Thread-safe.

#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "seccompd/agent/object_source.h"
#include "seccompd/node/record.h"

namespace seccompd::agent {

// The states of design section 7; one table (kStateNames) gives their names.
enum class ProfileState { kInstalled, kInvalid, kDenied, kFailed, kDeleting, kRetained, kSkipped };
inline constexpr ProfileState kAllStates[] = {
    ProfileState::kInstalled, ProfileState::kInvalid,  ProfileState::kDenied, ProfileState::kFailed,
    ProfileState::kDeleting,  ProfileState::kRetained, ProfileState::kSkipped};
std::string_view StateName(ProfileState state);
std::optional<ProfileState> FindState(std::string_view name);

class ProfileTable {
 public:
  void Load(node::Record record);
  node::Record Copy() const;
  std::optional<node::RecordEntry> Find(const std::string& key) const;
  void Set(const std::string& key, node::RecordEntry entry);
  void Erase(const std::string& key);
  void SetIdentity(const SourceIdentity& identity);
  SourceIdentity identity() const;
  void SetResourceVersion(std::string resource_version);

  std::size_t size() const;
  // Entries that have a file on the disk.
  std::size_t files() const;
  std::size_t CountOf(ProfileState state) const;
  // Under the lock: be quick.
  void ForEach(
      const std::function<void(const std::string& key, const node::RecordEntry&)>& visit) const;
  // The first `most` keys behind `key`, in order.
  std::vector<std::string> KeysAfter(const std::string& key, std::size_t most) const;
  // Grows with each change of an entry.
  std::uint64_t version() const;

 private:
  mutable std::mutex mutex_;  // guards all below
  node::Record record_;
  std::uint64_t version_ = 0;
};

}  // namespace seccompd::agent
