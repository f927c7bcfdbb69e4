// SPDX-License-Identifier: Apache-2.0
#include "seccompd/node/file_system.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <sstream>

namespace seccompd::node {
namespace {

bool IsOneComponent(const std::string& name) {
  return !name.empty() && name != ".." && name.find('/') == std::string::npos &&
         name.find('\0') == std::string::npos;
}

// Repeats a call that a signal interrupted.
template <class Call>
auto Retry(Call call) {
  decltype(call()) answer{};
  do {
    answer = call();
  } while (answer < 0 && errno == EINTR);
  return answer;
}

template <class Call>
int Done(Call call) {
  return Retry(call) < 0 ? errno : 0;
}

template <class Call>
SysResult<std::size_t> Count(Call call) {
  const auto answer = Retry(call);
  if (answer < 0) return {0, errno};
  return {static_cast<std::size_t>(answer), 0};
}

SysResult<UniqueFd> Opened(int fd) {
  if (fd < 0) return {UniqueFd(), errno};
  return {UniqueFd(fd), 0};
}

int OpenAt2(int directory, const std::string& name, int flags, mode_t mode, std::uint64_t resolve) {
  open_how how{};
  how.flags = static_cast<std::uint64_t>(flags);
  how.mode = (flags & O_CREAT) != 0 ? mode : 0;
  how.resolve = resolve;
  return static_cast<int>(
      Retry([&] { return ::syscall(SYS_openat2, directory, name.c_str(), &how, sizeof(how)); }));
}

// For kernels before 5.6 and for runtimes whose seccomp profile does not know openat2 (ENOSYS,
// EPERM). For one component O_NOFOLLOW says what BENEATH and NO_SYMLINKS say, and the device number
// what NO_XDEV does, but for a bind mount of the same file system.
SysResult<UniqueFd> OpenBeneathOldKernel(int directory, const std::string& name, int flags,
                                         mode_t mode) {
  SysResult<UniqueFd> file =
      Opened(Retry([&] { return ::openat(directory, name.c_str(), flags, mode); }));
  if (!file.ok()) return file;
  struct stat above {};
  struct stat here {};
  if (::fstat(directory, &above) != 0 || ::fstat(file.value.get(), &here) != 0) return {{}, errno};
  if (above.st_dev != here.st_dev) return {{}, EXDEV};
  return file;
}

// A file of /proc as a whole; errno when it cannot be read.
SysResult<std::string> ReadProc(const std::string& path) {
  SysResult<UniqueFd> file =
      Opened(Retry([&] { return ::open(path.c_str(), O_RDONLY | O_CLOEXEC); }));
  if (!file.ok()) return {{}, file.error};
  std::string text;
  std::array<char, 4096> buffer{};
  while (true) {
    const auto got = Retry([&] { return ::read(file.value.get(), buffer.data(), buffer.size()); });
    if (got < 0) return {{}, errno};
    if (got == 0) return {std::move(text), 0};
    text.append(buffer.data(), static_cast<std::size_t>(got));
  }
}

// "mnt_id:\t42" of fdinfo, then the fourth field of the line of mountinfo that begins with "42 ".
SysResult<std::string> MountRootOf(int fd) {
  SysResult<std::string> info = ReadProc("/proc/self/fdinfo/" + std::to_string(fd));
  if (!info.ok()) return info;
  std::istringstream words(info.value);
  std::string id;
  while (words >> id && id != "mnt_id:") {
  }
  if (!(words >> id)) return {{}, ENOSYS};
  SysResult<std::string> mounts = ReadProc("/proc/self/mountinfo");
  if (!mounts.ok()) return mounts;
  std::istringstream lines(mounts.value);
  for (std::string line; std::getline(lines, line);) {
    std::istringstream fields(line);
    std::string mount, parent, device, root;
    if (fields >> mount >> parent >> device >> root && mount == id) return {std::move(root), 0};
  }
  return {{}, ENOENT};
}

class Real final : public FileSystem {
 public:
  SysResult<UniqueFd> OpenFileSystemRoot() override {
    return Opened(::open("/", O_PATH | O_DIRECTORY | O_CLOEXEC));
  }
  SysResult<UniqueFd> OpenStep(int directory, const std::string& name, bool readable) override {
    if (!IsOneComponent(name)) return {{}, EINVAL};
    const int flags = O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC | (readable ? O_RDONLY : O_PATH);
    return Opened(Retry([&] { return ::openat(directory, name.c_str(), flags); }));
  }
  SysResult<UniqueFd> OpenBeneath(int directory, const std::string& name, int flags,
                                  mode_t mode) override {
    if (!IsOneComponent(name)) return {{}, EINVAL};
    const int all = flags | O_CLOEXEC | O_NOFOLLOW;
    SysResult<UniqueFd> file = Opened(
        OpenAt2(directory, name, all, mode,
                RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_XDEV));
    if (file.error != ENOSYS && file.error != EPERM) return file;
    return OpenBeneathOldKernel(directory, name, all, mode);
  }

