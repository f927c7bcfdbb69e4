// SPDX-License-Identifier: Apache-2.0
#include "seccompd/node/directory_watch.h"

#include <fcntl.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <map>
#include <set>
#include <utility>

#include "node/disk.h"
#include "node/inotify_error.h"

namespace seccompd::node {
namespace {

constexpr std::uint32_t kEvents = IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_CREATE |
                                  IN_DELETE | IN_ATTRIB | IN_DELETE_SELF | IN_MOVE_SELF;
constexpr std::size_t kBufferBytes = std::size_t{64} * 1024;
constexpr int kReadsAtOnce = 16;  // a storm must not keep Read for ever; the rest is read next time

class Inotify final : public DirectoryWatch {
 public:
  explicit Inotify(UniqueFd fd) : fd_(std::move(fd)), buffer_(kBufferBytes) {}

  Result<void> Add(const std::string& path) override {
    const int watch = ::inotify_add_watch(fd_.get(), path.c_str(), kEvents | IN_ONLYDIR);
    if (watch < 0) return WatchError(errno, "cannot watch " + path);
    paths_[watch].insert(path);
    return {};
  }

  int fd() const override { return fd_.get(); }

  Result<Changes> Read() override {
    Pending pending;
    for (int i = 0; i < kReadsAtOnce; ++i) {
      const ssize_t got = ::read(fd_.get(), buffer_.data(), buffer_.size());
      if (got < 0 && errno == EINTR) continue;
      if (got < 0 && errno == EAGAIN) break;
      if (got < 0) return ErrnoError(errno, "cannot read inotify events; watch anew");
      Sort(static_cast<std::size_t>(got), pending);
    }
    Changes changes;
    changes.overflow = pending.overflow;
    changes.directories.assign(pending.changed.begin(), pending.changed.end());
    changes.gone.assign(pending.gone.begin(), pending.gone.end());
    return changes;
  }

 private:
  struct Pending {
    std::set<std::string> changed;
    std::set<std::string> gone;
    bool overflow = false;
  };

  void Sort(std::size_t bytes, Pending& pending) {
    for (std::size_t at = 0; at + sizeof(inotify_event) <= bytes;) {
      inotify_event event{};
      std::memcpy(&event, &buffer_[at], sizeof(event));
      at += sizeof(event) + event.len;
      if ((event.mask & IN_Q_OVERFLOW) != 0) {
        pending.overflow = true;
        continue;
      }
      const auto watched = paths_.find(event.wd);
      if (watched == paths_.end()) continue;
      constexpr std::uint32_t kGone = IN_DELETE_SELF | IN_MOVE_SELF | IN_UNMOUNT | IN_IGNORED;
      if ((event.mask & kGone) == 0) {
        pending.changed.insert(watched->second.begin(), watched->second.end());
        continue;
      }
      pending.gone.insert(watched->second.begin(), watched->second.end());
      paths_.erase(watched);
      // A renamed directory would be watched on under a name that is not its own any more.
      if ((event.mask & IN_MOVE_SELF) != 0) {
        static_cast<void>(::inotify_rm_watch(fd_.get(), event.wd));
      }
    }
  }

  UniqueFd fd_;
  std::map<int, std::set<std::string>>
      paths_;  // by watch descriptor; one inode may have several names
  std::vector<char> buffer_;
};

Error NoRegularFile(const std::string& path, std::string_view what) {
  return Error{ErrorCode::kInvalid,
               path + " is " + std::string(what) + "; put a regular file there or remove it"};
}

Result<void> CheckRegular(const struct stat& found, const std::string& path) {
  if (S_ISREG(found.st_mode)) return {};
  if (S_ISLNK(found.st_mode)) return NoRegularFile(path, "a symlink");
  return NoRegularFile(path, S_ISDIR(found.st_mode) ? "a directory" : "no regular file");
}

}  // namespace

Result<std::unique_ptr<DirectoryWatch>> DirectoryWatch::Open() {
  UniqueFd fd(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
  if (!fd.is_open()) return WatchError(errno, "cannot use inotify");
  return std::unique_ptr<DirectoryWatch>(std::make_unique<Inotify>(std::move(fd)));
}

Result<std::string> ReadSmallFile(const std::string& path, std::size_t max_bytes, bool follow) {
  struct stat found {};
  // Looked at before it is opened, because opening a device can have effects; and again afterwards.
  if (::fstatat(AT_FDCWD, path.c_str(), &found, follow ? 0 : AT_SYMLINK_NOFOLLOW) != 0) {
    return ErrnoError(errno, "cannot examine " + path);
  }
  if (Result<void> regular = CheckRegular(found, path); !regular.ok()) return regular.error();
  const int flags = O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC | (follow ? 0 : O_NOFOLLOW);
  const UniqueFd file(::open(path.c_str(), flags));
  if (!file.is_open()) return ErrnoError(errno, "cannot open " + path);
  if (::fstat(file.get(), &found) != 0) return ErrnoError(errno, "cannot examine " + path);
  if (Result<void> regular = CheckRegular(found, path); !regular.ok()) return regular.error();
  SysResult<std::string> bytes = ReadAll(RealFileSystem(), file.get(), max_bytes);
  if (!bytes.ok()) return ErrnoError(bytes.error, "cannot read " + path);
  if (bytes.value.size() > max_bytes) {
    return Error{ErrorCode::kInvalid, path + " is longer than " + std::to_string(max_bytes) +
                                          " bytes; make it smaller or split it"};
  }
  return std::move(bytes.value);
}

}  // namespace seccompd::node
