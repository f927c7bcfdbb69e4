// SPDX-License-Identifier: Apache-2.0
#pragma once
// What the agent remembers across restarts: <state dir>/record, replaced atomically, with a
// checksum in its last line; and <state dir>/lock and tried/. Lines of text that a person can read.
// The structs are values; the functions are safe from one thread at a time.

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "seccompd/base/result.h"
#include "seccompd/node/file_system.h"

namespace seccompd::node {

// One profile. Strings are stored escaped; any bytes are allowed.
struct RecordEntry {
  std::string uid;                        // of the object that owns the file or the verdict
  std::int64_t desired_generation = 0;    // newest seen
  std::int64_t installed_generation = 0;  // of the file on the disk; 0: no file
  std::string input_digest;               // of the last judged input (see agent)
  std::string sha256;                     // of the file on the disk; empty: none of ours
  std::uint32_t instructions = 0;
  std::string state;  // "Installed", "Invalid", ...: see agent
  std::string reason;
  std::string message;     // at most 256 bytes
  std::int64_t since = 0;  // seconds since 1970: when the state began
  // What else the verdict rests on.
  std::vector<std::string> bases = {};  // profiles of the namespace, sorted
  bool uses_labels = false;             // the node's
  // Of the file: the filter that runc from 1.2 on makes of it is still to be checked; and what the
  // profile wants when it is found wrong.
  bool has_unchecked_tree = false;
  bool remove_when_invalid = false;
  std::string dependency_digest = {};  // over both, as they were then (see agent)
  bool operator==(const RecordEntry&) const = default;
};

struct Record {
  std::string cluster;           // uid of namespace kube-system; empty: standalone or not known yet
  std::string crd_uid;           // of the TenantSeccompProfile CRD
  std::string resource_version;  // every change up to it is in `entries`; opaque
  std::map<std::string, RecordEntry> entries;  // by "namespace/name"
  bool operator==(const Record&) const = default;
};

class StateDir {
 public:
  // Opens (or makes, 0700) the state directory. kInvalid: a symlink or writable by others; kDenied:
  // not ours.
  static Result<std::unique_ptr<StateDir>> Open(FileSystem& file_system, const std::string& path);
  virtual ~StateDir() = default;

  // Takes `lock` for the life of this object. kConflict: another agent holds it (its pid in the
  // message).
  virtual Result<void> TakeLock() = 0;

  // kNotFound: none yet. kInvalid: damaged (the damaged file is kept beside as record.damaged).
  virtual Result<Record> LoadRecord() = 0;
  virtual Result<void> SaveRecord(const Record& record) = 0;

  // Replaces a file of the agent's own (state.json) atomically, mode 0600. May be called from
  // another thread than the rest, beside it.
  virtual Result<void> WriteFile(std::string_view name, std::string_view bytes) = 0;

  // tried/: the digests of the inputs that are with a compiler now. What is found there at a start
  // was under way when the agent died. No flush: made against crashes of the agent, not of the
  // node.
  // The inputs of one request, before it; the mark is for UnmarkTried behind its answer.
  // These three may be called from any thread, also beside the others.
  virtual Result<std::size_t> MarkTried(std::span<const std::string> digests) = 0;
  virtual void UnmarkTried(std::size_t mark) = 0;
  // It was judged, and the agent lives: what TakeTried counted of it begins at 0 again.
  virtual Result<void> ForgetTried(std::string_view digest) = 0;
  // Call once at start, before any mark: what was under way, and what once was and has not been
  // judged since, each with the number of starts from then on, this one included.
  virtual Result<std::map<std::string, int>> TakeTried() = 0;
};

}  // namespace seccompd::node
