// SPDX-License-Identifier: Apache-2.0
#include "node/cache.h"

#include <fcntl.h>

#include <cerrno>
#include <utility>

#include "seccompd/base/digest.h"

#include "node/limits.h"
#include "node/temporary_file.h"

namespace seccompd::node {
namespace {

constexpr mode_t kPrivateDirectory = S_IRWXU;

Error NotCached(std::string_view sha256) {
  return Error{ErrorCode::kNotFound, "no intact copy of " + std::string(sha256) + " in the cache"};
}

}  // namespace

Cache::Cache(FileSystem& file_system, Directory directory)
    : file_system_(file_system), directory_(std::move(directory)) {}

Result<Cache> Cache::Open(FileSystem& file_system, const std::string& state_dir) {
  Result<OpenedDirectory> state = OpenOrMakeOwned(file_system, state_dir, kPrivateDirectory);
  if (!state.ok()) return Wrap(state.error(), "state directory (--state-dir)");
  Result<OpenedDirectory> cache =
      OpenOrMakeOwned(file_system, state->directory, "cache", kPrivateDirectory);
  if (!cache.ok()) return Wrap(cache.error(), "state directory (--state-dir)");
  return Cache(file_system, std::move(cache->directory));
}

void Cache::Keep(std::string_view bytes, std::string_view sha256) {
  const std::string name = IsSha256Hex(sha256) ? std::string(sha256) : Sha256Hex(bytes);
  const SysResult<struct stat> found = file_system_.StatAt(directory_.fd.get(), name);
  if (found.ok() && S_ISREG(found.value.st_mode) &&
      static_cast<std::size_t>(found.value.st_size) == bytes.size()) {
    return;
  }
  static_cast<void>(ReplaceFile(file_system_, directory_, name, bytes, false));
}

Result<std::string> Cache::Read(std::string_view sha256) {
  if (!IsSha256Hex(sha256)) return NotCached("what is no SHA-256");
  const std::string name(sha256);
  SysResult<UniqueFd> file =
      file_system_.OpenBeneath(directory_.fd.get(), name, O_RDONLY | O_NONBLOCK, 0);
  if (file.error == ENOENT) return NotCached(sha256);
  if (file.ok()) {
    SysResult<std::string> bytes = ReadAll(file_system_, file.value.get(), kMaxProfileBytes);
    if (bytes.ok() && Sha256Hex(bytes.value) == sha256) return std::move(bytes.value);
  } else if (file.error != ELOOP && file.error != EACCES && file.error != ENXIO) {
    return DiskError(file.error, "open", directory_.PathOf(name));
  }
  // Damaged or of another type: of no use to anybody, and in the way of the next copy.
  static_cast<void>(file_system_.Unlink(directory_.fd.get(), name));
  return NotCached(sha256);
}

Result<void> Cache::Trim(const std::set<std::string>& live) {
  Result<std::vector<std::string>> names = ListNames(file_system_, directory_, kMaxEntries);
  if (!names.ok()) return names.error();
  for (const std::string& name : *names) {
    if (live.contains(name)) continue;
    if (!IsSha256Hex(name) && !IsTemporaryName(name)) continue;
    const int error = file_system_.Unlink(directory_.fd.get(), name);
    if (error != 0 && error != ENOENT && error != EISDIR) {
      return DiskError(error, "remove", directory_.PathOf(name));
    }
  }
  return {};
}

}  // namespace seccompd::node
