// SPDX-License-Identifier: Apache-2.0
#pragma once
// What was found otherwise than written since the agent started, by kind, for reports. Thread-safe.

#include <chrono>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace seccompd::agent {

class DriftLedger {
 public:
  struct Kind {
    std::uint64_t count = 0;
    std::string last_entry;  // the newest of them
  };
  struct Contents {
    std::chrono::system_clock::time_point last;  // epoch: never
    std::map<std::string, Kind> kinds;
    std::vector<std::string> contested;  // entries that somebody keeps changing
    std::string unwatched;               // why inotify does not work; empty: it does
  };

  void Note(std::string_view kind, const std::string& entry,
            std::chrono::system_clock::time_point now) {
    const std::lock_guard lock(mutex_);
    Kind& row = contents_.kinds[std::string(kind)];
    ++row.count;
    row.last_entry = entry;
    contents_.last = now;
  }
  void SetContested(std::vector<std::string> entries) {
    const std::lock_guard lock(mutex_);
    contents_.contested = std::move(entries);
  }
  // True: that is news.
  bool SetUnwatched(const std::string& why) {
    const std::lock_guard lock(mutex_);
    if (contents_.unwatched == why) return false;
    contents_.unwatched = why;
    return true;
  }
  Contents contents() const {
    const std::lock_guard lock(mutex_);
    return contents_;
  }

 private:
  mutable std::mutex mutex_;  // guards contents_
  Contents contents_;
};

}  // namespace seccompd::agent
