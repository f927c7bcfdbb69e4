// SPDX-License-Identifier: Apache-2.0
#include "seccompd/agent/desired_state.h"

#include <algorithm>

#include "seccompd/base/digest.h"

namespace seccompd::agent {
namespace {

std::string KeyOf(const kube::Object& object) {
  return std::string(object.name_space) + "/" + std::string(object.name);
}

}  // namespace

std::string InputDigest(std::string_view context, std::string_view uid, std::string_view spec) {
  Sha256 sha;
  sha.UpdateField(context);
  sha.UpdateField(uid);
  sha.UpdateField(spec);
  return sha.FinishHex();
}

void DesiredState::Seed(const node::Record& record, bool resumes) {
  const std::lock_guard lock(mutex_);
  for (const auto& [key, known] : record.entries) {
    Entry& entry = entries_[key];
    entry.desired = Desired{known.uid, known.desired_generation, known.input_digest, {}};
    entry.noticed = clock_.SteadyNow();
    SetBasesLocked(key, entry, known.bases);
    // A deletion that was under way when the agent stopped starts its grace anew.
    if (known.state == "Deleting") MarkAbsentLocked(key, entry);
  }
  delivered_version_ = record.resource_version;
  resumed_ = resumes && !record.resource_version.empty();
}

void DesiredState::Upsert(const kube::Object& object) {
  const std::string key = KeyOf(object);
  std::string digest = InputDigest(context_, object.uid, object.spec);
  const std::lock_guard lock(mutex_);
  Entry& entry = entries_[key];
  entry.seen_in_list = list_;
  const bool is_old =
      entry.desired.uid == object.uid && object.generation < entry.fetched_generation;
  if (is_old && !in_list_) return;
  entry.fetched_generation = 0;
  const bool came_back = entry.desired.absent_since.has_value();
  const bool changed = entry.desired.input_digest != digest || entry.desired.uid != object.uid;
  const bool renumbered = entry.desired.generation != object.generation;
  entry.desired.absent_since.reset();
  entry.desired.generation = object.generation;
  if (in_list_ && verify_list_) entry.verify = true;
  if (!changed && !came_back && !renumbered && !entry.verify) return;
  if (changed) {
    entry.desired.uid = std::string(object.uid);
    entry.desired.input_digest = std::move(digest);
    entry.noticed = clock_.SteadyNow();
  }
  if (changed || came_back) QueueDependantsLocked(key);
  if (changed || entry.verify) {
    DropSpecLocked(entry);
    if (pending_bytes_ + object.spec.size() <= kMaxPendingBytes) {
      entry.spec = std::string(object.spec);
      pending_bytes_ += object.spec.size();
    }
  }
  queue_.Add(key);
}

void DesiredState::Deleted(const kube::Object& object) {
  const std::lock_guard lock(mutex_);
  const auto it = entries_.find(KeyOf(object));
  // A DELETED event for an older object of the same name says nothing about the one that is there
  // now.
  if (it == entries_.end() || it->second.desired.uid != object.uid) return;
  MarkAbsentLocked(it->first, it->second);
}

void DesiredState::MarkAbsentLocked(const std::string& key, Entry& entry) {
  if (entry.desired.absent_since) return;
  entry.desired.absent_since = clock_.SteadyNow();
  DropSpecLocked(entry);
  queue_.Add(key);
  QueueDependantsLocked(key);
}

void DesiredState::QueueDependantsLocked(const std::string& key) {
  const auto it = dependants_.find(key);
  if (it == dependants_.end()) return;
  for (const std::string& dependant : it->second) queue_.Add(dependant);
}

void DesiredState::SetBasesLocked(const std::string& key, Entry& entry,
                                  const std::vector<std::string>& names) {
  for (const std::string& base : entry.bases) {
    const auto it = dependants_.find(base);
    if (it == dependants_.end()) continue;
    it->second.erase(key);
    if (it->second.empty()) dependants_.erase(it);
  }
  entry.bases.clear();
  const std::string name_space = key.substr(0, key.find('/') + 1);
  for (const std::string& name : names) {
    entry.bases.push_back(name_space + name);
    dependants_[entry.bases.back()].insert(key);
  }
}

void DesiredState::SetBases(const std::string& key, const std::vector<std::string>& names) {
  const std::lock_guard lock(mutex_);
  const auto it = entries_.find(key);
  if (it != entries_.end()) SetBasesLocked(key, it->second, names);
}

void DesiredState::Fetched(const std::string& key, std::string_view uid, std::int64_t generation) {
  const std::lock_guard lock(mutex_);
  const auto it = entries_.find(key);
  if (it == entries_.end() || it->second.desired.uid != uid) return;
  it->second.fetched_generation = std::max(it->second.fetched_generation, generation);
}

std::string DesiredState::DigestOf(const std::string& key) const {
  const std::lock_guard lock(mutex_);
  const auto it = entries_.find(key);
  if (it == entries_.end() || it->second.desired.absent_since) return "";
  return it->second.desired.input_digest;
}

void DesiredState::DropSpecLocked(Entry& entry) {
  if (!entry.spec) return;
  pending_bytes_ -= entry.spec->size();
  entry.spec.reset();
}

void DesiredState::ListStarted() {
  const std::lock_guard lock(mutex_);
  ++list_;
  in_list_ = true;
}

void DesiredState::ListFinished(std::string_view resource_version, bool complete) {
  {
    const std::lock_guard lock(mutex_);
    in_list_ = false;
    verify_list_ = false;
    synced_ = true;
    delivered_version_ = std::string(resource_version);
    for (auto& [key, entry] : entries_) {
      // What could not be read may be any of those that were not seen.
      if (complete && entry.seen_in_list != list_) MarkAbsentLocked(key, entry);
    }
  }
  if (on_delivered_) on_delivered_();
}

void DesiredState::ListAborted() {
  const std::lock_guard lock(mutex_);
  in_list_ = false;
}

void DesiredState::Progress(std::string_view resource_version) {
  {
    const std::lock_guard lock(mutex_);
    if (resumed_) synced_ = true;
    if (!synced_) return;
    delivered_version_ = std::string(resource_version);
  }
  if (on_delivered_) on_delivered_();
}

void DesiredState::SourceAnswered() {
  {
    const std::lock_guard lock(mutex_);
    refusal_.clear();
    if (!resumed_ || synced_) return;
    synced_ = true;
  }
  if (on_delivered_) on_delivered_();
}

void DesiredState::SourceRefused(std::string why) {
  const std::lock_guard lock(mutex_);
  refusal_ = std::move(why);
}

std::string DesiredState::source_refusal() const {
  const std::lock_guard lock(mutex_);
  return refusal_;
}

std::optional<Work> DesiredState::Take(const std::string& key) {
  const std::lock_guard lock(mutex_);
  const auto it = entries_.find(key);
  if (it == entries_.end()) return std::nullopt;
  Entry& entry = it->second;
  Work work{entry.desired, std::move(entry.spec), entry.verify, entry.noticed};
  if (work.spec) pending_bytes_ -= work.spec->size();
  entry.spec.reset();
  entry.verify = false;
  return work;
}

void DesiredState::GiveBack(const std::string& key, const std::string& input_digest,
                            std::string spec) {
  const std::lock_guard lock(mutex_);
  const auto it = entries_.find(key);
  if (it == entries_.end() || it->second.spec || it->second.desired.input_digest != input_digest)
    return;
  if (pending_bytes_ + spec.size() > kMaxPendingBytes) return;
  pending_bytes_ += spec.size();
  it->second.spec = std::move(spec);
}

bool DesiredState::IsAbsent(const std::string& key) const {
  const std::lock_guard lock(mutex_);
  const auto it = entries_.find(key);
  return it == entries_.end() || it->second.desired.absent_since.has_value();
}

void DesiredState::Forget(const std::string& key) {
  const std::lock_guard lock(mutex_);
  const auto it = entries_.find(key);
  if (it == entries_.end() || !it->second.desired.absent_since) return;
  DropSpecLocked(it->second);
  SetBasesLocked(key, it->second, {});
  entries_.erase(it);
}

void DesiredState::VerifyAllAtNextList() {
  const std::lock_guard lock(mutex_);
  verify_list_ = true;
}

bool DesiredState::synced() const {
  const std::lock_guard lock(mutex_);
  return synced_;
}

std::string DesiredState::delivered_version() const {
  const std::lock_guard lock(mutex_);
  return delivered_version_;
}

std::size_t DesiredState::absent_count() const {
  const std::lock_guard lock(mutex_);
  std::size_t count = 0;
  for (const auto& [key, entry] : entries_) count += entry.desired.absent_since ? 1 : 0;
  return count;
}

std::size_t DesiredState::size() const {
  const std::size_t absent = absent_count();
  const std::lock_guard lock(mutex_);
  return entries_.size() - std::min(absent, entries_.size());
}

std::string DesiredState::IntentDigest() const {
  const std::lock_guard lock(mutex_);
  Sha256 sha;
  for (const auto& [key, entry] : entries_) {
    if (entry.desired.absent_since) continue;
    sha.UpdateField(key);
    sha.UpdateField(entry.desired.uid);
    sha.UpdateField(std::to_string(entry.desired.generation));
  }
  return sha.FinishHex();
}

std::size_t DesiredState::pending_bytes() const {
  const std::lock_guard lock(mutex_);
  return pending_bytes_;
}

}  // namespace seccompd::agent
