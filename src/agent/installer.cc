// SPDX-License-Identifier: Apache-2.0
#include "seccompd/agent/installer.h"

#include <algorithm>
#include <set>
#include <utility>

namespace seccompd::agent {
namespace {

constexpr std::size_t kLargestBatch = 64;
constexpr std::chrono::milliseconds kSaveEvery{1000};
constexpr std::chrono::seconds kSaveVersionEvery{
    60};  // a bookmark alone: the record is worth a write a minute
constexpr std::chrono::seconds kProbeGoodDisk{30};
constexpr std::chrono::seconds kProbeBadDisk{2};

std::int64_t UnixSeconds(const Clock& clock) {
  return std::chrono::duration_cast<std::chrono::seconds>(clock.Now().time_since_epoch()).count();
}

std::string Short(const std::string& digest) { return digest.substr(0, 12); }

void SetState(node::RecordEntry& entry, ProfileState state, std::int64_t now) {
  const std::string_view name = StateName(state);
  if (entry.state == name) return;
  entry.state = std::string(name);
  entry.since = now;
}

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
      options_(options),
      heartbeat_(health.AddLoop("installer")) {
  health_.SetCheck("synced", "the first full pass is not done yet");
  health_.SetCheck("disk", "");
}

void Installer::Submit(Order order) {
  const std::lock_guard lock(mutex_);
  orders_.push_back(std::move(order));
  wake_.notify_one();
}

void Installer::Poke() {
  const std::lock_guard lock(mutex_);
  poked_ = true;
  wake_.notify_one();
}

void Installer::Announce() {
  const std::lock_guard lock(mutex_);
  announced_ = true;
  wake_.notify_one();
}

std::string Installer::handled_version() const {
  const std::lock_guard lock(mutex_);
  return handled_version_;
}

Installer::Drift Installer::drift() const {
  const std::lock_guard lock(mutex_);
  return drift_;
}

void Installer::Run(std::stop_token stop) {
  last_save_ = clock_.SteadyNow();
  next_probe_ = last_save_ + kProbeGoodDisk;
  saved_table_version_ = table_.version();
  BeginAudit();
  while (true) {
    std::vector<Order> batch;
    bool announce = false;
    {
      std::unique_lock lock(mutex_);
      const auto has_work = [this] { return !orders_.empty() || poked_ || announced_; };
      if (!auditing_ && !has_work()) {
        heartbeat_.Idle();
        wake_.wait_for(
            lock, stop,
            std::max(NextTimer() - clock_.SteadyNow(), std::chrono::steady_clock::duration{}),
            has_work);
      }
      poked_ = false;
      announce = std::exchange(announced_, false);
      while (!orders_.empty() && batch.size() < kLargestBatch) {
        batch.push_back(std::move(orders_.front()));
        orders_.pop_front();
      }
    }
    heartbeat_.Busy();
    if (!batch.empty()) Perform(std::move(batch));
    if (auditing_) AuditSome();
    const auto now = clock_.SteadyNow();
    if (now >= next_audit_) BeginAudit();
    if (now >= next_probe_) ProbeDisk();
    CheckDone();
    if (announce && on_change_) on_change_();
    const std::lock_guard lock(mutex_);
    if (stop.stop_requested() && orders_.empty()) break;
  }
  SaveRecord(true);
}

std::chrono::steady_clock::time_point Installer::NextTimer() const {
  auto next = std::min(next_audit_, next_probe_);
  if (table_.version() != saved_table_version_) next = std::min(next, last_save_ + kSaveEvery);
  return next;
}

void Installer::Perform(std::vector<Order> batch) {
  const std::uint64_t before = table_.version();
  std::vector<InstallOrder> installs;
  for (Order& order : batch) {
    if (auto* install = std::get_if<InstallOrder>(&order)) installs.push_back(std::move(*install));
  }
  if (!installs.empty()) PerformInstalls(installs);
  for (const Order& order : batch) {
    if (const auto* verdict = std::get_if<VerdictOrder>(&order)) Perform(*verdict);
    if (const auto* remove = std::get_if<RemoveOrder>(&order)) Perform(*remove);
    if (const auto* deleting = std::get_if<DeletingOrder>(&order)) Perform(*deleting);
    if (const auto* forget = std::get_if<ForgetOrder>(&order)) Perform(*forget);
  }
  SaveRecord(false);
  if (on_change_ && table_.version() != before) on_change_();
}

void Installer::PerformInstalls(std::vector<InstallOrder>& installs) {
  std::vector<node::PutRequest> requests;
  requests.reserve(installs.size());
  for (const InstallOrder& order : installs) requests.push_back({order.path, order.bytes});
  const std::vector<Result<node::PutOutcome>> results = store_.PutAll(requests);
  for (std::size_t i = 0; i < installs.size(); ++i) FinishInstall(installs[i], results[i]);
}

void Installer::FinishInstall(InstallOrder& order, const Result<node::PutOutcome>& result) {
  const std::string key = order.path.key();
  const std::int64_t now = UnixSeconds(clock_);
  node::RecordEntry entry = table_.Find(key).value_or(node::RecordEntry{});
  entry.uid = order.desired.uid;
  entry.desired_generation = order.desired.generation;
  entry.input_digest = order.desired.input_digest;
  if (!result.ok()) {
    SetState(entry, ProfileState::kFailed, now);
    entry.reason = "DiskWriteFailed";
    entry.message = result.error().message.substr(0, 256);
    table_.Set(key, std::move(entry));
    metrics_.InstallFailed();
    NoteDisk(result.error());
    desired_.GiveBack(key, order.desired.input_digest, std::move(order.spec));
    const auto retry = queue_.AddRateLimited(key);
    log_.Warn("profile could not be written; the old file is as it was",
              {{"profile", key},
               {"error", result.error().message},
               {"retry_ms", std::to_string(retry.count())}});
    queue_.Done(key);
    return;
  }
  const auto took = clock_.SteadyNow() - order.noticed;
  const bool news =
      entry.sha256 != order.sha256 || entry.state != StateName(ProfileState::kInstalled);
  if (entry.sha256 != order.sha256) entry.since = now;
  entry.installed_generation = order.desired.generation;
  entry.sha256 = order.sha256;
  entry.instructions = order.instructions;
  SetState(entry, ProfileState::kInstalled, now);
  entry.reason = order.remark.empty() ? "" : "Warnings";
  entry.message = std::move(order.remark);
  table_.Set(key, std::move(entry));
  NoteDisk({});
  metrics_.Installed(took);
  queue_.Forget(key);
  queue_.Done(key);
  if (!news) return;
  log_.Info(
      *result == node::PutOutcome::kWritten ? "profile installed" : "profile was in place already",
      {{"profile", key},
       {"generation", std::to_string(order.desired.generation)},
       {"sha256", Short(order.sha256)},
       {"instructions", std::to_string(order.instructions)},
       {"took_ms",
        std::to_string(std::chrono::duration_cast<std::chrono::milliseconds>(took).count())}});
}

void Installer::Perform(const VerdictOrder& order) {
  const std::int64_t now = UnixSeconds(clock_);
  node::RecordEntry entry = table_.Find(order.key).value_or(node::RecordEntry{});
  const bool news = entry.input_digest != order.desired.input_digest ||
                    entry.state != StateName(order.state) || entry.message != order.message;
  entry.uid = order.desired.uid;
  entry.desired_generation = order.desired.generation;
  entry.input_digest = order.desired.input_digest;
  SetState(entry, order.state, now);
  entry.reason = order.reason;
  entry.message = order.message;
  if (order.remove && !entry.sha256.empty()) {
    if (const Result<void> removed = store_.Remove(*order.remove); removed.ok()) {
      entry.sha256.clear();
      entry.installed_generation = 0;
    } else {
      NoteDisk(removed);
    }
  }
  const bool file_kept = !entry.sha256.empty();
  const std::string kept =
      file_kept ? "generation " + std::to_string(entry.installed_generation) : "no file";
  table_.Set(order.key, std::move(entry));
  if (order.state == ProfileState::kFailed) {
    const auto retry = queue_.AddRateLimited(order.key);
    log_.Warn("profile could not be judged", {{"profile", order.key},
                                              {"error", order.message},
                                              {"on_disk", kept},
                                              {"retry_ms", std::to_string(retry.count())}});
  } else {
    queue_.Forget(order.key);
    metrics_.Refused();
    if (news) {
      log_.Warn("profile refused", {{"profile", order.key},
                                    {"generation", std::to_string(order.desired.generation)},
                                    {"reason", order.reason},
                                    {"on_disk", kept},
                                    {"message", order.message}});
    }
  }
  queue_.Done(order.key);
}

void Installer::Perform(const RemoveOrder& order) {
  const std::string key = order.path.key();
  const Result<void> removed = store_.Remove(order.path);
  NoteDisk(removed);
  if (removed.ok()) {
    table_.Erase(key);
    desired_.Forget(key);
    queue_.Forget(key);
    metrics_.Removed();
    log_.Info("profile removed: its object was deleted", {{"profile", key}});
  } else {
    log_.Warn("profile could not be removed",
              {{"profile", key}, {"error", removed.error().message}});
    queue_.AddRateLimited(key);
  }
  queue_.Done(key);
}

void Installer::Perform(const DeletingOrder& order) {
  if (auto entry = table_.Find(order.key)) {
    SetState(*entry, ProfileState::kDeleting, UnixSeconds(clock_));
    entry->reason = "ObjectDeleted";
    entry->message = order.message.substr(0, 256);
    table_.Set(order.key, std::move(*entry));
  }
  queue_.Done(order.key);
}

void Installer::Perform(const ForgetOrder& order) {
  table_.Erase(order.key);
  desired_.Forget(order.key);
  queue_.Forget(order.key);
  queue_.Done(order.key);
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
      if (on_change_) on_change_();
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
    log_.Warn("the record could not be saved; after a restart more will be done anew",
              {{"error", saved.error().message}});
    return;
  }
  health_.SetCheck("record", "");
  saved_table_version_ = version;
  saved_resource_version_ = handled;
}

}  // namespace seccompd::agent
