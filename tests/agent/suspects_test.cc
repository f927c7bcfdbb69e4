// SPDX-License-Identifier: Apache-2.0
#include "seccompd/agent/suspects.h"

#include <gtest/gtest.h>

namespace seccompd::agent {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using Names = std::vector<std::string>;

class SuspectsTest : public ::testing::Test {
 protected:
  Suspects suspects_;
  Suspects::Time now_{std::chrono::hours(1)};
};

TEST_F(SuspectsTest, EachIsLookedAtOnceAndAtOnce) {
  for (int i = 0; i < 100; ++i) EXPECT_TRUE(suspects_.Add("a/x.json", now_));
  EXPECT_TRUE(suspects_.Add("a/y.json", now_));
  EXPECT_EQ(suspects_.next_due(), now_);
  EXPECT_EQ(suspects_.TakeDue(now_, 1), Names{"a/x.json"});
  EXPECT_EQ(suspects_.TakeDue(now_, 10), Names{"a/y.json"});
  EXPECT_TRUE(suspects_.empty());
}

TEST_F(SuspectsTest, TheThirdRepairWithinAMinuteIsAFightAndWaitsLongerAndLonger) {
  EXPECT_FALSE(suspects_.NoteRepair("a/x.json", now_));
  EXPECT_FALSE(suspects_.NoteRepair("a/x.json", now_ += seconds(20)));
  EXPECT_TRUE(suspects_.NoteRepair("a/x.json", now_ += seconds(20)));
  EXPECT_EQ(suspects_.contested(), Names{"a/x.json"});
  for (const int pause : {1, 2, 4, 8, 10, 10}) {
    EXPECT_TRUE(suspects_.Add("a/x.json", now_));
    EXPECT_TRUE(suspects_.TakeDue(now_ + seconds(pause) - milliseconds(1), 10).empty()) << pause;
    now_ += seconds(pause);
    EXPECT_EQ(suspects_.TakeDue(now_, 10), Names{"a/x.json"});
    EXPECT_FALSE(suspects_.NoteRepair("a/x.json", now_)) << "told once";
  }
  EXPECT_FALSE(suspects_.EndFights(now_ + seconds(59)));
  EXPECT_TRUE(suspects_.EndFights(now_ + seconds(60)));
  EXPECT_TRUE(suspects_.contested().empty());
  EXPECT_FALSE(suspects_.has_history());
}

TEST_F(SuspectsTest, ThreeRepairsOverALongerTimeAreNoFight) {
  for (int i = 0; i < 10; ++i) {
    EXPECT_FALSE(suspects_.NoteRepair("a/x.json", now_ += seconds(31)));
  }
  EXPECT_TRUE(suspects_.contested().empty());
}

TEST_F(SuspectsTest, IsBounded) {
  for (std::size_t i = 0; i < Suspects::kMost; ++i) {
    ASSERT_TRUE(suspects_.Add("a/" + std::to_string(i), now_));
  }
  EXPECT_FALSE(suspects_.Add("a/one-more", now_));
  EXPECT_TRUE(suspects_.Add("a/7", now_)) << "it is there";
  suspects_.Clear();
  EXPECT_TRUE(suspects_.Add("a/one-more", now_));
}

}  // namespace
}  // namespace seccompd::agent
