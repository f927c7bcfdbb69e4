// SPDX-License-Identifier: Apache-2.0
#pragma once
// A clock that a test moves by hand. Thread-safe.

#include <atomic>
#include <chrono>

#include "seccompd/base/clock.h"

namespace seccompd::fakes {

class ManualClock final : public Clock {
 public:
  std::chrono::system_clock::time_point Now() const override {
    return std::chrono::system_clock::time_point(std::chrono::seconds(1'700'000'000)) +
           passed_.load();
  }
  std::chrono::steady_clock::time_point SteadyNow() const override {
    return std::chrono::steady_clock::time_point(std::chrono::hours(100)) + passed_.load();
  }
  void Advance(std::chrono::milliseconds by) { passed_ = passed_.load() + by; }

 private:
  std::atomic<std::chrono::milliseconds> passed_{std::chrono::milliseconds(0)};
};

}  // namespace seccompd::fakes
