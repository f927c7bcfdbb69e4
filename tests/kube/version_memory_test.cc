// SPDX-License-Identifier: Apache-2.0
#include "kube/version_memory.h"

#include <gtest/gtest.h>

namespace seccompd::kube {
namespace {

TEST(IsOlderVersionTest, ComparesDecimalsOnly) {
  EXPECT_TRUE(IsOlderVersion("9", "10"));
  EXPECT_FALSE(IsOlderVersion("10", "9"));
  EXPECT_FALSE(IsOlderVersion("10", "10"));
  EXPECT_FALSE(IsOlderVersion("010", "10"));
  EXPECT_TRUE(IsOlderVersion("99999999999999999999998", "99999999999999999999999"));
  EXPECT_FALSE(IsOlderVersion("", "10"));
  EXPECT_FALSE(IsOlderVersion("5", ""));
  EXPECT_FALSE(IsOlderVersion("5", "x"));
}

TEST(VersionMemoryTest, ComparesWithWhatWasKnownAMinuteAgo) {
  const VersionMemory::TimePoint start{std::chrono::hours(1)};
  VersionMemory memory;
  memory.Set("100", start);
  EXPECT_FALSE(memory.IsBehindUs("90", start + std::chrono::seconds(1)));
  EXPECT_TRUE(memory.IsBehindUs("90", start + std::chrono::seconds(61)));
  EXPECT_FALSE(memory.IsBehindUs("100", start + std::chrono::seconds(61)));
  EXPECT_FALSE(memory.IsBehindUs("101", start + std::chrono::seconds(61)));
}

TEST(VersionMemoryTest, StillComparesWhenVersionsComeAllTheTime) {
  const VersionMemory::TimePoint start{std::chrono::hours(1)};
  VersionMemory memory;
  for (int i = 0; i < 300; ++i)
    memory.Set(std::to_string(1000 + i), start + std::chrono::seconds(i));
  const auto now = start + std::chrono::seconds(300);
  EXPECT_FALSE(memory.IsBehindUs("1295", now)) << "an answer that was overtaken";
  EXPECT_TRUE(memory.IsBehindUs("900", now));
  memory.Clear();
  EXPECT_FALSE(memory.IsBehindUs("900", now));
}

}  // namespace
}  // namespace seccompd::kube
