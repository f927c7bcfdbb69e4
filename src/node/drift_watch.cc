// SPDX-License-Identifier: Apache-2.0
#include "seccompd/node/drift_watch.h"

#include <sys/inotify.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <map>
#include <vector>

#include "seccompd/base/unique_fd.h"

#include "node/disk.h"
#include "node/inotify_error.h"
#include "node/temporary_file.h"

namespace seccompd::node {
namespace {

// IN_MODIFY too: who writes may keep the file open for hours.
constexpr std::uint32_t kEvents = IN_MODIFY | IN_ATTRIB | IN_CLOSE_WRITE | IN_MOVED_TO |
                                  IN_MOVED_FROM | IN_CREATE | IN_DELETE | IN_DELETE_SELF |
                                  IN_MOVE_SELF;
constexpr std::size_t kBufferBytes = std::size_t{16} * 1024;
constexpr int kReadsAtOnce = 16;  // a storm must not keep Read for ever; the rest is read next time

class InotifyDriftWatch final : public DriftWatch {
 public:
  explicit InotifyDriftWatch(UniqueFd fd) : fd_(std::move(fd)), buffer_(kBufferBytes) {}

  Result<bool> Watch(const std::string& name, int descriptor) override {
    const std::string link = "/proc/self/fd/" + std::to_string(descriptor);
    const int watch = ::inotify_add_watch(fd_.get(), link.c_str(), kEvents | IN_ONLYDIR);
    if (watch < 0) return WatchError(errno, "cannot watch tenants/" + name);
    const auto known = watches_.find(name);
    if (known != watches_.end() && known->second == watch) return false;
    Forget(name);
    // The same directory under another name before: it was renamed.
    if (const auto old = names_.find(watch); old != names_.end()) watches_.erase(old->second);
    watches_[name] = watch;
    names_[watch] = name;
    return true;
  }

  void Forget(const std::string& name) override {
    const auto known = watches_.find(name);
    if (known == watches_.end()) return;
    static_cast<void>(::inotify_rm_watch(fd_.get(), known->second));
    names_.erase(known->second);
    watches_.erase(known);
  }

  int fd() const override { return fd_.get(); }

  Result<Changes> Read() override {
    Changes changes;
    for (int i = 0; i < kReadsAtOnce; ++i) {
      const ssize_t got = ::read(fd_.get(), buffer_.data(), buffer_.size());
      if (got < 0 && errno == EINTR) continue;
      if (got < 0 && errno == EAGAIN) break;
      if (got < 0) return ErrnoError(errno, "cannot read inotify events; watch anew");
      Sort(static_cast<std::size_t>(got), changes);
    }
    return changes;
  }

 private:
  void Sort(std::size_t bytes, Changes& changes) {
    for (std::size_t at = 0; at + sizeof(inotify_event) <= bytes;) {
      inotify_event event{};
      std::memcpy(&event, &buffer_[at], sizeof(event));
      const char* name = &buffer_[at + sizeof(event)];
      at += sizeof(event) + event.len;
      if ((event.mask & IN_Q_OVERFLOW) != 0) changes.overflow = true;
      const auto watched = names_.find(event.wd);
      if (watched == names_.end()) continue;
      if (event.len == 0) {
        changes.directories.insert(watched->second);
      } else if (std::string entry(name, ::strnlen(name, event.len)); !IsTemporaryName(entry)) {
        changes.entries.emplace(watched->second, std::move(entry));
      }
      if ((event.mask & IN_IGNORED) != 0) {  // the kernel has dropped the watch
        watches_.erase(watched->second);
        names_.erase(watched);
      }
    }
  }

  UniqueFd fd_;
  std::map<std::string, int> watches_;  // by name
  std::map<int, std::string> names_;    // the same, by watch descriptor
  std::vector<char> buffer_;
};

}  // namespace

Result<std::unique_ptr<DriftWatch>> DriftWatch::Open() {
  UniqueFd fd(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
  if (!fd.is_open()) return WatchError(errno, "cannot use inotify");
  return std::unique_ptr<DriftWatch>(std::make_unique<InotifyDriftWatch>(std::move(fd)));
}

}  // namespace seccompd::node
