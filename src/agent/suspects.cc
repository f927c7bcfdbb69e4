// SPDX-License-Identifier: Apache-2.0
#include "seccompd/agent/suspects.h"

#include <algorithm>

namespace seccompd::agent {

bool Suspects::Add(const std::string& entry, Time now) {
  if (waiting_.contains(entry)) return true;
  if (waiting_.size() >= kMost) return false;
  const auto history = histories_.find(entry);
  const Time due = history == histories_.end() ? now : std::max(now, history->second.not_before);
  waiting_.emplace(entry, due);
  due_.emplace(due, entry);
  return true;
}

std::vector<std::string> Suspects::TakeDue(Time now, std::size_t most) {
  std::vector<std::string> taken;
  while (taken.size() < most && !due_.empty() && due_.begin()->first <= now) {
    taken.push_back(due_.begin()->second);
    waiting_.erase(taken.back());
    due_.erase(due_.begin());
  }
  return taken;
}

std::optional<Suspects::Time> Suspects::next_due() const {
  if (due_.empty()) return std::nullopt;
  return due_.begin()->first;
}

void Suspects::Clear() {
  waiting_.clear();
  due_.clear();
}

bool Suspects::NoteRepair(const std::string& entry, Time now) {
  if (histories_.size() >= kMost && !histories_.contains(entry)) return false;
  History& history = histories_[entry];
  history.repairs.push_back(now);
  if (history.repairs.size() > kFightRepairs) history.repairs.pop_front();
  if (history.is_contested) {
    history.pause = std::min(history.pause * 2, kLongestPause);
    history.not_before = now + history.pause;
    return false;
  }
  if (history.repairs.size() < kFightRepairs || now - history.repairs.front() > kFightWindow) {
    return false;
  }
  history.is_contested = true;
  history.pause = kFirstPause;
  history.not_before = now + history.pause;
  return true;
}

bool Suspects::EndFights(Time now) {
  bool ended = false;
  std::erase_if(histories_, [&](const auto& row) {
    const bool quiet = now - row.second.repairs.back() >= kFightWindow;
    ended = ended || (quiet && row.second.is_contested);
    return quiet;
  });
  return ended;
}

std::vector<std::string> Suspects::contested() const {
  std::vector<std::string> names;
  for (const auto& [entry, history] : histories_) {
    if (history.is_contested) names.push_back(entry);
  }
  return names;
}

}  // namespace seccompd::agent
