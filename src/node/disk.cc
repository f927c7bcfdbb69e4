// SPDX-License-Identifier: Apache-2.0
#include "node/disk.h"

#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

namespace seccompd::node {
namespace {

constexpr mode_t kWritableByOthers = S_IWGRP | S_IWOTH;

std::string_view Advice(int errno_value) {
  switch (errno_value) {
    case ENOSPC:
    case EDQUOT:
      return "free space or inodes on that file system";
    case EROFS:
      return "remount that file system read-write";
    case EACCES:
    case EPERM:
      return "check owner, mode and attributes (ls -ld, lsattr) and the user seccompd runs as";
    case EMFILE:
    case ENFILE:
      return "raise the limit of open files";
    case EXDEV:
    case EBUSY:
      return "something is mounted there: unmount it";
    case ENOENT:
    case EEXIST:
    case ENOTDIR:
    case EISDIR:
    case ELOOP:
    case ENOTEMPTY:
      return "something else changed it meanwhile: try again, and find out who writes there";
    default:
      return "look into the kernel's log for that disk";
  }
}

Error Invalid(std::string message) { return Error{ErrorCode::kInvalid, std::move(message)}; }

Result<std::vector<std::string>> Components(const std::string& path) {
  if (path.empty() || path.front() != '/') return Invalid("path \"" + path + "\" is not absolute");
  std::vector<std::string> parts;
  for (std::size_t at = 0; at < path.size();) {
    const std::size_t end = std::min(path.find('/', at), path.size());
    std::string part = path.substr(at, end - at);
    at = end + 1;
    if (part.empty()) continue;
    if (part == "." || part == ".." || part.find('\0') != std::string::npos) {
      return Invalid("path \"" + path + "\" has \".\", \"..\" or a NUL in it; give it plainly");
    }
    parts.push_back(std::move(part));
  }
  return parts;
}

// Says what stands where a directory should be.
Error NoDirectory(FileSystem& file_system, const Directory& parent, const std::string& name,
                  int errno_value) {
  const std::string path = parent.PathOf(name);
  if (errno_value == ENOENT) {
    return Error{ErrorCode::kNotFound, path + " does not exist; create it or correct the path"};
  }
  if (errno_value == ENOTDIR || errno_value == ELOOP) {
    const SysResult<struct stat> found = file_system.StatAt(parent.fd.get(), name);
    if (found.ok() && S_ISLNK(found.value.st_mode)) {
      return Invalid(path + " is a symlink, which is not followed; give the real path");
    }
    return Invalid(path + " is no directory; remove it or correct the path");
  }
  return DiskError(errno_value, "open", path);
}

// The exact mode whatever the umask is, and the entry in the parent made durable.
Result<void> FinishNew(FileSystem& file_system, const Directory& parent, const Directory& made,
                       mode_t mode) {
  int error = file_system.ChangeMode(made.fd.get(), mode);
  if (error != 0) return DiskError(error, "set the mode of", made.path);
  SysResult<UniqueFd> above = file_system.OpenBeneath(parent.fd.get(), ".", O_DIRECTORY, 0);
  error = above.ok() ? file_system.Sync(above.value.get()) : above.error;
  if (error != 0) return DiskError(error, "flush (fsync) the directory above", made.path);
  return {};
}

}  // namespace

Error DiskError(int errno_value, std::string_view step, std::string_view path) {
  Error error = ErrnoError(errno_value, "cannot " + std::string(step) + " " + std::string(path));
  error.message += "; ";
  error.message += Advice(errno_value);
  switch (errno_value) {
    case EXDEV:
    case EBUSY:
      error.code = ErrorCode::kDenied;
      break;
    case ENOENT:
    case ENOTDIR:
    case EISDIR:
    case ELOOP:
      error.code = ErrorCode::kConflict;
      break;
    default:
      break;
  }
  return error;
}

Result<Directory> WalkTo(FileSystem& file_system, const std::string& path, bool readable) {
  Result<std::vector<std::string>> parts = Components(path);
  if (!parts.ok()) return parts.error();
  SysResult<UniqueFd> top = file_system.OpenFileSystemRoot();
  if (!top.ok()) return DiskError(top.error, "open", "/");
  Directory here{std::move(top.value), ""};
  for (std::size_t i = 0; i < parts->size(); ++i) {
    const std::string& name = (*parts)[i];
    const bool last = i + 1 == parts->size();
    SysResult<UniqueFd> next = file_system.OpenStep(here.fd.get(), name, readable && last);
    if (!next.ok()) return NoDirectory(file_system, here, name, next.error);
    here = Directory{std::move(next.value), here.PathOf(name)};
  }
  return here;
}

Result<void> CheckTrusted(const struct stat& found, const std::string& path, bool or_root) {
  if (!S_ISDIR(found.st_mode)) return Invalid(path + " is no directory; remove it");
  if (found.st_nlink == 0) {
    return Error{ErrorCode::kDenied,
                 path + " was removed while in use; create it anew and restart seccompd"};
  }
  const uid_t self = ::geteuid();
  if (found.st_uid != self && !(or_root && found.st_uid == 0)) {
    return Error{ErrorCode::kDenied, path + " belongs to user " + std::to_string(found.st_uid) +
                                         ", not to " + std::to_string(self) +
                                         "; chown it to the user seccompd runs as"};
  }
  if ((found.st_mode & kWritableByOthers) != 0) {
    return Invalid(path + " is writable by group or others; run chmod go-w on it");
  }
  return {};
}

Result<OpenedDirectory> OpenOrMakeOwned(FileSystem& file_system, const Directory& parent,
                                        const std::string& name, mode_t mode) {
  OpenedDirectory out{Directory{UniqueFd(), parent.PathOf(name)}, false};
  const std::string& path = out.directory.path;
  SysResult<UniqueFd> opened = file_system.OpenStep(parent.fd.get(), name, true);
  if (opened.error == ENOENT) {
    const int error = file_system.MakeDirectory(parent.fd.get(), name, mode & S_IRWXU);
    if (error != 0 && error != EEXIST) return DiskError(error, "create directory", path);
    out.made = error == 0;
    opened = file_system.OpenStep(parent.fd.get(), name, true);
  }
  if (!opened.ok()) return NoDirectory(file_system, parent, name, opened.error);
  out.directory.fd = std::move(opened.value);
  const int fd = out.directory.fd.get();
  if (out.made) {
    if (Result<void> done = FinishNew(file_system, parent, out.directory, mode); !done.ok()) {
      // Half made, it would look finished to the next attempt.
      static_cast<void>(file_system.RemoveDirectory(parent.fd.get(), name));
      return done.error();
    }
  }
  const SysResult<struct stat> found = file_system.Stat(fd);
  if (!found.ok()) return DiskError(found.error, "examine", path);
  if (Result<void> trusted = CheckTrusted(found.value, path, false); !trusted.ok()) {
    return trusted.error();
  }
  return out;
}

Result<OpenedDirectory> OpenOrMakeOwned(FileSystem& file_system, const std::string& path,
                                        mode_t mode) {
  Result<std::vector<std::string>> parts = Components(path);
  if (!parts.ok()) return parts.error();
  if (parts->empty()) return Invalid("/ cannot be used as seccompd's own directory");
  std::string above;
  for (std::size_t i = 0; i + 1 < parts->size(); ++i) above += "/" + (*parts)[i];
  Result<Directory> parent = WalkTo(file_system, above.empty() ? "/" : above, false);
  if (!parent.ok()) return parent.error();
  return OpenOrMakeOwned(file_system, *parent, parts->back(), mode);
}

int WriteAll(FileSystem& file_system, int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const SysResult<std::size_t> written = file_system.Write(fd, bytes);
    if (!written.ok()) return written.error;
    if (written.value == 0) return EIO;  // no progress and no reason: never loop
    bytes.remove_prefix(written.value);
  }
  return 0;
}

