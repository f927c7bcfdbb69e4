// SPDX-License-Identifier: Apache-2.0
// The installer's eyes. An event says only which entry to look at: what is done is decided by
// comparing the disk with the record, so our own writes need no telling apart. A storm costs at
// most a quarter of one core: after each turn the patrol rests three times as long as it took.
#include <algorithm>

#include "seccompd/agent/installer.h"

namespace seccompd::agent {
namespace {

constexpr std::size_t kEntriesPerTurn = 50;
constexpr std::chrono::milliseconds kShortestRest{2};
constexpr std::chrono::milliseconds kLongestRest{100};
constexpr std::chrono::seconds kRootCheckEvery{10};
constexpr std::chrono::seconds kUnwatchedAuditEvery{10};
constexpr std::chrono::seconds kWatchRetry{60};
constexpr std::string_view kSuffix = ".json";

// "team/web.json" -> "team/web"; "" when no profile can have that file.
std::string KeyOfEntry(const std::string& entry) {
  if (!entry.ends_with(kSuffix)) return "";
  const auto slash = entry.find('/');
  if (slash == std::string::npos) return "";
  return entry.substr(0, entry.size() - kSuffix.size());
}

}  // namespace

void Installer::StartWatching() {
  next_root_check_ = clock_.SteadyNow() + kRootCheckEvery;
  watch_.reset();
  Result<std::unique_ptr<node::DriftWatch>> opened = options_.open_watch();
  if (!opened.ok()) return StopWatching(opened.error());
  watch_ = *std::move(opened);
  const Result<UniqueFd> tenants = store_.OpenDirectory("");
  const Result<std::vector<std::string>> names = store_.Namespaces();
  if (!tenants.ok() || !names.ok()) {  // the disk's trouble, and told as such
    watch_.reset();
    next_watch_try_ = next_root_check_;
    return;
  }
  if (const Result<bool> added = watch_->Watch("", tenants->get()); !added.ok()) {
    return StopWatching(added.error());
  }
  for (const std::string& name : *names) {
    if (watch_ != nullptr) WatchNamespace(name);
  }
  if (watch_ != nullptr && ledger_.SetUnwatched("")) {
    log_.Info("changes of files are seen at once again");
    AuditSoon();
    changed_ = true;
  }
}

void Installer::StopWatching(const Error& why) {
  watch_.reset();
  const auto now = clock_.SteadyNow();
  next_watch_try_ = now + kWatchRetry;
  next_audit_ = std::min(next_audit_, now + kUnwatchedAuditEvery);
  if (!ledger_.SetUnwatched(why.message)) return;
  log_.Warn("changes of files are not seen at once; the disk is audited every 10 s instead",
            {{"error", why.message}});
  changed_ = true;
}

void Installer::Patrol() {
  const auto begin = clock_.SteadyNow();
  if (begin < patrol_after_) return;
  ReadWatch();
  const std::vector<std::string> entries = suspects_.TakeDue(begin, kEntriesPerTurn);
  if (entries.empty()) return;
  CheckSuspects(entries);
  const auto took = clock_.SteadyNow() - begin;
  if (took.count() == 0) return;  // a test's clock
  patrol_after_ =
      begin + took +
      std::clamp<std::chrono::steady_clock::duration>(3 * took, kShortestRest, kLongestRest);
}

void Installer::ReadWatch() {
  if (watch_ == nullptr) return;
  const Result<node::DriftWatch::Changes> changes = watch_->Read();
  if (!changes.ok()) return StopWatching(changes.error());
  if (changes->overflow) AuditSoon();
  for (const std::string& name : changes->directories) {
    if (name.empty()) {
      CheckRoot();
    } else if (watch_ != nullptr) {
      WatchNamespace(name);
    }
  }
  for (const auto& [directory, entry] : changes->entries) {
    if (!directory.empty()) {
      Suspect(std::string(directory).append("/").append(entry));
      continue;
    }
    Suspect(entry);
    if (watch_ != nullptr && node::ProfilePath::Make(entry, "x").ok()) WatchNamespace(entry);
  }
}

// Something happened to the directory itself: it is watched (anew, when it is another one), and
// everything in it looked at.
void Installer::WatchNamespace(const std::string& name) {
  const Result<UniqueFd> directory = store_.OpenDirectory(name);
  if (directory.ok()) {
    const Result<bool> fresh = watch_->Watch(name, directory->get());
    if (!fresh.ok()) {
      if (fresh.error().code == ErrorCode::kTransient) return StopWatching(fresh.error());
      AuditSoon();  // closed to us: the store puts another in its place
    } else if (*fresh) {
      WantScan();
    }
  } else {
    watch_->Forget(name);
  }
  if (first_audit_) return;  // which looks at everything
  const std::string prefix = name + "/";
  std::vector<std::string> entries;
  table_.ForEach([&](const std::string& key, const node::RecordEntry& entry) {
    if (key.starts_with(prefix) && !entry.sha256.empty()) {
      entries.push_back(key + std::string(kSuffix));
    }
  });
  for (const std::string& entry : entries) Suspect(entry);
}

// What is done to a file by another name is seen by a watch of its own. Where there are too many
// files for that, AuditSlice finds it, later.
void Installer::WatchFile(const node::ProfilePath& path, int directory) {
  if (watch_ == nullptr) return;
  const Result<void> watched = watch_->WatchFile(path.name_space(), directory, path.file_name());
  if (watched.ok() || said_unwatched_files_) return;
  said_unwatched_files_ = true;
  log_.Warn(
      "not every file can be watched itself: of the others, a hard link made elsewhere, and a "
      "write through it, is found by the audits only",
      {{"error", watched.error().message}});
}

void Installer::Suspect(const std::string& entry) {
  if (suspects_.Add(entry, clock_.SteadyNow())) return;
  suspects_.Clear();
  AuditSoon();
}

void Installer::CheckSuspects(const std::vector<std::string>& entries) {
  std::vector<Broken> broken;
  for (const std::string& entry : entries) {
    const std::string key = KeyOfEntry(entry);
    const auto known = key.empty() ? std::nullopt : table_.Find(key);
    if (known && !known->sha256.empty()) {
      if (foreign_.erase(entry) > 0) foreign_files_ = foreign_.size();
      Examine(key, broken);
    } else {
      LookForeign(entry);
    }
  }
  Repair(broken);
}

void Installer::CheckRoot() {
  next_root_check_ = clock_.SteadyNow() + kRootCheckEvery;
  if (const Result<void> root = store_.VerifyRoot(); !root.ok()) NoteDisk(root.error());
}

// tenants/ is another directory than before: nothing that was watched or known of it holds.
void Installer::NoteRootChange() {
  root_seen_ = store_.root_changes();
  log_.Warn("tenants/ was replaced or removed; every file is written anew where it is missing");
  NoteDrift("root", "tenants");
  StartWatching();
  AuditSoon();
  changed_ = true;
}

void Installer::NoteDrift(std::string_view kind, const std::string& entry) {
  metrics_.Drift(kind);
  ledger_.Note(kind, entry, clock_.Now());
}

void Installer::NoteFight(const std::string& entry) {
  if (!suspects_.NoteRepair(entry, clock_.SteadyNow())) return;
  NoteDrift("contested", entry);
  ledger_.SetContested(suspects_.contested());
  log_.Error(
      "somebody else keeps changing a file: it was put right three times within a minute; find out "
      "who writes there. It is put right every 10 s from now on",
      {{"file", "tenants/" + entry}});
  changed_ = true;
}

void Installer::EndFights() {
  if (!suspects_.has_history() || !suspects_.EndFights(clock_.SteadyNow())) return;
  ledger_.SetContested(suspects_.contested());
  log_.Info("a file that somebody kept changing has been left alone for a minute");
  changed_ = true;
}

}  // namespace seccompd::agent
