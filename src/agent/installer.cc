// SPDX-License-Identifier: Apache-2.0
#include "seccompd/agent/installer.h"

#include <algorithm>
#include <utility>

namespace seccompd::agent {
namespace {

constexpr std::size_t kLargestBatch = 64;
constexpr std::chrono::milliseconds kSaveEvery{1000};
constexpr std::chrono::seconds kSaveVersionEvery{
    60};  // a bookmark alone: the record is worth a write a minute
constexpr std::chrono::seconds kProbeGoodDisk{30};
constexpr std::chrono::seconds kProbeBadDisk{2};

}  // namespace

Installer::Installer(node::ProfileStore& store, node::StateDir& state_dir, ProfileTable& table,
                     DesiredState& desired, WorkQueue& queue, Health& health, Metrics& metrics,
                     const Log& log, const Clock& clock, InstallerOptions options)
    : store_(store),
      state_dir_(state_dir),
      table_(table),
      desired_(desired),
      queue_(queue),
      health_(health),
      metrics_(metrics),
      log_(log),
      clock_(clock),
      options_(std::move(options)),
      heartbeat_(health.AddLoop("installer")) {
  health_.SetCheck("synced", "the first full pass is not done yet");
  health_.SetCheck("disk", "");
  health_.SetCheck("record", "");
  health_.SetCheck("compiler", "");
}

void Installer::Submit(Order order) {
  {
    const std::lock_guard lock(mutex_);
    orders_.push_back(std::move(order));
  }
  wake_.Notify();
}

void Installer::Poke() { wake_.Notify(); }

void Installer::Announce() {
  {
    const std::lock_guard lock(mutex_);
    announced_ = true;
  }
  wake_.Notify();
}

std::string Installer::handled_version() const {
  const std::lock_guard lock(mutex_);
  return handled_version_;
}

void Installer::Run(std::stop_token stop) {
  const std::stop_callback on_stop(stop, [this] { wake_.Notify(); });
  last_save_ = clock_.SteadyNow();
  next_probe_ = last_save_ + kProbeGoodDisk;
  saved_table_version_ = table_.version();
  root_seen_ = store_.root_changes();
  StartWatching();  // before the audit: what changes behind it is seen
  had_record_ = table_.size() > 0;
  BeginAudit();
  while (true) {
    if (!auditing_ && !HasOrders()) Sleep();
    heartbeat_.Busy();
    bool announce = false;
    std::vector<Order> batch = TakeOrders(announce);
    if (!batch.empty()) Perform(std::move(batch));
    Patrol();
    if (auditing_) AuditSome();
    RunTimers();
    CheckDone();
    if (announce || changed_) TellChange();
    const std::lock_guard lock(mutex_);
    if (stop.stop_requested() && orders_.empty()) break;
  }
  if (changed_) TellChange();
  SaveRecord(true);
}

void Installer::TellChange() {
  changed_ = false;
  if (on_change_) on_change_();
}

bool Installer::HasOrders() const {
  const std::lock_guard lock(mutex_);
  return !orders_.empty() || announced_;
}

std::vector<Order> Installer::TakeOrders(bool& announce) {
  const std::lock_guard lock(mutex_);
  announce = std::exchange(announced_, false);
  std::vector<Order> batch;
  while (!orders_.empty() && batch.size() < kLargestBatch) {
    batch.push_back(std::move(orders_.front()));
    orders_.pop_front();
  }
  return batch;
}

void Installer::Sleep() {
  heartbeat_.Idle();
  const auto now = clock_.SteadyNow();
  // While the patrol rests, events wait in the kernel, which merges and bounds them.
  const bool resting = now < patrol_after_;
  const int events = watch_ != nullptr && !resting ? watch_->fd() : -1;
  auto next = NextTimer();
  if (const auto due = suspects_.next_due()) next = std::min(next, std::max(*due, patrol_after_));
  if (resting) next = std::min(next, patrol_after_);
  wake_.Wait(events, std::max(next - now, std::chrono::steady_clock::duration{}));
}

std::chrono::steady_clock::time_point Installer::NextTimer() const {
  auto next = std::min({next_audit_, next_probe_, next_root_check_});
  if (table_.version() != saved_table_version_) next = std::min(next, last_save_ + kSaveEvery);
  if (audit_wanted_) next = std::min(next, audit_not_before_);
  if (scan_wanted_) next = std::min(next, next_scan_);
  if (foreign_news_) next = std::min(next, next_foreign_word_);
  return next;
}

void Installer::RunTimers() {
  const auto now = clock_.SteadyNow();
  if (now >= next_audit_ || (audit_wanted_ && now >= audit_not_before_)) BeginAudit();
  if (now >= next_probe_) ProbeDisk();
  if (now >= next_root_check_) {
    if (!auditing_) AuditSlice();
    CheckRoot();
    EndFights();
    if (watch_ == nullptr && now >= next_watch_try_) StartWatching();
  }
  if (store_.root_changes() != root_seen_) NoteRootChange();
  if (scan_wanted_ && now >= next_scan_) ScanForeign();
  if (foreign_news_ && now >= next_foreign_word_) SayForeign();
}

void Installer::NoteDisk(const Result<void>& outcome) {
  const bool good = outcome.ok();
  if (good == disk_good_) return;
  disk_good_ = good;
  next_probe_ = clock_.SteadyNow() + (good ? kProbeGoodDisk : kProbeBadDisk);
  health_.SetCheck("disk", good ? "" : outcome.error().message);
  if (!good) {
    log_.Error("the seccomp directory cannot be written; running pods are not affected",
               {{"error", outcome.error().message}});
    return;
  }
  log_.Info("the seccomp directory can be written again");
  AuditSoon();
  std::vector<std::string> failed;
  table_.ForEach([&](const std::string& key, const node::RecordEntry& entry) {
    if (entry.state == StateName(ProfileState::kFailed)) failed.push_back(key);
  });
  for (const std::string& key : failed) queue_.Add(key);
}

void Installer::ProbeDisk() {
  NoteDisk(store_.CheckWritable());
  next_probe_ = clock_.SteadyNow() + (disk_good_ ? kProbeGoodDisk : kProbeBadDisk);
}

// The order of reading matters: the version first, then that nothing is under way. Every change up
// to that version was queued before the version was published.
void Installer::CheckDone() {
  std::string delivered = desired_.delivered_version();
  if (desired_.synced() && queue_.idle() && !first_audit_) {
    last_full_sync_ = clock_.Now();
    table_.SetResourceVersion(delivered);
    if (!fully_synced_) {
      fully_synced_ = true;
      WantScan();  // only now is a file known to belong to nobody
    }
    {
      const std::lock_guard lock(mutex_);
      handled_version_ = delivered;
    }
    if (!first_pass_) {
      first_pass_ = true;
      health_.SetCheck("synced", "");
      log_.Info("first full pass done: ready", {{"profiles", std::to_string(table_.size())},
                                                {"files", std::to_string(table_.files())}});
      SaveRecord(true);
      changed_ = true;
    }
  }
  SaveRecord(false);
}

void Installer::SaveRecord(bool now) {
  const auto time = clock_.SteadyNow();
  const std::uint64_t version = table_.version();
  const std::string handled = handled_version();
  const bool changed = version != saved_table_version_;
  const bool moved = handled != saved_resource_version_;
  if (!changed && !moved) return;
  if (!now &&
      time - last_save_ < (changed ? std::chrono::milliseconds(kSaveEvery) : kSaveVersionEvery))
    return;
  const Result<void> saved = state_dir_.SaveRecord(table_.Copy());
  last_save_ = time;
  if (!saved.ok()) {
    health_.SetCheck("record", saved.error().message);
    metrics_.RecordSaveFailed();
    log_.Warn("the record could not be saved; after a restart more will be done anew",
              {{"error", saved.error().message}});
    return;
  }
  health_.SetCheck("record", "");
  saved_table_version_ = version;
  saved_resource_version_ = handled;
}

}  // namespace seccompd::agent
