// SPDX-License-Identifier: Apache-2.0
#pragma once
// The one thread that owns the store and the record: it writes what the reconciler decided, in
// batches that share their flushes, keeps the record, watches and audits the disk and repairs it
// from the cache. The public members are thread-safe and do not block; results go back through the
// work queue (retry) and the profile table (state).

#include <atomic>
#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <unordered_map>
#include <variant>
#include <vector>

#include "seccompd/agent/desired_state.h"
#include "seccompd/agent/drift_ledger.h"
#include "seccompd/agent/health.h"
#include "seccompd/agent/log.h"
#include "seccompd/agent/metrics.h"
#include "seccompd/agent/profile_table.h"
#include "seccompd/agent/suspects.h"
#include "seccompd/agent/wakeup.h"
#include "seccompd/agent/work_queue.h"
#include "seccompd/node/drift_watch.h"
#include "seccompd/node/store.h"

namespace seccompd::agent {

// The work queue's item for the next file whose tree is to be checked (reconciler_trees.cc); no
// profile's key has this form.
inline constexpr char kTreesKey[] = "/";
inline constexpr std::chrono::milliseconds kTreesBegin{1000};

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
  bool quarantine_foreign = false;
  node::OpenDriftWatch open_watch = node::DriftWatch::Open;
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
  // Called on the installer's thread after what changed the table or the drift; several changes may
  // share a call. Installs and repairs wait for it.
  void OnChange(std::function<void()> callback) { on_change_ = std::move(callback); }

  // Every change known so far was handled once.
  bool first_pass_done() const { return first_pass_; }
  // The resourceVersion up to which every change was handled.
  std::string handled_version() const;
  std::chrono::system_clock::time_point last_full_sync() const { return last_full_sync_.load(); }
  std::size_t foreign_files() const { return foreign_files_; }
  DriftLedger::Contents drift() const { return ledger_.contents(); }

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

  // auditor.cc: what is known is compared with what should be, and put right.
  struct Broken {
    node::ProfilePath path;
    node::RecordEntry entry;
    node::FileState found;
  };
  enum class Outcome { kRestored, kNoCopy, kNotWritten };
  void BeginAudit();
  void AuditSoon();
  void AuditSome();
  void AuditSlice();
  void QueueUnfinished(const std::string& key, const node::RecordEntry& entry);
  void Examine(const std::string& key, std::vector<Broken>& broken);
  void Repair(std::vector<Broken>& broken);
  void FinishRepair(const Broken& broken, Outcome outcome, bool say);
  void FinishAudit();
  void TrimCache();

  // installer_watch.cc: what inotify says becomes suspects, and suspects are looked at.
  void StartWatching();
  void StopWatching(const Error& why);
  void Patrol();
  void ReadWatch();
  void WatchNamespace(const std::string& name);
  void WatchFile(const node::ProfilePath& path, int directory);
  void Suspect(const std::string& entry);
  void CheckSuspects(const std::vector<std::string>& entries);
  void CheckRoot();
  void NoteRootChange();
  void NoteDrift(std::string_view kind, const std::string& entry);
  void NoteFight(const std::string& entry);
  void EndFights();

  // foreign.cc: what no profile accounts for.
  void LookForeign(const std::string& entry);
  void NoteForeign(const node::FoundEntry& found);
  void WantScan(std::chrono::milliseconds delay = {});
  void ScanForeign();
  void TakeForeign(const node::FoundEntry& found, const std::string& entry);
  bool MayTake(const node::FoundEntry& found, const std::string& entry) const;
  void SayForeign();

  void RunTimers();
  void NoteDisk(const Result<void>& outcome);
  void ProbeDisk();
  void CheckDone();
  void SaveRecord(bool now);
  std::vector<Order> TakeOrders(bool& announce);
  void TellChange();
  bool HasOrders() const;
  void Sleep();
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

  Wakeup wake_;
  mutable std::mutex mutex_;  // guards orders_, announced_, handled_version_
  std::deque<Order> orders_;
  bool announced_ = false;
  std::string handled_version_;
  DriftLedger ledger_;

  std::atomic<bool> first_pass_{false};
  std::atomic<std::chrono::system_clock::time_point> last_full_sync_{};
  std::atomic<std::size_t> foreign_files_{0};

  // The rest belongs to Run's thread.
  using Time = std::chrono::steady_clock::time_point;
  std::deque<std::string> to_audit_;
  std::string slice_end_;  // the last key of the last slice
  bool auditing_ = false;
  bool audit_wanted_ = false;
  bool changed_ = false;     // and nobody was told
  bool had_record_ = false;  // of some profile, when this agent started
  bool first_audit_ = true;
  bool first_audit_clean_ = true;
  bool fully_synced_ = false;  // once: every object of the source was handled
  bool disk_good_ = true;
  std::uint64_t saved_table_version_ = 0;
  std::string saved_resource_version_;
  Time last_save_, next_audit_, next_probe_;
  Time audit_began_, audit_not_before_;  // one after an overflow waits, so that a storm is bounded
  std::chrono::system_clock::time_point audited_;  // the last full audit's end

  std::unique_ptr<node::DriftWatch> watch_;  // none: refused, audits stand in
  bool said_unwatched_files_ = false;
  Suspects suspects_;
  std::uint64_t root_seen_ = 0;
  Time patrol_after_, next_root_check_, next_watch_try_;
  // When each file was last written or found intact, in seconds since 1970.
  std::unordered_map<std::string, std::int64_t> verified_;

  std::map<std::string, Time> foreign_;  // entry: since when
  bool scan_wanted_ = false;
  bool foreign_news_ = false;
  std::vector<std::string> taken_;  // since the last word about it
  Time last_scan_, next_scan_, next_foreign_word_;
};

}  // namespace seccompd::agent
