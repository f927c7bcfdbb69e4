// SPDX-License-Identifier: Apache-2.0
#include "seccompd/agent/profile_table.h"

#include <algorithm>

namespace seccompd::agent {
namespace {

struct StateRow {
  ProfileState state;
  std::string_view name;
};
constexpr StateRow kStateNames[] = {
    {ProfileState::kInstalled, "Installed"}, {ProfileState::kInvalid, "Invalid"},
    {ProfileState::kDenied, "Denied"},       {ProfileState::kFailed, "Failed"},
    {ProfileState::kDeleting, "Deleting"},   {ProfileState::kRetained, "Retained"},
    {ProfileState::kSkipped, "Skipped"},
};

}  // namespace

std::string_view StateName(ProfileState state) {
  for (const StateRow& row : kStateNames) {
    if (row.state == state) return row.name;
  }
  return "";
}

std::optional<ProfileState> FindState(std::string_view name) {
  for (const StateRow& row : kStateNames) {
    if (row.name == name) return row.state;
  }
  return std::nullopt;
}

void ProfileTable::Load(node::Record record) {
  const std::lock_guard lock(mutex_);
  record_ = std::move(record);
  ++version_;
}

node::Record ProfileTable::Copy() const {
  const std::lock_guard lock(mutex_);
  return record_;
}

std::optional<node::RecordEntry> ProfileTable::Find(const std::string& key) const {
  const std::lock_guard lock(mutex_);
  const auto it = record_.entries.find(key);
  if (it == record_.entries.end()) return std::nullopt;
  return it->second;
}

void ProfileTable::Set(const std::string& key, node::RecordEntry entry) {
  const std::lock_guard lock(mutex_);
  node::RecordEntry& place = record_.entries[key];
  if (place == entry) return;
  place = std::move(entry);
  ++version_;
}

void ProfileTable::Erase(const std::string& key) {
  const std::lock_guard lock(mutex_);
  if (record_.entries.erase(key) > 0) ++version_;
}

void ProfileTable::SetIdentity(const SourceIdentity& identity) {
  const std::lock_guard lock(mutex_);
  if (record_.cluster == identity.cluster && record_.crd_uid == identity.crd_uid) return;
  record_.cluster = identity.cluster;
  record_.crd_uid = identity.crd_uid;
  ++version_;
}

SourceIdentity ProfileTable::identity() const {
  const std::lock_guard lock(mutex_);
  return {record_.cluster, record_.crd_uid, false};
}

void ProfileTable::SetResourceVersion(std::string resource_version) {
  const std::lock_guard lock(mutex_);
  record_.resource_version = std::move(resource_version);
}

std::size_t ProfileTable::size() const {
  const std::lock_guard lock(mutex_);
  return record_.entries.size();
}

std::size_t ProfileTable::files() const {
  const std::lock_guard lock(mutex_);
  return static_cast<std::size_t>(
      std::count_if(record_.entries.begin(), record_.entries.end(),
                    [](const auto& row) { return !row.second.sha256.empty(); }));
}

std::size_t ProfileTable::CountOf(ProfileState state) const {
  const std::string_view name = StateName(state);
  const std::lock_guard lock(mutex_);
  return static_cast<std::size_t>(
      std::count_if(record_.entries.begin(), record_.entries.end(),
                    [&](const auto& row) { return row.second.state == name; }));
}

void ProfileTable::ForEach(
    const std::function<void(const std::string& key, const node::RecordEntry&)>& visit) const {
  const std::lock_guard lock(mutex_);
  for (const auto& [key, entry] : record_.entries) visit(key, entry);
}

std::vector<std::string> ProfileTable::KeysAfter(const std::string& key, std::size_t most) const {
  const std::lock_guard lock(mutex_);
  std::vector<std::string> keys;
  for (auto it = record_.entries.upper_bound(key);
       it != record_.entries.end() && keys.size() < most; ++it) {
    keys.push_back(it->first);
  }
  return keys;
}

std::uint64_t ProfileTable::version() const {
  const std::lock_guard lock(mutex_);
  return version_;
}

}  // namespace seccompd::agent
