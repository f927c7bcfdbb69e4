// SPDX-License-Identifier: Apache-2.0
// The installer's other half: compares the whole disk with the record, a few files at a time so
// that installs do not wait, and repairs what differs from the cache.
#include <algorithm>
#include <set>

#include "seccompd/agent/installer.h"

namespace seccompd::agent {
namespace {

constexpr int kFilesPerTurn = 50;
constexpr std::size_t kMostDriftKinds = 8;

std::optional<node::ProfilePath> PathOfKey(const std::string& key) {
  const auto slash = key.find('/');
  if (slash == std::string::npos) return std::nullopt;
  auto path = node::ProfilePath::Make(std::string_view(key).substr(0, slash),
                                      std::string_view(key).substr(slash + 1));
  if (!path.ok()) return std::nullopt;
  return *std::move(path);
}

}  // namespace

void Installer::BeginAudit() {
  next_audit_ = clock_.SteadyNow() + options_.resync;
  if (auditing_) return;
  auditing_ = true;
  table_.ForEach(
      [this](const std::string& key, const node::RecordEntry&) { to_audit_.push_back(key); });
}

void Installer::AuditSome() {
  for (int i = 0; i < kFilesPerTurn && !to_audit_.empty(); ++i) {
    const std::string key = std::move(to_audit_.front());
    to_audit_.pop_front();
    AuditEntry(key);
  }
  if (to_audit_.empty()) FinishAudit();
}

void Installer::AuditEntry(const std::string& key) {
  const auto entry = table_.Find(key);
  const auto path = PathOfKey(key);
  if (!entry || !path) return;
  if (first_audit_ &&
      (entry->state == StateName(ProfileState::kFailed) || entry->input_digest.empty() ||
       (entry->state == StateName(ProfileState::kSkipped) && !entry->sha256.empty()))) {
    queue_.Add(key);
  }
  if (entry->sha256.empty()) return;
  const Result<node::FileState> found = store_.Inspect(*path, entry->sha256);
  if (!found.ok()) {
    if (first_audit_) first_audit_clean_ = false;
    NoteDisk(found.error());
    return;
  }
  if (*found != node::FileState::kIntact) Repair(*path, *entry, *found);
}

void Installer::Repair(const node::ProfilePath& path, const node::RecordEntry& entry,
                       node::FileState found) {
  const std::string kind(node::FileStateName(found));
  metrics_.Drift(kind);
  {
    const std::lock_guard lock(mutex_);
    drift_.last = clock_.Now();
    if (std::find(drift_.kinds.begin(), drift_.kinds.end(), kind) == drift_.kinds.end() &&
        drift_.kinds.size() < kMostDriftKinds) {
      drift_.kinds.push_back(kind);
    }
  }
  const Result<std::string> bytes = store_.ReadCache(entry.sha256);
  if (bytes.ok()) {
    const Result<node::PutOutcome> put = store_.Put(path, *bytes);
    if (put.ok()) {
      log_.Warn("file was not as written; restored from the cache",
                {{"profile", path.key()}, {"found", kind}});
      if (on_change_) on_change_();
      return;
    }
    NoteDisk(put.error());
  }
  // No copy, or no writing: judge the profile anew. Without its digest nothing is skipped.
  if (first_audit_) first_audit_clean_ = false;
  log_.Warn("file was not as written; the profile will be compiled again",
            {{"profile", path.key()}, {"found", kind}});
  node::RecordEntry stale = entry;
  stale.input_digest.clear();
  table_.Set(path.key(), std::move(stale));
  queue_.Add(path.key());
}

void Installer::FinishAudit() {
  auditing_ = false;
  std::size_t foreign = 0;
  const Result<std::vector<node::FoundEntry>> all = store_.Scan();
  if (all.ok()) {
    for (const node::FoundEntry& found : *all) {
      const bool json = found.file_name.size() > 5;
      const std::string key =
          found.name_space + "/" +
          (json ? found.file_name.substr(0, found.file_name.size() - 5) : found.file_name);
      const auto entry = table_.Find(key);
      if (!found.is_profile_path || !entry || entry->sha256.empty()) ++foreign;
    }
    if (foreign != foreign_ && foreign > 0) {
      log_.Warn("entries below tenants/ that no profile accounts for; they are left alone",
                {{"count", std::to_string(foreign)}});
    }
    foreign_ = foreign;
  } else {
    NoteDisk(all.error());
  }
  std::set<std::string> live;
  table_.ForEach([&](const std::string&, const node::RecordEntry& entry) {
    if (!entry.sha256.empty()) live.insert(entry.sha256);
  });
  if (const Result<void> trimmed = store_.TrimCache(live); !trimmed.ok()) {
    log_.Warn("the cache could not be trimmed", {{"error", trimmed.error().message}});
  }
  if (!first_audit_) return;
  first_audit_ = false;
  // Record and disk agree: the node serves what it last knew, whether the API server answers or
  // not.
  const bool knows =
      !table_.Copy().resource_version.empty() || (options_.standalone && table_.size() > 0);
  if (knows && first_audit_clean_ && !first_pass_) {
    first_pass_ = true;
    health_.SetCheck("synced", "");
    log_.Info("record and disk agree: ready", {{"files", std::to_string(table_.files())}});
    if (on_change_) on_change_();
  }
}

}  // namespace seccompd::agent
