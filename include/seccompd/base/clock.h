// SPDX-License-Identifier: Apache-2.0
#pragma once
// The only source of time. Wall time is for people and the API (it may jump); steady time is for
// intervals and deadlines. RealClock is thread-safe.

#include <chrono>
#include <string>

namespace seccompd {

class Clock {
 public:
  virtual ~Clock() = default;
  virtual std::chrono::system_clock::time_point Now() const = 0;
  virtual std::chrono::steady_clock::time_point SteadyNow() const = 0;
};

class RealClock final : public Clock {
 public:
  std::chrono::system_clock::time_point Now() const override;
  std::chrono::steady_clock::time_point SteadyNow() const override;
};

// "2026-11-23T20:04:05Z", as metav1.Time; with_micros: "2026-11-23T20:04:05.000123Z", as
// metav1.MicroTime.
std::string FormatRfc3339(std::chrono::system_clock::time_point time, bool with_micros = false);

}  // namespace seccompd
