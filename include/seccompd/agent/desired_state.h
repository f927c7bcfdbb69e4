// SPDX-License-Identifier: Apache-2.0
#pragma once
// What the source of profiles says should be on this node: keys, digests and, until a worker takes
// it, the text of a changed spec (within a budget; a text that did not fit is fetched again). An
// event means "this key changed", no more: doubled or merged events are harmless. Absence is only
// noted here (absent_since), never acted upon. Thread-safe.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "seccompd/agent/work_queue.h"
#include "seccompd/base/clock.h"
#include "seccompd/kube/reflector.h"
#include "seccompd/node/record.h"

namespace seccompd::agent {

struct Desired {
  std::string uid;
  std::int64_t generation = 0;
  std::string
      input_digest;  // over uid, spec and everything else that decides the file; see InputDigest
  // Set from the moment the source said that it is gone, until it says otherwise.
  std::optional<std::chrono::steady_clock::time_point> absent_since;
};

// A key's work, taken from DesiredState: the spec's text leaves with it.
struct Work {
  Desired desired;
  std::optional<std::string> spec;  // nothing: fetch it
  bool verify = false;              // judge it again even when the digest is the recorded one
  std::chrono::steady_clock::time_point noticed;
};

// SHA-256 over (context, uid, spec). `context`: ceiling, node facts, rule set. The spec's bytes are
// taken as the source wrote them: the API server writes a custom resource's keys sorted, so equal
// specs have equal bytes; were they not, it would cost a compilation, never a wrong skip.
std::string InputDigest(std::string_view context, std::string_view uid, std::string_view spec);

class DesiredState final : public kube::ObjectSink {
 public:
  static constexpr std::size_t kMaxPendingBytes = std::size_t{8} << 20;

  DesiredState(WorkQueue& queue, const Clock& clock, std::string context)
      : queue_(queue), clock_(clock), context_(std::move(context)) {}

  // Before anything else: what was known when the last agent stopped. `resumes`: the source goes on
  // from there, so its first answer tells that it is there; else only a complete list makes synced.
  void Seed(const node::Record& record, bool resumes = true);

  void Upsert(const kube::Object& object) override;
  void Deleted(const kube::Object& object) override;
  void ListStarted() override;
  void ListFinished(std::string_view resource_version, bool complete) override;
  void ListAborted() override;
  void Progress(std::string_view resource_version) override;

  // Called, on the source's thread, when all that the source had was delivered: a list came to its
  // end, or a resumed watch moved on. Set before the source starts.
  void OnDelivered(std::function<void()> callback) { on_delivered_ = std::move(callback); }

  // The source answered. To one who resumed from the record that says as much as a list: what
  // changed meanwhile follows as events, and a quiet cluster sends nothing for minutes.
  void SourceAnswered();
  // It refuses us (a missing right or CRD): what it has is not known until it answers again. Not
  // for what passes by itself, as a restart does: no node is to report that.
  void SourceRefused(std::string why);
  std::string source_refusal() const;  // empty: none

  // Moves the pending text out. Nothing: the key is not known.
  std::optional<Work> Take(const std::string& key);
  // Gives a text back after a failure that will be retried; ignored when a newer one came
  // meanwhile.
  void GiveBack(const std::string& key, const std::string& input_digest, std::string spec);
  // A worker has read this object from the source itself: an event that says less of the same uid
  // is older, and ignored until the next list.
  void Fetched(const std::string& key, std::string_view uid, std::int64_t generation);
  // The key's profile builds on these profiles of its namespace: when one of them comes, changes or
  // goes, the key is queued. To be called before they are read.
  void SetBases(const std::string& key, const std::vector<std::string>& names);
  // The input digest of what is there now; "" for what is not.
  std::string DigestOf(const std::string& key) const;
  bool IsAbsent(const std::string& key) const;
  // Drops an absent key after its file went.
  void Forget(const std::string& key);
  // The next complete list queues every object, changed or not.
  void VerifyAllAtNextList();

  // A list came to its end, or the record was resumed from and the source has answered since.
  bool synced() const;
  std::string delivered_version() const;
  std::size_t size() const;  // present objects
  std::size_t absent_count() const;
  // SHA-256 over sorted (namespace/name, uid, generation) of what is present.
  std::string IntentDigest() const;
  std::size_t pending_bytes() const;

 private:
  struct Entry {
    Desired desired;
    std::optional<std::string> spec;
    bool verify = false;
    std::uint64_t seen_in_list = 0;
    std::int64_t fetched_generation = 0;  // of desired.uid; 0: none
    std::vector<std::string> bases;       // keys
    std::chrono::steady_clock::time_point noticed;
  };
  void MarkAbsentLocked(const std::string& key, Entry& entry);
  void DropSpecLocked(Entry& entry);
  void SetBasesLocked(const std::string& key, Entry& entry, const std::vector<std::string>& names);
  void QueueDependantsLocked(const std::string& key);

  WorkQueue& queue_;
  const Clock& clock_;
  const std::string context_;
  std::function<void()> on_delivered_;
  mutable std::mutex mutex_;  // guards all below
  std::map<std::string, Entry> entries_;
  std::map<std::string, std::set<std::string>> dependants_;  // by the base's key
  std::size_t pending_bytes_ = 0;
  std::uint64_t list_ = 0;
  bool in_list_ = false;
  bool verify_list_ = false;
  bool synced_ = false;
  bool resumed_ = false;
  std::string refusal_;
  std::string delivered_version_;
};

}  // namespace seccompd::agent
