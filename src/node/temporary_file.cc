// SPDX-License-Identifier: Apache-2.0
#include "node/temporary_file.h"

#include <fcntl.h>

#include <algorithm>
#include <cerrno>
#include <utility>

namespace seccompd::node {

bool IsTemporaryName(std::string_view name) {
  constexpr std::size_t kHexDigits = 32;
  if (!name.starts_with(kTemporaryPrefix)) return false;
  name.remove_prefix(kTemporaryPrefix.size());
  return name.size() == kHexDigits && std::all_of(name.begin(), name.end(), [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
         });
}

TemporaryFile::TemporaryFile(FileSystem& file_system, const Directory& directory, std::string name,
                             UniqueFd fd)
    : file_system_(file_system),
      directory_(directory),
      name_(std::move(name)),
      fd_(std::move(fd)) {}

TemporaryFile::TemporaryFile(TemporaryFile&& other) noexcept
    : file_system_(other.file_system_),
      directory_(other.directory_),
      name_(std::exchange(other.name_, {})),
      fd_(std::move(other.fd_)) {}

TemporaryFile::~TemporaryFile() {
  // If even this fails, the next Scan removes the file by its name.
  if (!name_.empty()) static_cast<void>(file_system_.Unlink(directory_.fd.get(), name_));
}

Result<TemporaryFile> TemporaryFile::Create(FileSystem& file_system, const Directory& directory,
                                            mode_t mode, std::string_view bytes) {
  Result<std::string> name = RandomName(file_system, kTemporaryPrefix);
  if (!name.ok()) return name.error();
  SysResult<UniqueFd> file =
      file_system.OpenBeneath(directory.fd.get(), *name, O_WRONLY | O_CREAT | O_EXCL, S_IWUSR);
  if (!file.ok()) return DiskError(file.error, "create a temporary file in", directory.path);
  TemporaryFile out(file_system, directory, *std::move(name), std::move(file.value));
  const int fd = out.fd_.get();
  // Exact whatever the umask is, and before there is anything to read.
  if (const int error = file_system.ChangeMode(fd, mode); error != 0) {
    return DiskError(error, "set the mode of a temporary file in", directory.path);
  }
  if (const int error = WriteAll(file_system, fd, bytes); error != 0) {
    return DiskError(error, "write a temporary file in", directory.path);
  }
  return out;
}

Result<void> TemporaryFile::Sync() {
  const int error = file_system_.Sync(fd_.get());
  if (error != 0) return DiskError(error, "flush (fsync) a temporary file in", directory_.path);
  return {};
}

Result<void> TemporaryFile::RenameTo(const std::string& name) {
  const int directory = directory_.fd.get();
  int error = file_system_.Rename(directory, name_, name);
  if (error == EISDIR) {
    Result<void> moved = MoveAway(file_system_, directory_, name);
    if (!moved.ok()) return moved;
    error = file_system_.Rename(directory, name_, name);
  }
  if (error != 0) {
    return DiskError(error, "rename a temporary file to", directory_.PathOf(name));
  }
  name_.clear();
  return {};
}

Result<void> MoveAway(FileSystem& file_system, const Directory& directory,
                      const std::string& name) {
  Result<std::string> aside = RandomName(file_system, kForeignPrefix);
  if (!aside.ok()) return aside.error();
  const int error = file_system.Rename(directory.fd.get(), name, *aside);
  if (error != 0) return DiskError(error, "rename out of the way", directory.PathOf(name));
  // An empty directory is worth nothing to anybody; what has something in it stays, as foreign.
  static_cast<void>(file_system.RemoveDirectory(directory.fd.get(), *aside));
  return {};
}

Result<void> ReplaceFile(FileSystem& file_system, const Directory& directory,
                         const std::string& name, std::string_view bytes, bool durable) {
  constexpr mode_t kPrivate = S_IRUSR | S_IWUSR;
  Result<TemporaryFile> file = TemporaryFile::Create(file_system, directory, kPrivate, bytes);
  if (!file.ok()) return file.error();
  if (durable) {
    if (Result<void> synced = file->Sync(); !synced.ok()) return synced;
  }
  if (Result<void> renamed = file->RenameTo(name); !renamed.ok()) return renamed;
  if (!durable) return {};
  const int error = file_system.Sync(directory.fd.get());
  if (error != 0) return DiskError(error, "flush (fsync) directory", directory.path);
  return {};
}

Result<void> RemoveTemporaries(FileSystem& file_system, const Directory& directory,
                               std::size_t max_entries) {
  Result<std::vector<std::string>> names = ListNames(file_system, directory, max_entries);
  if (!names.ok()) return names.error();
  for (const std::string& name : *names) {
    if (!IsTemporaryName(name)) continue;
    const int error = file_system.Unlink(directory.fd.get(), name);
    if (error != 0 && error != ENOENT) {
      return DiskError(error, "remove the left temporary file", directory.PathOf(name));
    }
  }
  return {};
}

}  // namespace seccompd::node
