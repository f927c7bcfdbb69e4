// SPDX-License-Identifier: Apache-2.0
// The installer's hands: what each order does to the disk, the record and the work queue.
#include <utility>

#include "seccompd/agent/installer.h"

namespace seccompd::agent {
namespace {

std::int64_t UnixSeconds(const Clock& clock) {
  return std::chrono::duration_cast<std::chrono::seconds>(clock.Now().time_since_epoch()).count();
}

std::string Short(const std::string& digest) { return digest.substr(0, 12); }

void SetDependencies(node::RecordEntry& entry, const Dependencies& dependencies) {
  entry.bases = dependencies.bases;
  entry.uses_labels = dependencies.uses_labels;
  entry.dependency_digest = dependencies.digest;
}

void SetState(node::RecordEntry& entry, ProfileState state, std::int64_t now) {
  const std::string_view name = StateName(state);
  if (entry.state == name) return;
  entry.state = std::string(name);
  entry.since = now;
}

}  // namespace

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
    if (const auto* read = std::get_if<ReadOrder>(&order)) Perform(*read);
    if (const auto* tree = std::get_if<TreeOrder>(&order)) Perform(*tree);
  }
  SaveRecord(false);
  if (table_.version() != before) changed_ = true;
}

void Installer::PerformInstalls(std::vector<InstallOrder>& installs) {
  std::vector<node::PutRequest> requests;
  requests.reserve(installs.size());
  for (const InstallOrder& order : installs) {
    requests.push_back({order.path, order.bytes, order.sha256});
  }
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
  SetDependencies(entry, order.dependencies);
  if (!result.ok()) {
    const std::string message = result.error().message.substr(0, 256);
    const bool is_news =
        entry.state != StateName(ProfileState::kFailed) || entry.message != message;
    SetState(entry, ProfileState::kFailed, now);
    entry.reason = "DiskWriteFailed";
    entry.message = message;
    table_.Set(key, std::move(entry));
    metrics_.InstallFailed();
    NoteDisk(result.error());
    desired_.GiveBack(key, order.desired.input_digest, std::move(order.spec));
    const auto retry = queue_.AddRateLimited(key);
    if (is_news) {
      log_.Warn("profile could not be written; the old file is as it was",
                {{"profile", key},
                 {"error", result.error().message},
                 {"retry_ms", std::to_string(retry.count())}});
    }
    queue_.Done(key);
    return;
  }
  const auto took = clock_.SteadyNow() - order.noticed;
  const bool news =
      entry.sha256 != order.sha256 || entry.state != StateName(ProfileState::kInstalled);
  if (entry.sha256 != order.sha256) entry.since = now;
  entry.installed_generation = order.desired.generation;
  entry.sha256 = order.sha256;
  verified_[key] = now;
  entry.instructions = order.instructions;
  entry.has_unchecked_tree = order.has_unchecked_tree;
  entry.remove_when_invalid = order.remove_when_invalid;
  SetState(entry, ProfileState::kInstalled, now);
  entry.reason = order.remark.empty() ? "" : "Warnings";
  entry.message = std::move(order.remark);
  table_.Set(key, std::move(entry));
  if (order.has_unchecked_tree) queue_.AddAfter(kTreesKey, kTreesBegin);  // the record knows now
  NoteDisk({});
  Suspect(key + ".json");  // looked at once more, it gets a watch of its own
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
  if (order.dependencies) SetDependencies(entry, *order.dependencies);
  SetState(entry, order.state, now);
  entry.reason = order.reason;
  entry.message = order.message;
  bool remove_failed = false;
  if (order.remove && !entry.sha256.empty()) {
    if (const Result<void> removed = store_.Remove(*order.remove); removed.ok()) {
      entry.sha256.clear();
      entry.installed_generation = 0;
      metrics_.Removed();
    } else {
      NoteDisk(removed);
      remove_failed = true;
      entry.input_digest.clear();  // judged and removed anew
    }
  }
  const bool file_kept = !entry.sha256.empty();
  const std::string kept =
      file_kept ? "generation " + std::to_string(entry.installed_generation) : "no file";
  table_.Set(order.key, std::move(entry));
  if (order.state == ProfileState::kFailed) {
    const auto retry = queue_.AddRateLimited(order.key);
    if (news) {
      log_.Warn("profile could not be judged", {{"profile", order.key},
                                                {"error", order.message},
                                                {"on_disk", kept},
                                                {"retry_ms", std::to_string(retry.count())}});
    }
  } else if (order.state == ProfileState::kSkipped) {
    queue_.Forget(order.key);
    if (news) {
      log_.Info("profile is not for this node",
                {{"profile", order.key}, {"on_disk", kept}, {"message", order.message}});
    }
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
  if (remove_failed) queue_.AddRateLimited(order.key);
  queue_.Done(order.key);
}

void Installer::Perform(const RemoveOrder& order) {
  const std::string key = order.path.key();
  const Result<void> removed = store_.Remove(order.path);
  NoteDisk(removed);
  if (removed.ok()) {
    table_.Erase(key);
    verified_.erase(key);
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
    if (entry->state != StateName(ProfileState::kDeleting)) {
      log_.Info("profile's object was deleted; its file stays for the grace",
                {{"profile", order.key}});
    }
    SetState(*entry, ProfileState::kDeleting, UnixSeconds(clock_));
    entry->reason = "ObjectDeleted";
    entry->message = order.message.substr(0, 256);
    table_.Set(order.key, std::move(*entry));
  }
  queue_.Done(order.key);
}

void Installer::Perform(const ForgetOrder& order) {
  log_.Info("profile's object was deleted; it had no file", {{"profile", order.key}});
  table_.Erase(order.key);
  desired_.Forget(order.key);
  queue_.Forget(order.key);
  queue_.Done(order.key);
}

}  // namespace seccompd::agent
