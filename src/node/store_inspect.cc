// SPDX-License-Identifier: Apache-2.0
// Reading what is on the disk. Nothing foreign is opened before lstat says that it is a regular
// file: opening a device can have effects.
#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "seccompd/base/digest.h"

#include "node/disk_store.h"
#include "node/limits.h"

namespace seccompd::node {
namespace {

constexpr mode_t kModeBits = 07777;

// 0 or errno; EFBIG beyond the limit.
int HashFile(FileSystem& file_system, int fd, std::string* hex) {
  Sha256 sha;
  std::array<char, 16384> buffer{};
  std::size_t total = 0;
  while (true) {
    const SysResult<std::size_t> got = file_system.Read(fd, buffer);
    if (!got.ok()) return got.error;
    if (got.value == 0) break;
    total += got.value;
    if (total > kMaxProfileBytes) return EFBIG;
    sha.Update(std::string_view(buffer.data(), got.value));
  }
  *hex = sha.FinishHex();
  return 0;
}

}  // namespace

std::string_view FileStateName(FileState state) {
  switch (state) {
    case FileState::kIntact:
      return "intact";
    case FileState::kMissing:
      return "missing";
    case FileState::kContent:
      return "content";
    case FileState::kMode:
      return "mode";
    case FileState::kOwner:
      return "owner";
    case FileState::kLinks:
      return "links";
    case FileState::kType:
      return "type";
  }
  std::abort();
}

FileState DiskStore::CompareAttributes(const struct stat& found) const {
  if (!S_ISREG(found.st_mode)) return FileState::kType;
  if (found.st_nlink == 0) return FileState::kMissing;  // removed since it was opened
  if (found.st_uid != ::geteuid() || found.st_gid != ::getegid()) return FileState::kOwner;
  if ((found.st_mode & kModeBits) != options_.file_mode) return FileState::kMode;
  if (found.st_nlink != 1) return FileState::kLinks;
  return FileState::kIntact;
}

FileState DiskStore::CompareNamespace(const struct stat& found) const {
  if (!S_ISDIR(found.st_mode)) return FileState::kType;
  if (found.st_uid != ::geteuid()) return FileState::kOwner;
  if ((found.st_mode & kModeBits) != options_.directory_mode) return FileState::kMode;
  return FileState::kIntact;
}

bool DiskStore::IsInPlace(const Directory& directory, const std::string& file_name,
                          std::string_view bytes) {
  const auto matches = [&](const SysResult<struct stat>& found) {
    return found.ok() && CompareAttributes(found.value) == FileState::kIntact &&
           static_cast<std::size_t>(found.value.st_size) == bytes.size();
  };
  if (!matches(file_system_.StatAt(directory.fd.get(), file_name))) return false;
  const SysResult<UniqueFd> file =
      file_system_.OpenBeneath(directory.fd.get(), file_name, O_RDONLY | O_NONBLOCK, 0);
  if (!file.ok() || !matches(file_system_.Stat(file.value.get()))) return false;
  const SysResult<std::string> there = ReadAll(file_system_, file.value.get(), bytes.size());
  return there.ok() && there.value == bytes;
}

Result<FileState> DiskStore::Inspect(const ProfilePath& path, std::string_view sha256,
                                     const BeforeLook& before) {
  if (Result<void> verified = VerifyAnchor(); !verified.ok()) return verified.error();
  const Directory& tenants = anchor_.directory();
  SysResult<UniqueFd> directory =
      file_system_.OpenBeneath(tenants.fd.get(), path.name_space(), O_PATH | O_DIRECTORY, 0);
  if (directory.error == ENOENT) return FileState::kMissing;
  if (directory.error == ENOTDIR || directory.error == ELOOP || directory.error == EXDEV) {
    return FileState::kType;
  }
  const std::string shown = tenants.PathOf(path.key() + ".json");
  if (!directory.ok()) return DiskError(directory.error, "open the directory of", shown);
  const SysResult<struct stat> above = file_system_.Stat(directory.value.get());
  if (!above.ok()) return DiskError(above.error, "examine the directory of", shown);
  if (const FileState state = CompareNamespace(above.value); state != FileState::kIntact) {
    return state;
  }

  if (before) before(directory.value.get());
  const SysResult<struct stat> found = file_system_.StatAt(directory.value.get(), path.file_name());
  if (found.error == ENOENT) return FileState::kMissing;
  if (!found.ok()) return DiskError(found.error, "examine", shown);
  FileState state = CompareAttributes(found.value);
  if (state != FileState::kIntact) return state;
  const SysResult<UniqueFd> file =
      file_system_.OpenBeneath(directory.value.get(), path.file_name(), O_RDONLY | O_NONBLOCK, 0);
  if (file.error == ENOENT) return FileState::kMissing;
  if (file.error == ELOOP || file.error == EXDEV) return FileState::kType;
  if (!file.ok()) return DiskError(file.error, "open", shown);
  const SysResult<struct stat> opened = file_system_.Stat(file.value.get());
  if (!opened.ok()) return DiskError(opened.error, "examine", shown);
  state = CompareAttributes(opened.value);
  if (state != FileState::kIntact) return state;
  std::string hex;
  const int error = HashFile(file_system_, file.value.get(), &hex);
  if (error != 0 && error != EFBIG) return DiskError(error, "read", shown);
  return hex == sha256 && error == 0 ? FileState::kIntact : FileState::kContent;
}

}  // namespace seccompd::node
