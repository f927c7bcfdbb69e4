// SPDX-License-Identifier: Apache-2.0
#include "seccompd/node/drift_watch.h"

#include <sys/inotify.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstdint>
#include <cstring>
#include <map>
#include <unordered_map>
#include <utility>
#include <vector>

#include "seccompd/base/unique_fd.h"
#include "seccompd/node/directory_watch.h"

#include "node/disk.h"
#include "node/inotify_error.h"
#include "node/temporary_file.h"

namespace seccompd::node {
namespace {

// IN_MODIFY too: who writes may keep the file open for hours.
constexpr std::uint32_t kEvents = IN_MODIFY | IN_ATTRIB | IN_CLOSE_WRITE | IN_MOVED_TO |
                                  IN_MOVED_FROM | IN_CREATE | IN_DELETE | IN_DELETE_SELF |
                                  IN_MOVE_SELF;
// Of a file itself: its link count, or what is written to it under any name.
constexpr std::uint32_t kFileEvents = IN_MODIFY | IN_ATTRIB;
constexpr std::size_t kBufferBytes = std::size_t{16} * 1024;
constexpr int kReadsAtOnce = 16;  // a storm must not keep Read for ever; the rest is read next time

class InotifyDriftWatch final : public DriftWatch {
 public:
  InotifyDriftWatch(UniqueFd fd, std::size_t limit)
      : fd_(std::move(fd)), limit_(limit), buffer_(kBufferBytes) {}

  Result<bool> Watch(const std::string& name, int descriptor) override {
    const std::string link = "/proc/self/fd/" + std::to_string(descriptor);
    const int watch = ::inotify_add_watch(fd_.get(), link.c_str(), kEvents | IN_ONLYDIR);
    if (watch < 0) return WatchError(errno, "cannot watch tenants/" + name);
    const auto known = watches_.find({name, ""});
    if (known != watches_.end() && known->second == watch) return false;
    Forget(name);
    Keep({name, ""}, watch);
    return true;
  }

  Result<void> WatchFile(const std::string& name, int descriptor,
                         const std::string& entry) override {
    const std::string link = "/proc/self/fd/" + std::to_string(descriptor) + "/" + entry;
    const int watch = ::inotify_add_watch(fd_.get(), link.c_str(), kFileEvents | IN_DONT_FOLLOW);
    if (watch < 0) {
      if (errno != ENOSPC) return {};
      return WatchError(errno, "cannot watch tenants/" + name + "/" + entry);
    }
    const Place place{name, entry};
    const auto known = watches_.find(place);
    if (known != watches_.end() && known->second == watch) return {};
    Drop(place);
    Keep(place, watch);
    if (watches_.size() <= limit_) return {};
    Drop(place);
    return Error{ErrorCode::kTransient,
                 "seccompd takes at most " + std::to_string(limit_) +
                     " inotify watches, a quarter of what this node allows; raise "
                     "fs.inotify.max_user_watches (sysctl)"};
  }

  void Forget(const std::string& name) override { Drop({name, ""}); }

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
  using Place = std::pair<std::string, std::string>;  // directory and entry; "": the directory

  void Keep(const Place& place, int watch) {
    // The same one under another name before: it was renamed.
    if (const auto old = places_.find(watch); old != places_.end()) watches_.erase(old->second);
    watches_[place] = watch;
    places_[watch] = place;
  }

  void Drop(const Place& place) {
    const auto known = watches_.find(place);
    if (known == watches_.end()) return;
    static_cast<void>(::inotify_rm_watch(fd_.get(), known->second));
    places_.erase(known->second);
    watches_.erase(known);
  }

  void Sort(std::size_t bytes, Changes& changes) {
    for (std::size_t at = 0; at + sizeof(inotify_event) <= bytes;) {
      inotify_event event{};
      std::memcpy(&event, &buffer_[at], sizeof(event));
      const char* name = &buffer_[at + sizeof(event)];
      at += sizeof(event) + event.len;
      if ((event.mask & IN_Q_OVERFLOW) != 0) changes.overflow = true;
      const auto watched = places_.find(event.wd);
      if (watched == places_.end()) continue;
      const auto& [directory, file] = watched->second;
      if (!file.empty()) {
        changes.entries.emplace(directory, file);
      } else if (event.len == 0) {
        changes.directories.insert(directory);
      } else if (std::string entry(name, ::strnlen(name, event.len)); !IsTemporaryName(entry)) {
        changes.entries.emplace(directory, std::move(entry));
      }
      if ((event.mask & IN_IGNORED) != 0) {  // the kernel has dropped the watch
        watches_.erase(watched->second);
        places_.erase(watched);
      }
    }
  }

  UniqueFd fd_;
  const std::size_t limit_;  // of files; directories are always watched
  std::map<Place, int> watches_;
  std::unordered_map<int, Place> places_;  // the same, by watch descriptor
  std::vector<char> buffer_;
};

// The user's watches are shared with the kubelet, the runtime and whoever else is root.
std::size_t FileWatchLimit() {
  std::size_t allowed = 8192;  // what small nodes have
  const auto text = ReadSmallFile("/proc/sys/fs/inotify/max_user_watches", 64);
  if (text.ok()) std::from_chars(text->data(), text->data() + text->size(), allowed);
  return allowed / 4;
}

}  // namespace

Result<std::unique_ptr<DriftWatch>> DriftWatch::Open() {
  UniqueFd fd(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
  if (!fd.is_open()) return WatchError(errno, "cannot use inotify");
  return std::unique_ptr<DriftWatch>(
      std::make_unique<InotifyDriftWatch>(std::move(fd), FileWatchLimit()));
}

}  // namespace seccompd::node
