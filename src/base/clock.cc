// SPDX-License-Identifier: Apache-2.0
#include "seccompd/base/clock.h"

#include <array>
#include <cstdio>
#include <ctime>

namespace seccompd {

std::chrono::system_clock::time_point RealClock::Now() const {
  return std::chrono::system_clock::now();
}

std::chrono::steady_clock::time_point RealClock::SteadyNow() const {
  return std::chrono::steady_clock::now();
}

std::string FormatRfc3339(std::chrono::system_clock::time_point time, bool with_micros) {
  const auto whole = std::chrono::floor<std::chrono::seconds>(time);
  const auto micros = std::chrono::duration_cast<std::chrono::microseconds>(time - whole);
  const std::time_t seconds = std::chrono::system_clock::to_time_t(whole);
  std::tm parts{};
  ::gmtime_r(&seconds, &parts);
  std::array<char, 40> text{};
  std::size_t length = std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%S", &parts);
  std::string out(text.data(), length);
  if (with_micros) {
    std::array<char, 16> fraction{};
    const int n =
        std::snprintf(fraction.data(), fraction.size(), ".%06lld",
                      static_cast<long long>(micros.count()));  // NOLINT(google-runtime-int)
    out.append(fraction.data(), static_cast<std::size_t>(n));
  }
  return out + "Z";
}

}  // namespace seccompd
