// SPDX-License-Identifier: Apache-2.0
// The installer's other half: compares the whole disk with the record, a few files at a time so
// that installs do not wait, and repairs what differs from the cache.
#include <algorithm>
#include <optional>
#include <set>

#include "seccompd/agent/installer.h"

namespace seccompd::agent {
namespace {

constexpr int kFilesPerTurn = 50;
constexpr std::size_t kFilesPerSlice = 100;
constexpr std::size_t kLinesAtOnce = 5;  // of a log: a storm must not fill it
constexpr std::chrono::milliseconds kUnwatchedAudit = std::chrono::seconds(10);

std::int64_t Seconds(std::chrono::system_clock::time_point time) {
  return std::chrono::duration_cast<std::chrono::seconds>(time.time_since_epoch()).count();
}

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
  const auto now = clock_.SteadyNow();
  next_audit_ = now + (watch_ != nullptr
                           ? options_.resync
                           : std::min<std::chrono::milliseconds>(options_.resync, kUnwatchedAudit));
  if (auditing_) return;
  auditing_ = true;
  audit_wanted_ = false;
  audit_began_ = now;
  table_.ForEach(
      [this](const std::string& key, const node::RecordEntry&) { to_audit_.push_back(key); });
}

void Installer::AuditSoon() { audit_wanted_ = true; }

void Installer::AuditSome() {
  std::vector<Broken> broken;
  for (int i = 0; i < kFilesPerTurn && !to_audit_.empty(); ++i) {
    const std::string key = std::move(to_audit_.front());
    to_audit_.pop_front();
    Examine(key, broken);
  }
  Repair(broken);
  if (to_audit_.empty()) FinishAudit();
}

// Between two audits, every 10 s: what sends no event (a write through mmap; where not every file
// can be watched, a hard link from outside) is found within 10 s where there are few files, on
// others before the next audit.
void Installer::AuditSlice() {
  std::vector<Broken> broken;
  const std::vector<std::string> keys = table_.KeysAfter(slice_end_, kFilesPerSlice);
  for (const std::string& key : keys) Examine(key, broken);
  Repair(broken);
  slice_end_ = keys.size() < kFilesPerSlice ? "" : keys.back();
}

// What the last agent left undone.
void Installer::QueueUnfinished(const std::string& key, const node::RecordEntry& entry) {
  if (entry.state == StateName(ProfileState::kFailed) || entry.input_digest.empty() ||
      (entry.state == StateName(ProfileState::kSkipped) && !entry.sha256.empty())) {
    queue_.Add(key);
  }
}

void Installer::Examine(const std::string& key, std::vector<Broken>& broken) {
  auto entry = table_.Find(key);
  auto path = PathOfKey(key);
  if (!entry || !path) return;
  if (first_audit_) QueueUnfinished(key, *entry);
  if (entry->sha256.empty()) return;
  const Result<node::FileState> found =
      store_.Inspect(*path, entry->sha256, [&](int directory) { WatchFile(*path, directory); });
  if (!found.ok()) {
    if (first_audit_) first_audit_clean_ = false;
    NoteDisk(found.error());
    return;
  }
  if (*found == node::FileState::kIntact) {
    verified_[key] = Seconds(clock_.Now());
  } else {
    broken.push_back({*std::move(path), *std::move(entry), *found});
  }
}

// Together, so that they share their flushes.
void Installer::Repair(std::vector<Broken>& broken) {
  if (broken.empty()) return;
  std::vector<std::string> copies;
  std::vector<std::size_t> with_copy;
  copies.reserve(broken.size());  // the requests point into it
  std::vector<node::PutRequest> requests;
  for (std::size_t i = 0; i < broken.size(); ++i) {
    Result<std::string> bytes = store_.ReadCache(broken[i].entry.sha256);
    if (!bytes.ok()) continue;
    copies.push_back(*std::move(bytes));
    requests.push_back({broken[i].path, copies.back(), broken[i].entry.sha256});
    with_copy.push_back(i);
  }
  std::vector<Outcome> outcomes(broken.size(), Outcome::kNoCopy);
  const std::vector<Result<node::PutOutcome>> results = store_.PutAll(requests);
  for (std::size_t i = 0; i < results.size(); ++i) {
    outcomes[with_copy[i]] = results[i].ok() ? Outcome::kRestored : Outcome::kNotWritten;
  }
  const auto failed =
      std::find_if(results.begin(), results.end(), [](const auto& result) { return !result.ok(); });
  if (failed != results.end()) {
    NoteDisk(failed->error());
  } else if (!results.empty()) {
    NoteDisk({});
  }
  for (std::size_t i = 0; i < broken.size(); ++i) {
    FinishRepair(broken[i], outcomes[i], i < kLinesAtOnce);
  }
  if (broken.size() > kLinesAtOnce) {
    log_.Warn("more files were not as written and were put right",
              {{"count", std::to_string(broken.size() - kLinesAtOnce)}});
  }
  changed_ = true;
}

void Installer::FinishRepair(const Broken& broken, Outcome outcome, bool say) {
  const std::string key = broken.path.key();
  const std::string kind(node::FileStateName(broken.found));
  NoteDrift(kind, "tenants/" + key + ".json");
  const auto known = verified_.find(key);
  const auto last = known == verified_.end() ? std::string("not by this agent")
                                             : FormatRfc3339(std::chrono::system_clock::time_point(
                                                   std::chrono::seconds(known->second)));
  if (say) {
    log_.Warn(outcome == Outcome::kRestored
                  ? "file was not as written; restored from the cache"
                  : "file was not as written; the profile will be compiled again",
              {{"profile", key}, {"found", kind}, {"last_verified", last}});
  }
  // What could not be written was not put right, so nobody fought it.
  if (outcome != Outcome::kNotWritten) NoteFight(key + ".json");
  if (outcome == Outcome::kRestored) {
    verified_[key] = Seconds(clock_.Now());
    return;
  }
  // Judge the profile anew. Without its digest nothing is skipped.
  if (first_audit_) first_audit_clean_ = false;
  node::RecordEntry stale = broken.entry;
  stale.input_digest.clear();
  table_.Set(key, std::move(stale));
  queue_.Add(key);
}

void Installer::FinishAudit() {
  auditing_ = false;
  const auto now = clock_.SteadyNow();
  audit_not_before_ = now + 4 * (now - audit_began_);
  WantScan();
  if (fully_synced_) TrimCache();  // before, a lost record would cost every copy
  if (!first_audit_) return;
  first_audit_ = false;
  // Record and disk agree: the node serves what it last knew, whether the API server answers or
  // not.
  const bool knows =
      !table_.Copy().resource_version.empty() || (options_.standalone && had_record_);
  if (knows && first_audit_clean_ && !first_pass_) {
    first_pass_ = true;
    health_.SetCheck("synced", "");
    log_.Info("record and disk agree: ready", {{"files", std::to_string(table_.files())}});
    changed_ = true;
  }
}

void Installer::TrimCache() {
  std::set<std::string> live;
  table_.ForEach([&](const std::string&, const node::RecordEntry& entry) {
    if (!entry.sha256.empty()) live.insert(entry.sha256);
  });
  if (const Result<void> trimmed = store_.TrimCache(live); !trimmed.ok()) {
    log_.Warn("the cache could not be trimmed", {{"error", trimmed.error().message}});
  }
}

}  // namespace seccompd::agent
