// SPDX-License-Identifier: Apache-2.0
#pragma once
// Entries below tenants/ that may not be as they should, each once, and when to look: at once, or
// later and later for one that somebody keeps changing, so that a fight costs little. Bounded. Not
// thread-safe.

#include <chrono>
#include <cstddef>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace seccompd::agent {

class Suspects {
 public:
  using Time = std::chrono::steady_clock::time_point;
  static constexpr std::size_t kMost = 20'000;
  // So many repairs within the window are a fight; it is over when none was needed for as long.
  static constexpr std::size_t kFightRepairs = 3;
  static constexpr std::chrono::seconds kFightWindow{60};
  // Between two looks at a contested entry: doubles from the first to the last.
  static constexpr std::chrono::seconds kFirstPause{1};
  static constexpr std::chrono::seconds kLongestPause{10};

  // False: there are too many, look at everything instead.
  bool Add(const std::string& entry, Time now);
  // At most `most` whose time has come; they are no suspects any more.
  std::vector<std::string> TakeDue(Time now, std::size_t most);
  std::optional<Time> next_due() const;
  bool empty() const { return due_.empty(); }
  void Clear();  // what is contested stays so

  // It was put right. True: this made it contested.
  bool NoteRepair(const std::string& entry, Time now);
  // Drops what has been quiet for the window. True: a fight is over.
  bool EndFights(Time now);
  std::vector<std::string> contested() const;
  bool has_history() const { return !histories_.empty(); }  // EndFights may have something to do

 private:
  struct History {
    std::deque<Time> repairs;  // the last kFightRepairs
    bool is_contested = false;
    std::chrono::seconds pause{0};
    Time not_before;
  };
  std::map<std::string, History> histories_;  // of what was repaired within the window
  std::map<std::string, Time> waiting_;
  std::set<std::pair<Time, std::string>> due_;  // the same, by time
};

}  // namespace seccompd::agent
