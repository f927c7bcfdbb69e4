// SPDX-License-Identifier: Apache-2.0
#pragma once
// A whole file on its way to its name: written beside it, then renamed onto it. Unlinked when it
// goes out of scope before that. What a crash leaves behind is known by its name.

#include <string>
#include <string_view>

#include "seccompd/base/result.h"
#include "seccompd/node/file_system.h"

#include "node/disk.h"

namespace seccompd::node {

inline constexpr std::string_view kTemporaryPrefix = ".tmp-";
inline constexpr std::string_view kForeignPrefix = ".foreign-";  // renamed out of the way

// True for the prefix and 32 lower-case hexadecimal characters.
bool IsTemporaryName(std::string_view name);

class TemporaryFile {
 public:
  // A new file with exactly `mode`, holding `bytes`. `directory` outlives it and does not move.
  static Result<TemporaryFile> Create(FileSystem& file_system, const Directory& directory,
                                      mode_t mode, std::string_view bytes);
  TemporaryFile(TemporaryFile&& other) noexcept;
  TemporaryFile& operator=(TemporaryFile&&) = delete;
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;
  ~TemporaryFile();

  void StartWriteback() { file_system_.StartWriteback(fd_.get()); }
  Result<void> Sync();
  // Replaces whatever is at `name`; a directory there is first renamed out of the way.
  Result<void> RenameTo(const std::string& name);

 private:
  TemporaryFile(FileSystem& file_system, const Directory& directory, std::string name, UniqueFd fd);
  FileSystem& file_system_;
  const Directory& directory_;
  std::string name_;  // empty: renamed or moved from
  UniqueFd fd_;
};

// Renames what stands at `name` to .foreign-<random> in the same directory.
Result<void> MoveAway(FileSystem& file_system, const Directory& directory, const std::string& name);

// Replaces directory/name by `bytes`; `durable`: flushed, the name as well.
Result<void> ReplaceFile(FileSystem& file_system, const Directory& directory,
                         const std::string& name, std::string_view bytes, bool durable);

// Unlinks the temporary files that a crash left. Nobody else may be writing there.
Result<void> RemoveTemporaries(FileSystem& file_system, const Directory& directory,
                               std::size_t max_entries);

}  // namespace seccompd::node
