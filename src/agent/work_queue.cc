// SPDX-License-Identifier: Apache-2.0
#include "seccompd/agent/work_queue.h"

#include <algorithm>

namespace seccompd::agent {
namespace {

constexpr std::chrono::milliseconds kFirstBackoff{250};
constexpr std::chrono::milliseconds kMaxBackoff = std::chrono::minutes(5);
constexpr std::size_t kShare = 4;

}  // namespace

void WorkQueue::Add(const std::string& key) {
  const std::lock_guard lock(mutex_);
  AddLocked(key);
}

void WorkQueue::AddLocked(const std::string& key) {
  delayed_.erase(key);
  if (!queued_.insert(key).second) return;
  if (working_.contains(key)) return;  // Done() puts it in line
  due_.push_back(key);
  ready_.notify_one();
}

void WorkQueue::AddAfter(const std::string& key, std::chrono::milliseconds delay) {
  const std::lock_guard lock(mutex_);
  if (delay <= std::chrono::milliseconds(0)) {
    AddLocked(key);
    return;
  }
  if (queued_.contains(key)) return;
  const auto due = clock_.SteadyNow() + delay;
  const auto [it, fresh] = delayed_.emplace(key, due);
  if (!fresh) it->second = std::min(it->second, due);
  ready_.notify_one();  // a sleeper may have to wake sooner
}

std::chrono::milliseconds WorkQueue::AddRateLimited(const std::string& key) {
  std::chrono::milliseconds delay{};
  {
    const std::lock_guard lock(mutex_);
    const int failures = std::min(failures_[key]++, 20);
    const auto full = std::min(kFirstBackoff * (1 << failures), kMaxBackoff);
    std::uniform_int_distribution<std::int64_t> spread(full.count() / 2, full.count());
    delay = std::chrono::milliseconds(spread(random_));
  }
  AddAfter(key, delay);
  return delay;
}

void WorkQueue::Forget(const std::string& key) {
  const std::lock_guard lock(mutex_);
  failures_.erase(key);
}

void WorkQueue::PromoteDueLocked() {
  const auto now = clock_.SteadyNow();
  for (auto it = delayed_.begin(); it != delayed_.end();) {
    if (it->second > now) {
      ++it;
      continue;
    }
    const std::string key = it->first;
    it = delayed_.erase(it);
    AddLocked(key);
  }
}

std::optional<std::string> WorkQueue::Get(std::stop_token stop) {
  std::unique_lock lock(mutex_);
  while (!stop.stop_requested()) {
    PromoteDueLocked();
    if (!due_.empty()) {
      return TakeFrontLocked();
    }
    if (delayed_.empty()) {
      ready_.wait(lock, stop, [this] { return !due_.empty() || !delayed_.empty(); });
      continue;
    }
    const auto next =
        std::min_element(delayed_.begin(), delayed_.end(), [](const auto& a, const auto& b) {
          return a.second < b.second;
        })->second;
    const auto pause = next - clock_.SteadyNow();
    ready_.wait_for(lock, stop, pause, [this, next] {
      return !due_.empty() || std::any_of(delayed_.begin(), delayed_.end(),
                                          [next](const auto& d) { return d.second < next; });
    });
  }
  return std::nullopt;
}

std::string WorkQueue::TakeFrontLocked() {
  std::string key = std::move(due_.front());
  due_.pop_front();
  queued_.erase(key);
  working_.insert(key);
  return key;
}

std::vector<std::string> WorkQueue::TakeNext(std::string_view prefix, std::size_t most) {
  const std::lock_guard lock(mutex_);
  most = std::min(most, due_.size() / kShare);
  std::vector<std::string> keys;
  while (keys.size() < most && due_.front().starts_with(prefix)) keys.push_back(TakeFrontLocked());
  return keys;
}

void WorkQueue::Done(const std::string& key) {
  const std::lock_guard lock(mutex_);
  working_.erase(key);
  if (queued_.contains(key)) {
    due_.push_back(key);
    ready_.notify_one();
  }
}

std::size_t WorkQueue::depth() const {
  const std::lock_guard lock(mutex_);
  return queued_.size() + working_.size();
}

}  // namespace seccompd::agent
