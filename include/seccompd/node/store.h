// SPDX-License-Identifier: Apache-2.0
#pragma once
// The profiles on the node's disk: <seccomp root>/tenants/<namespace>/<name>.json, and their copies
// in the state directory's cache. Every step is one verified directory descriptor and one
// component, so neither a tenant nor a symlink leads it elsewhere. Readers (the runtime, at every
// container start) see the old bytes or the new, never a mix. Not thread-safe: one thread owns a
// store.

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "seccompd/base/result.h"
#include "seccompd/base/unique_fd.h"
#include "seccompd/node/file_system.h"
#include "seccompd/node/profile_path.h"

namespace seccompd::node {

struct StoreOptions {
  // Absolute; must exist, be a directory of root's and no symlink; tenants/ is made in it. Where
  // only tenants/ is mounted, the root is checked as far as it can be seen.
  std::string seccomp_root;
  // Absolute; made with 0700 when missing.
  std::string state_dir;
  mode_t directory_mode = 0700;
  mode_t file_mode = 0600;
};

enum class PutOutcome {
  kWritten,    // a new inode is in place
  kUnchanged,  // the same bytes, mode and owner were there already: not rewritten
};

// What it points at must outlive the call.
struct PutRequest {
  ProfilePath path;
  std::string_view bytes;
  std::string_view sha256 = {};  // of the bytes, in hexadecimal, where it is known
};

// What stands in a profile's place.
enum class FileState {
  kIntact,   // a regular file, ours, with the wanted digest, mode, owner and one link
  kMissing,  // nothing there
  kContent,  // other bytes
  kMode,
  kOwner,
  kLinks,  // more than one link: somebody holds the inode elsewhere
  kType,   // a symlink, directory, fifo, ...
};
std::string_view FileStateName(FileState state);  // "intact", "missing", "content", ...

// An entry below tenants/, as Scan finds it. What stands in tenants/ itself and is no readable
// directory with a namespace's name is one entry, never entered.
struct FoundEntry {
  std::string name_space;  // the directory's name; may be any bytes
  std::string file_name;   // empty: the entry is in tenants/ itself
  bool is_profile_path;    // both parts make a ProfilePath and it is a regular file
};

// What became of a foreign entry.
enum class TakenAway {
  kQuarantined,  // renamed into <state dir>/quarantine
  kRemoved,      // unlinked: the quarantine is on another file system or mount, or full
  kLeft,         // a directory that is not empty, or not ours to move
};

class ProfileStore {
 public:
  // kInvalid: the root is a symlink, no directory, or writable by others; kDenied: not root's;
  // kNotFound: no root. The message says what to do.
  static Result<std::unique_ptr<ProfileStore>> Open(FileSystem& file_system,
                                                    const StoreOptions& options);
  virtual ~ProfileStore() = default;

  // Replaces each profile so that a reader sees the old bytes or the new. Durable once its result
  // is ok. One result per request, in order; one failure does not stop the others. A batch flushes
  // each directory once. kTransient: disk full or I/O error, the old file is intact. kDenied:
  // read-only. Also leaves a copy in the cache (a failure there is not a failure here).
  virtual std::vector<Result<PutOutcome>> PutAll(std::span<const PutRequest> requests) = 0;
  Result<PutOutcome> Put(const ProfilePath& path, std::string_view bytes) {
    const PutRequest request{path, bytes};
    return PutAll(std::span<const PutRequest>(&request, 1)).front();
  }

  // Removes the file, whatever is in its place, and the namespace's directory when that was its
  // last. ok when there was nothing.
  virtual Result<void> Remove(const ProfilePath& path) = 0;

  // Reads what is there and compares it with what should be. `before` is called before anything of
  // the file is looked at, with a descriptor of its directory: whoever watches the file from then
  // on misses nothing.
  using BeforeLook = std::function<void(int directory)>;
  virtual Result<FileState> Inspect(const ProfilePath& path, std::string_view sha256,
                                    const BeforeLook& before) = 0;
  Result<FileState> Inspect(const ProfilePath& path, std::string_view sha256) {
    return Inspect(path, sha256, {});
  }

  // Every entry below tenants/, but for our own temporary files (left by a crash: removed here).
  virtual Result<std::vector<FoundEntry>> Scan() = 0;

  // What Scan would say of one entry; file_name empty: of one in tenants/ itself that is no
  // readable directory with a namespace's name. Nothing: not there (any more), or such a directory.
  virtual Result<std::optional<FoundEntry>> Look(const std::string& name_space,
                                                 const std::string& file_name) = 0;

  // Takes what Scan or Look found out of tenants/. It is never opened, linked or copied.
  virtual Result<TakenAway> TakeAway(const FoundEntry& found) = 0;

  // A descriptor of a namespace's directory, or of tenants/ itself (""), to be watched. kNotFound:
  // not there, or no directory of ours.
  virtual Result<UniqueFd> OpenDirectory(const std::string& name_space) = 0;
  // The names of all directories in tenants/ that may be a namespace's.
  virtual Result<std::vector<std::string>> Namespaces() = 0;
  // Makes sure that what is written here is what readers reach: the path leads to the very
  // directory, and nobody renamed or removed it behind a mount.
  virtual Result<void> VerifyRoot() = 0;
  // Grows each time tenants/ turned out to be another directory: nothing known of it holds then.
  virtual std::uint64_t root_changes() const = 0;

  // The bytes of cache/<sha256>, verified. kNotFound: not there, or damaged (then removed).
  virtual Result<std::string> ReadCache(std::string_view sha256) = 0;
  // Removes the cached copies that nobody in `live` (SHA-256, hex) needs.
  virtual Result<void> TrimCache(const std::set<std::string>& live) = 0;

  // Writes, flushes and removes a temporary file in tenants/: can this disk be written?
  virtual Result<void> CheckWritable() = 0;
};

}  // namespace seccompd::node
