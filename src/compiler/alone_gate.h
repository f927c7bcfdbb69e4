// SPDX-License-Identifier: Apache-2.0
#pragma once
// Lets any number of threads in together, or one alone, who is not kept waiting by newcomers
// (std::shared_mutex promises no such thing). Thread-safe.

#include <condition_variable>
#include <mutex>

namespace seccompd::compiler {

class AloneGate {
 public:
  void Enter(bool alone) {
    std::unique_lock lock(mutex_);
    if (!alone) {
      changed_.wait(lock, [&] { return alone_ == 0; });
      ++inside_;
      return;
    }
    ++alone_;
    changed_.wait(lock, [&] { return inside_ == 0; });
    ++inside_;
  }
  void Leave(bool alone) {
    {
      const std::lock_guard lock(mutex_);
      --inside_;
      if (alone) --alone_;
    }
    changed_.notify_all();
  }

 private:
  std::mutex mutex_;  // guards the counts
  std::condition_variable changed_;
  int inside_ = 0;
  int alone_ = 0;  // inside or waiting to be alone
};

}  // namespace seccompd::compiler