  int MakeDirectory(int directory, const std::string& name, mode_t mode) override {
    if (!IsOneComponent(name)) return EINVAL;
    return Done([&] { return ::mkdirat(directory, name.c_str(), mode); });
  }
  int Unlink(int directory, const std::string& name) override {
    if (!IsOneComponent(name)) return EINVAL;
    return Done([&] { return ::unlinkat(directory, name.c_str(), 0); });
  }
  int RemoveDirectory(int directory, const std::string& name) override {
    if (!IsOneComponent(name)) return EINVAL;
    return Done([&] { return ::unlinkat(directory, name.c_str(), AT_REMOVEDIR); });
  }
  int Rename(int directory, const std::string& from, const std::string& to) override {
    if (!IsOneComponent(from) || !IsOneComponent(to)) return EINVAL;
    return Done([&] { return ::renameat(directory, from.c_str(), directory, to.c_str()); });
  }
  int Move(int from_directory, const std::string& from, int to_directory,
           const std::string& to) override {
    if (!IsOneComponent(from) || !IsOneComponent(to)) return EINVAL;
    return Done([&] { return ::renameat(from_directory, from.c_str(), to_directory, to.c_str()); });
  }
  SysResult<struct stat> StatAt(int directory, const std::string& name) override {
    if (!IsOneComponent(name)) return {{}, EINVAL};
    SysResult<struct stat> out;
    out.error =
        Done([&] { return ::fstatat(directory, name.c_str(), &out.value, AT_SYMLINK_NOFOLLOW); });
    return out;
  }
  SysResult<struct stat> StatPath(const std::string& path) override {
    SysResult<struct stat> out;
    out.error = Done([&] { return ::lstat(path.c_str(), &out.value); });
    return out;
  }

  SysResult<struct stat> Stat(int fd) override {
    SysResult<struct stat> out;
    out.error = Done([&] { return ::fstat(fd, &out.value); });
    return out;
  }
  int ChangeMode(int fd, mode_t mode) override {
    return Done([&] { return ::fchmod(fd, mode); });
  }
  SysResult<std::size_t> Read(int fd, std::span<char> buffer) override {
    return Count([&] { return ::read(fd, buffer.data(), buffer.size()); });
  }
  SysResult<std::size_t> Write(int fd, std::string_view bytes) override {
    return Count([&] { return ::write(fd, bytes.data(), bytes.size()); });
  }
  int Truncate(int fd) override {
    return Done([&] { return ::ftruncate(fd, 0); });
  }
  void StartWriteback(int fd) override {
    // A refusal (seccomp, file system) only means that Sync does the whole work.
    static_cast<void>(::sync_file_range(fd, 0, 0, SYNC_FILE_RANGE_WRITE));
  }
  int Sync(int fd) override {
    return Done([&] { return ::fsync(fd); });
  }
  SysResult<std::size_t> ReadEntries(int fd, std::span<char> buffer) override {
    return Count([&] { return ::syscall(SYS_getdents64, fd, buffer.data(), buffer.size()); });
  }
  SysResult<std::string> MountRoot(int fd) override { return MountRootOf(fd); }
  int Lock(int fd) override {
    return Done([&] { return ::flock(fd, LOCK_EX | LOCK_NB); });
  }
  int Random(std::span<unsigned char> bytes) override {
    const auto got = Count([&] { return ::getrandom(bytes.data(), bytes.size(), 0); });
    if (!got.ok()) return got.error;
    return got.value == bytes.size() ? 0 : EIO;
  }
};

}  // namespace

FileSystem& RealFileSystem() {
  static Real real;
  return real;
}

}  // namespace seccompd::node
