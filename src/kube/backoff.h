// SPDX-License-Identifier: Apache-2.0
#pragma once
// Exponential backoff with full jitter. Not thread-safe.

#include <algorithm>
#include <chrono>
#include <random>

namespace seccompd::kube {

class Backoff {
 public:
  using Duration = std::chrono::milliseconds;

  Backoff(Duration min, Duration max) : min_(min), max_(std::max(min, max)), cap_(min) {}

  // Somewhere between half the least and a cap that doubles with each call.
  Duration Next() {
    const Duration pause = Between(min_ / 2, cap_);
    cap_ = std::min(cap_ * 2, max_);
    return pause;
  }
  void Reset() { cap_ = min_; }

  Duration Between(Duration low, Duration high) {
    return Duration(std::uniform_int_distribution<Duration::rep>(
        low.count(), std::max(low, high).count())(random_));
  }

 private:
  const Duration min_, max_;
  Duration cap_;
  std::minstd_rand random_{std::random_device{}()};
};

}  // namespace seccompd::kube
