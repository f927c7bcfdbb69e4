// SPDX-License-Identifier: Apache-2.0
#include "kube/version.h"

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

}  // namespace
}  // namespace seccompd::kube
