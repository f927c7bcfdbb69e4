// SPDX-License-Identifier: Apache-2.0
#pragma once
// The operating system behind one seam, so that a test can make any call fail under the algorithm.
// Thin: one member, one system call, descriptors in and out, no retry but for EINTR. A call that
// yields nothing answers 0 or errno; the others a SysResult. Thread-safe where the call is. A
// `name` is one component: never "..", never with a slash (EINVAL), so no member can leave its
// directory.

#include <sys/stat.h>
#include <sys/types.h>

#include <cerrno>
#include <cstddef>
#include <span>
#include <string>
#include <string_view>

#include "seccompd/base/unique_fd.h"

namespace seccompd::node {

// What a system call yielded, or errno.
template <class T>
struct [[nodiscard]] SysResult {
  T value{};
  int error = 0;
  bool ok() const { return error == 0; }
};

class FileSystem {
 public:
  virtual ~FileSystem() = default;

  // The directory "/" (O_PATH): where every walk starts.
  virtual SysResult<UniqueFd> OpenFileSystemRoot() = 0;
  // One directory down on the way to an anchor (O_PATH, or O_RDONLY when `readable`). A symlink is
  // refused (ELOOP or ENOTDIR), a mount point is entered.
  virtual SysResult<UniqueFd> OpenStep(int directory, const std::string& name, bool readable) = 0;
  // openat2 with BENEATH, NO_SYMLINKS, NO_MAGICLINKS, NO_XDEV; O_CLOEXEC and O_NOFOLLOW are added.
  virtual SysResult<UniqueFd> OpenBeneath(int directory, const std::string& name, int flags,
                                          mode_t mode) = 0;

  [[nodiscard]] virtual int MakeDirectory(int directory, const std::string& name, mode_t mode) = 0;
  [[nodiscard]] virtual int Unlink(int directory, const std::string& name) = 0;
  [[nodiscard]] virtual int RemoveDirectory(int directory, const std::string& name) = 0;
  // Within one directory: Landlock before ABI 2 forbids more.
  [[nodiscard]] virtual int Rename(int directory, const std::string& from,
                                   const std::string& to) = 0;
  // From one directory into another. EXDEV: not on the same file system and mount.
  [[nodiscard]] virtual int Move(int /*from_directory*/, const std::string& /*from*/,
                                 int /*to_directory*/, const std::string& /*to*/) {
    return EXDEV;
  }
  // Never follows a symlink.
  virtual SysResult<struct stat> StatAt(int directory, const std::string& name) = 0;
  // An absolute path; follows symlinks but in its last component. Only to compare identities.
  virtual SysResult<struct stat> StatPath(const std::string& path) = 0;

  virtual SysResult<struct stat> Stat(int fd) = 0;
  [[nodiscard]] virtual int ChangeMode(int fd, mode_t mode) = 0;
  virtual SysResult<std::size_t> Read(int fd, std::span<char> buffer) = 0;
  virtual SysResult<std::size_t> Write(int fd, std::string_view bytes) = 0;
  [[nodiscard]] virtual int Truncate(int fd) = 0;
  // A hint: begins to write the file's pages out, so that a following Sync finds little to do.
  virtual void StartWriteback(int fd) = 0;
  [[nodiscard]] virtual int Sync(int fd) = 0;
  // getdents64: bytes of struct linux_dirent64, 0 at the end.
  virtual SysResult<std::size_t> ReadEntries(int fd, std::span<char> buffer) = 0;
  // The directory, within its file system, that is the root of the mount in which `fd` is: changes
  // when somebody outside of a container renames what is mounted in it. Reads
  // /proc/self/fdinfo/<fd> and /proc/self/mountinfo.
  virtual SysResult<std::string> MountRoot(int /*fd*/) { return {{}, ENOSYS}; }
  // flock, exclusive, not waiting: EWOULDBLOCK when another open file holds it.
  [[nodiscard]] virtual int Lock(int fd) = 0;
  [[nodiscard]] virtual int Random(std::span<unsigned char> bytes) = 0;
};

// The real one; no state.
FileSystem& RealFileSystem();

}  // namespace seccompd::node
