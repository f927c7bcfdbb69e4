// SPDX-License-Identifier: Apache-2.0
#include "seccompd/base/clock.h"

#include <gtest/gtest.h>

namespace seccompd {
namespace {

TEST(ClockTest, FormatsAsKubernetesDoes) {
  const auto time = std::chrono::system_clock::time_point(std::chrono::seconds(1700000000) +
                                                          std::chrono::microseconds(42));
  EXPECT_EQ(FormatRfc3339(time), "2023-11-14T22:13:20Z");
  EXPECT_EQ(FormatRfc3339(time, true), "2023-11-14T22:13:20.000042Z");
}

TEST(ClockTest, FormatsTimesBeforeTheEpoch) {
  EXPECT_EQ(
      FormatRfc3339(std::chrono::system_clock::time_point(std::chrono::microseconds(-1)), true),
      "1969-12-31T23:59:59.999999Z");
}

}  // namespace
}  // namespace seccompd
