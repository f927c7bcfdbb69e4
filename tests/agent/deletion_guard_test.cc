// SPDX-License-Identifier: Apache-2.0
#include "seccompd/agent/deletion_guard.h"

#include <gtest/gtest.h>

#include "fakes/manual_clock.h"

namespace seccompd::agent {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;

class DeletionGuardTest : public ::testing::Test {
 protected:
  DeletionGuard::Answer Ask(std::size_t files, std::size_t absent) {
    return guard_.Ask({clock_.SteadyNow(), files, absent, recorded_, current_});
  }
  fakes::ManualClock clock_;
  DeletionGuard guard_{seconds(60)};
  SourceIdentity recorded_{"cluster-1", "crd-1", false};
  SourceIdentity current_{"cluster-1", "crd-1", false};
};

TEST_F(DeletionGuardTest, LetsTenGoWhateverTheirShare) { EXPECT_TRUE(Ask(10, 10).go); }

TEST_F(DeletionGuardTest, LetsAFifthOfManyGo) {
  EXPECT_TRUE(Ask(1000, 200).go);
  EXPECT_FALSE(Ask(1000, 201).go);
}

TEST_F(DeletionGuardTest, CountsWhatTheWindowHasRemovedAlready) {
  for (int i = 0; i < 10; ++i) {
    ASSERT_TRUE(Ask(20, 1).go);
    guard_.Removed(clock_.SteadyNow());
  }
  EXPECT_FALSE(Ask(10, 1).go) << "ten of twenty went within the window";
  clock_.Advance(minutes(2));
  EXPECT_TRUE(Ask(10, 1).go) << "a new window";
}

TEST_F(DeletionGuardTest, GoesOnAfterFifteenMinutesOfTheSameCrd) {
  const auto held = Ask(100, 100);
  ASSERT_FALSE(held.go);
  EXPECT_NE(held.reason.find("100 of 100"), std::string::npos);
  EXPECT_FALSE(guard_.held().empty());
  clock_.Advance(minutes(14));
  EXPECT_FALSE(Ask(100, 100).go);
  clock_.Advance(minutes(2));
  EXPECT_TRUE(Ask(100, 100).go);
  EXPECT_TRUE(guard_.held().empty());
}

TEST_F(DeletionGuardTest, EachCauseIsNewsOnce) {
  EXPECT_TRUE(Ask(100, 100).is_news);
  EXPECT_FALSE(Ask(100, 99).is_news);
  current_.terminating = true;
  EXPECT_TRUE(Ask(100, 99).is_news);
  current_ = {"cluster-2", "crd-1", false};
  EXPECT_TRUE(Ask(100, 99).is_news);
  EXPECT_FALSE(Ask(100, 98).is_news);
}

TEST_F(DeletionGuardTest, ReturnedObjectsEndTheHold) {
  ASSERT_FALSE(Ask(100, 100).go);
  clock_.Advance(minutes(5));
  EXPECT_TRUE(Ask(100, 3).go);
  clock_.Advance(minutes(11));
  EXPECT_FALSE(Ask(100, 100).go) << "a new mass deletion waits its own 15 minutes";
}

TEST_F(DeletionGuardTest, ARecreatedCrdHoldsEvenOneFileUntilItIsOld) {
  current_.crd_uid = "crd-2";
  EXPECT_FALSE(Ask(100, 1).go);
  clock_.Advance(minutes(16));
  EXPECT_TRUE(Ask(100, 1).go);
}

TEST_F(DeletionGuardTest, ATerminatingCrdHoldsForAsLongAsItTakes) {
  current_.terminating = true;
  EXPECT_FALSE(Ask(100, 1).go);
  clock_.Advance(minutes(60));
  EXPECT_FALSE(Ask(100, 1).go);
}

TEST_F(DeletionGuardTest, AnotherClusterNeverRemoves) {
  current_.cluster = "cluster-2";
  EXPECT_FALSE(Ask(100, 1).go);
  clock_.Advance(std::chrono::hours(48));
  EXPECT_FALSE(Ask(100, 1).go);
}

TEST_F(DeletionGuardTest, ACrdThatChangesDuringTheHoldStartsItAnew) {
  ASSERT_FALSE(Ask(100, 100).go);
  clock_.Advance(minutes(14));
  current_.crd_uid = "crd-2";
  ASSERT_FALSE(Ask(100, 100).go);
  clock_.Advance(minutes(2));
  EXPECT_FALSE(Ask(100, 100).go);
  clock_.Advance(minutes(14));
  EXPECT_TRUE(Ask(100, 100).go);
}

}  // namespace
}  // namespace seccompd::agent
