// SPDX-License-Identifier: Apache-2.0
#pragma once
// The wall between noticing and doing, as client-go's: who notices only adds a key; a key is with
// one worker at a time, and one added meanwhile comes again afterwards, once. Failures come back
// after a backoff of their own (exponential per key, with jitter). Thread-safe.

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <map>
#include <mutex>
#include <optional>
#include <random>
#include <set>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "seccompd/base/clock.h"

namespace seccompd::agent {

class WorkQueue {
 public:
  explicit WorkQueue(const Clock& clock) : clock_(clock) {}

  void Add(const std::string& key);
  // Also when the key is with a worker or was asked for sooner: the soonest time wins.
  void AddAfter(const std::string& key, std::chrono::milliseconds delay);
  // After the key's own backoff: 250 ms, doubling up to 5 min, each drawn from [1/2, 1] of it.
  // Returns it.
  std::chrono::milliseconds AddRateLimited(const std::string& key);
  // It went well: the backoff starts afresh.
  void Forget(const std::string& key);

  // Blocks until a key is due; nothing once stop is requested. Done(key) must follow.
  std::optional<std::string> Get(std::stop_token stop);
  void Done(const std::string& key);
  // The keys next in line, as long as they begin with `prefix`: at most `most`, and at most a
  // fourth of the line, so that the other workers have work too. Does not wait. Done() must follow
  // for each.
  std::vector<std::string> TakeNext(std::string_view prefix, std::size_t most);

  // Keys that are due or with a worker; those that wait for their time are not counted.
  std::size_t depth() const;
  bool idle() const { return depth() == 0; }

 private:
  void AddLocked(const std::string& key);
  void PromoteDueLocked();
  std::string TakeFrontLocked();

  const Clock& clock_;
  mutable std::mutex mutex_;  // guards all below
  std::condition_variable_any ready_;
  std::deque<std::string> due_;
  std::set<std::string> queued_;  // in due_, or to come again after Done
  std::set<std::string> working_;
  std::map<std::string, std::chrono::steady_clock::time_point> delayed_;
  std::map<std::string, int> failures_;
  std::minstd_rand random_{std::random_device{}()};
};

}  // namespace seccompd::agent
