// SPDX-License-Identifier: Apache-2.0
#pragma once
// The one thread that owns the store and the record: it writes what the reconciler decided, in
// batches that share their flushes, keeps the record, audits the disk and repairs it from the
// cache. The public members are thread-safe and do not block; results go back through the work
// queue (retry) and the profile table (state).

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <variant>
#include <vector>

#include "seccompd/agent/desired_state.h"
#include "seccompd/agent/health.h"
#include "seccompd/agent/log.h"
#include "seccompd/agent/metrics.h"
#include "seccompd/agent/profile_table.h"
#include "seccompd/agent/work_queue.h"
#include "seccompd/node/store.h"

namespace seccompd::agent {

// What a verdict rests on beside the profile's own spec.
struct Dependencies {
  std::vector<std::string> bases;  // names in its namespace, sorted
  bool uses_labels = false;        // the node's
  std::string digest;              // over all of them; "" for none
};

// Write these bytes; the key stays with its worker (WorkQueue) until the installer is done with it.
struct InstallOrder {
  node::ProfilePath path;
  Desired desired;
  std::string bytes;
  std::string sha256;
  std::uint32_t instructions = 0;
  std::string remark;  // warnings, for the report
  std::string spec;    // given back to DesiredState when the disk fails
  std::chrono::steady_clock::time_point noticed;
  Dependencies dependencies;
  bool has_unchecked_tree = false;  // see node::RecordEntry
  bool remove_when_invalid = false;
};
// No file is written: the profile was refused, is not for this node, or could not be judged
// (kFailed: retried).
struct VerdictOrder {
  std::string key;
  Desired desired;
  ProfileState state = ProfileState::kInvalid;
  std::string reason;
  std::string message;
  std::optional<node::ProfilePath> remove;   // onInvalid: Remove; or the node is not selected
  std::optional<Dependencies> dependencies;  // nothing: as they were
};
struct RemoveOrder {
  node::ProfilePath path;
};
// The object is gone; the file stays for now, and the message says why.
struct DeletingOrder {
  std::string key;
  std::string message;
};
// The object is gone and never had a file.
struct ForgetOrder {
  std::string key;
};
// Reads a file's cached copy; `done` is called on the installer's thread.
struct ReadOrder {
  std::string sha256;
  std::function<void(Result<std::string> bytes)> done;
};
// The filter that runc from 1.2 on makes of these bytes was checked.
struct TreeOrder {
  std::string sha256;
  std::string reason;  // empty: it is right
  std::string message;
  std::function<void()> done = nullptr;  // called when the record knows
};
using Order = std::variant<InstallOrder, VerdictOrder, RemoveOrder, DeletingOrder, ForgetOrder,
                           ReadOrder, TreeOrder>;

struct InstallerOptions {
  std::chrono::milliseconds resync = std::chrono::minutes(10);
  bool standalone = false;
};

class Installer {
 public:
  Installer(node::ProfileStore& store, node::StateDir& state_dir, ProfileTable& table,
            DesiredState& desired, WorkQueue& queue, Health& health, Metrics& metrics,
            const Log& log, const Clock& clock, InstallerOptions options);

  // Runs until stop; then carries out what it was given, saves the record and returns.
  void Run(std::stop_token stop);
  void Submit(Order order);
  // Something happened elsewhere (a key was skipped): look again whether all is done.
  void Poke();
  // Something that on_change tells about changed outside the table.
  void Announce();
  // Called on the installer's thread after each batch that changed the table.
  void OnChange(std::function<void()> callback) { on_change_ = std::move(callback); }

  // Every change known so far was handled once.
  bool first_pass_done() const { return first_pass_; }
  // The resourceVersion up to which every change was handled.
  std::string handled_version() const;
  std::chrono::system_clock::time_point last_full_sync() const { return last_full_sync_.load(); }
  std::size_t foreign_files() const { return foreign_; }
  struct Drift {
    std::chrono::system_clock::time_point last;
    std::vector<std::string> kinds;
  };
  Drift drift() const;

 private:
  void Perform(std::vector<Order> batch);
  void PerformInstalls(std::vector<InstallOrder>& installs);
  void FinishInstall(InstallOrder& order, const Result<node::PutOutcome>& result);
  void Perform(const VerdictOrder& order);
  void Perform(const RemoveOrder& order);
  void Perform(const DeletingOrder& order);
  void Perform(const ForgetOrder& order);
  void Perform(const ReadOrder& order);
  void Perform(const TreeOrder& order);
  void RefuseInstalled(const std::string& key, const TreeOrder& order, node::RecordEntry& entry);

  void BeginAudit();
  void AuditSome();
  void AuditEntry(const std::string& key);
  void Repair(const node::ProfilePath& path, const node::RecordEntry& entry, node::FileState found);
  void FinishAudit();

  void NoteDisk(const Result<void>& outcome);
  void ProbeDisk();
  void CheckDone();
  void SaveRecord(bool now);
  std::chrono::steady_clock::time_point NextTimer() const;

  node::ProfileStore& store_;
  node::StateDir& state_dir_;
  ProfileTable& table_;
  DesiredState& desired_;
  WorkQueue& queue_;
  Health& health_;
  Metrics& metrics_;
  const Log& log_;
  const Clock& clock_;
  const InstallerOptions options_;
  Heartbeat& heartbeat_;
  std::function<void()> on_change_;

  mutable std::mutex mutex_;  // guards orders_, poked_, announced_, handled_version_, drift_
  std::condition_variable_any wake_;
  std::deque<Order> orders_;
  bool poked_ = false;
  bool announced_ = false;
  std::string handled_version_;
  Drift drift_;

  std::atomic<bool> first_pass_{false};
  std::atomic<std::chrono::system_clock::time_point> last_full_sync_{};
  std::atomic<std::size_t> foreign_{0};

  // The rest belongs to Run's thread.
  std::deque<std::string> to_audit_;
  bool auditing_ = false;
  bool first_audit_ = true;
  bool first_audit_clean_ = true;
  bool disk_good_ = true;
  std::uint64_t saved_table_version_ = 0;
  std::string saved_resource_version_;
  std::chrono::steady_clock::time_point last_save_, next_audit_, next_probe_;
};

}  // namespace seccompd::agent
