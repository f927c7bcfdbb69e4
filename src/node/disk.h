// SPDX-License-Identifier: Apache-2.0
#pragma once
// What store, cache and state directory share: errors with advice, the walk to an anchor, whole
// reads and writes, listings. Functions keep no state.

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "seccompd/base/result.h"
#include "seccompd/node/file_system.h"

namespace seccompd::node {

// A verified directory. The path is for messages only: every step goes through the descriptor.
struct Directory {
  UniqueFd fd;
  std::string path;
  std::string PathOf(std::string_view name) const { return path + "/" + std::string(name); }
};

// "cannot <step> <path>: No space left on device; <what to do>". An entry that came, went or
// changed its type under us is kConflict; a mount point in the way is kDenied; the rest as
// ErrnoError.
Error DiskError(int errno_value, std::string_view step, std::string_view path);

// Walks an absolute path from "/" without following a symlink. kNotFound: a component is missing.
// kInvalid: not absolute, "." or ".." in it, a symlink or a file on the way.
Result<Directory> WalkTo(FileSystem& file_system, const std::string& path, bool readable);

// What may be at an anchor: owned by us (or by root, when `or_root`), not writable by group or
// other.
Result<void> CheckTrusted(const struct stat& found, const std::string& path, bool or_root);

struct OpenedDirectory {
  Directory directory;
  bool made = false;
};
// The directory `name` in `parent`, which may be a mount point; made with exactly `mode` and
// flushed into its parent when missing. Verified to be ours and not writable by others.
Result<OpenedDirectory> OpenOrMakeOwned(FileSystem& file_system, const Directory& parent,
                                        const std::string& name, mode_t mode);
// The same by an absolute path, whose parent must exist.
Result<OpenedDirectory> OpenOrMakeOwned(FileSystem& file_system, const std::string& path,
                                        mode_t mode);

// 0 or errno.
[[nodiscard]] int WriteAll(FileSystem& file_system, int fd, std::string_view bytes);
// Up to max_bytes + 1 bytes: a longer answer than max_bytes says that there is more.
SysResult<std::string> ReadAll(FileSystem& file_system, int fd, std::size_t max_bytes);

// A whole regular file of a directory. ELOOP: it is something else. Up to max_bytes + 1, as
// ReadAll.
SysResult<std::string> ReadOwn(FileSystem& file_system, const Directory& directory,
                               const std::string& name, std::size_t max_bytes);

// The names in a directory but "." and "..". kInvalid: more than max_entries.
Result<std::vector<std::string>> ListNames(FileSystem& file_system, const Directory& directory,
                                           std::size_t max_entries);

// prefix and 32 hexadecimal characters of 128 random bits.
Result<std::string> RandomName(FileSystem& file_system, std::string_view prefix);

}  // namespace seccompd::node