SysResult<std::string> ReadAll(FileSystem& file_system, int fd, std::size_t max_bytes) {
  SysResult<std::string> out;
  std::array<char, 16384> buffer{};
  while (out.value.size() <= max_bytes) {
    const SysResult<std::size_t> got = file_system.Read(fd, buffer);
    if (!got.ok()) return {{}, got.error};
    if (got.value == 0) break;
    out.value.append(buffer.data(), got.value);
  }
  if (out.value.size() > max_bytes) out.value.resize(max_bytes + 1);
  return out;
}

SysResult<std::string> ReadOwn(FileSystem& file_system, const Directory& directory,
                               const std::string& name, std::size_t max_bytes) {
  SysResult<UniqueFd> file =
      file_system.OpenBeneath(directory.fd.get(), name, O_RDONLY | O_NONBLOCK, 0);
  if (!file.ok()) return {{}, file.error};
  const SysResult<struct stat> found = file_system.Stat(file.value.get());
  if (!found.ok()) return {{}, found.error};
  if (!S_ISREG(found.value.st_mode)) return {{}, ELOOP};
  return ReadAll(file_system, file.value.get(), max_bytes);
}

Result<std::vector<std::string>> ListNames(FileSystem& file_system, const Directory& directory,
                                           std::size_t max_entries) {
  constexpr std::size_t kNameOffset = offsetof(dirent64, d_name);
  SysResult<UniqueFd> fresh = file_system.OpenBeneath(directory.fd.get(), ".", O_DIRECTORY, 0);
  if (!fresh.ok()) return DiskError(fresh.error, "list", directory.path);
  std::vector<std::string> names;
  std::vector<char> buffer(std::size_t{32} * 1024);
  while (true) {
    const SysResult<std::size_t> got = file_system.ReadEntries(fresh.value.get(), buffer);
    if (!got.ok()) return DiskError(got.error, "list", directory.path);
    if (got.value == 0) return names;
    for (std::size_t at = 0; at + kNameOffset < got.value;) {
      decltype(dirent64::d_reclen) length = 0;
      std::memcpy(&length, &buffer[at + offsetof(dirent64, d_reclen)], sizeof(length));
      if (length <= kNameOffset || length > got.value - at) {
        return DiskError(EIO, "list", directory.path);
      }
      const char* name = &buffer[at + kNameOffset];
      names.emplace_back(name, ::strnlen(name, length - kNameOffset));
      if (names.back() == "." || names.back() == "..") names.pop_back();
      at += length;
    }
    if (names.size() > max_entries) {
      return Invalid(directory.path + " has more than " + std::to_string(max_entries) +
                     " entries; remove what does not belong there");
    }
  }
}

Result<std::string> RandomName(FileSystem& file_system, std::string_view prefix) {
  constexpr std::string_view kHex = "0123456789abcdef";
  std::array<unsigned char, 16> bits{};
  if (const int error = file_system.Random(bits); error != 0) {
    return ErrnoError(error, "no random bits from the kernel (getrandom); try again");
  }
  std::string name(prefix);
  for (const unsigned char byte : bits) {
    name += kHex[byte >> 4];
    name += kHex[byte & 0xf];
  }
  return name;
}

}  // namespace seccompd::node
