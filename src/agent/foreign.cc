// SPDX-License-Identifier: Apache-2.0
// Entries below tenants/ that no profile accounts for. A file that the record knows is never one,
// and before every object of the source was handled once nobody can tell.
#include <algorithm>
#include <utility>

#include "seccompd/agent/installer.h"

namespace seccompd::agent {
namespace {

constexpr std::size_t kMostForeign = 10'000;
constexpr std::size_t kNamesInLog = 5;
constexpr std::size_t kMostAtOnce = 10;  // as the mass-deletion guard: or a fifth of all files
constexpr std::chrono::seconds kNobodysFor{60};
constexpr std::chrono::seconds kScanGap{1};
constexpr std::chrono::seconds kWordGap{10};
constexpr std::string_view kSuffix = ".json";

std::string EntryOf(const node::FoundEntry& found) {
  return found.file_name.empty() ? found.name_space : found.name_space + "/" + found.file_name;
}

// Of the profile that would have this file; "" for none.
std::string KeyOf(const node::FoundEntry& found) {
  if (!found.is_profile_path) return "";
  return found.name_space + "/" +
         found.file_name.substr(0, found.file_name.size() - kSuffix.size());
}

}  // namespace

void Installer::LookForeign(const std::string& entry) {
  const auto slash = entry.find('/');
  const Result<std::optional<node::FoundEntry>> found =
      slash == std::string::npos ? store_.Look(entry, "")
                                 : store_.Look(entry.substr(0, slash), entry.substr(slash + 1));
  if (!found.ok()) {
    NoteDisk(found.error());
  } else if (found->has_value()) {
    NoteForeign(**found);
  } else {
    foreign_.erase(entry);
  }
  foreign_files_ = foreign_.size();
}

void Installer::NoteForeign(const node::FoundEntry& found) {
  if (!fully_synced_ || foreign_.size() >= kMostForeign) return;
  const std::string entry = EntryOf(found);
  if (foreign_.emplace(entry, clock_.SteadyNow()).second) {
    NoteDrift("foreign", "tenants/" + entry);
    foreign_news_ = true;
  }
  if (!options_.quarantine_foreign) return;
  if (MayTake(found, entry)) {
    TakeForeign(found, entry);
  } else {
    WantScan(kNobodysFor);
  }
}

// A file with a profile's name may be one whose object we are about to hear of (the record was lost
// or is older than the disk): it must have been nobody's for a minute, and be one of a few.
bool Installer::MayTake(const node::FoundEntry& found, const std::string& entry) const {
  const std::string key = KeyOf(found);
  if (key.empty()) return true;
  if (!desired_.DigestOf(key).empty()) return false;
  if (clock_.SteadyNow() - foreign_.at(entry) < kNobodysFor) return false;
  return foreign_.size() <= std::max(kMostAtOnce, table_.files() / 5);
}

void Installer::WantScan(std::chrono::milliseconds delay) {
  const Time at = std::max(clock_.SteadyNow() + delay, last_scan_ + kScanGap);
  next_scan_ = scan_wanted_ ? std::min(next_scan_, at) : at;
  scan_wanted_ = true;
}

void Installer::TakeForeign(const node::FoundEntry& found, const std::string& entry) {
  const Result<node::TakenAway> taken = store_.TakeAway(found);
  if (!taken.ok()) return NoteDisk(taken.error());
  switch (*taken) {
    case node::TakenAway::kLeft:
      return;  // told of as any foreign entry
    case node::TakenAway::kQuarantined:
      taken_.push_back(entry + " (quarantined)");
      break;
    case node::TakenAway::kRemoved:
      taken_.push_back(entry + " (removed)");
      break;
  }
  if (taken_.size() > kNamesInLog) taken_.back() = "...";
  if (taken_.size() > kNamesInLog + 1) taken_.pop_back();
  foreign_.erase(entry);
  foreign_news_ = true;
}

// Looks at everything below tenants/, and forgets what has gone.
void Installer::ScanForeign() {
  scan_wanted_ = false;
  last_scan_ = clock_.SteadyNow();
  const Result<std::vector<node::FoundEntry>> all = store_.Scan();
  if (!all.ok()) return NoteDisk(all.error());
  std::map<std::string, Time> before;
  before.swap(foreign_);
  std::vector<const node::FoundEntry*> nobodys;
  for (const node::FoundEntry& found : *all) {
    const std::string key = KeyOf(found);
    const auto entry = key.empty() ? std::nullopt : table_.Find(key);
    if (entry && !entry->sha256.empty()) continue;
    const auto known = before.find(EntryOf(found));
    if (known != before.end()) foreign_.insert(*known);
    nobodys.push_back(&found);
  }
  // Only once all are known: how many there are decides whether any is taken away.
  for (const node::FoundEntry* found : nobodys) NoteForeign(*found);
  foreign_files_ = foreign_.size();
}

void Installer::SayForeign() {
  foreign_news_ = false;
  next_foreign_word_ = clock_.SteadyNow() + kWordGap;
  if (!taken_.empty()) {
    std::string all;
    for (const std::string& entry : std::exchange(taken_, {}))
      all += (all.empty() ? "" : ", ") + entry;
    log_.Warn("entries below tenants/ that no profile accounts for were taken away",
              {{"entries", all}});
  }
  changed_ = true;
  if (foreign_.empty()) return;
  std::string names;
  std::size_t count = 0;
  for (const auto& [entry, since] : foreign_) {
    if (count++ == kNamesInLog) break;
    names += (names.empty() ? "" : ", ") + entry;
  }
  if (foreign_.size() > kNamesInLog) names += ", ...";
  log_.Warn("entries below tenants/ that no profile accounts for; they are left alone",
            {{"count", std::to_string(foreign_.size())}, {"entries", names}});
}

}  // namespace seccompd::agent
