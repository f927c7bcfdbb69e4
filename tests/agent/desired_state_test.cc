// SPDX-License-Identifier: Apache-2.0
#include "seccompd/agent/desired_state.h"

#include <gtest/gtest.h>

#include "fakes/manual_clock.h"

namespace seccompd::agent {
namespace {

class DesiredStateTest : public ::testing::Test {
 protected:
  static kube::Object Profile(const char* name, const char* uid = "u1",
                              std::string_view spec = "{}", std::int64_t generation = 1) {
    kube::Object object;
    object.name_space = "team";
    object.name = name;
    object.uid = uid;
    object.generation = generation;
    object.spec = spec;
    return object;
  }
  // Takes every due key off the queue.
  std::vector<std::string> Drain() {
    std::vector<std::string> keys;
    while (!queue_.idle()) {
      keys.push_back(*queue_.Get({}));
      queue_.Done(keys.back());
    }
    return keys;
  }
  using Keys = std::vector<std::string>;
  fakes::ManualClock clock_;
  WorkQueue queue_{clock_};
  DesiredState desired_{queue_, clock_, "context"};
};

TEST_F(DesiredStateTest, QueuesAChangeOnceAndHandsItsTextOver) {
  desired_.Upsert(Profile("a", "u1", R"({"x":1})"));
  desired_.Upsert(Profile("a", "u1", R"({"x":1})"));
  EXPECT_EQ(Drain(), Keys{"team/a"});
  const auto work = desired_.Take("team/a");
  ASSERT_TRUE(work.has_value());
  EXPECT_EQ(work->spec, R"({"x":1})");
  EXPECT_EQ(work->desired.input_digest, InputDigest("context", "u1", R"({"x":1})"));
  EXPECT_EQ(desired_.pending_bytes(), 0U);
  desired_.Upsert(Profile("a", "u1", R"({"x":1})"));
  EXPECT_TRUE(Drain().empty()) << "the same again is no change";
}

TEST_F(DesiredStateTest, AnEventOlderThanWhatAWorkerFetchedIsIgnoredUntilTheNextList) {
  desired_.Upsert(Profile("a", "u1", "{1}", 1));
  desired_.Fetched("team/a", "u1", 3);
  Drain();
  desired_.Upsert(Profile("a", "u1", "{2}", 2));
  EXPECT_TRUE(Drain().empty());
  desired_.Upsert(Profile("a", "u1", "{3}", 3));
  EXPECT_EQ(Drain(), Keys{"team/a"});
  desired_.Fetched("team/a", "u1", 9);
  desired_.ListStarted();
  desired_.Upsert(Profile("a", "u1", "{2}", 2));  // a server that went back in time
  desired_.ListFinished("10", true);
  EXPECT_EQ(Drain(), Keys{"team/a"});
}

TEST_F(DesiredStateTest, OtherUidWithTheSameSpecIsAChange) {
  desired_.Upsert(Profile("a", "u1"));
  Drain();
  desired_.Upsert(Profile("a", "u2"));
  EXPECT_EQ(Drain(), Keys{"team/a"});
}

TEST_F(DesiredStateTest, ACompleteListMarksTheUnseenAbsentAndKeepsTheSeen) {
  desired_.Upsert(Profile("a"));
  desired_.Upsert(Profile("b"));
  Drain();
  desired_.ListStarted();
  desired_.Upsert(Profile("a"));
  desired_.ListFinished("10", true);
  EXPECT_EQ(Drain(), Keys{"team/b"});
  EXPECT_TRUE(desired_.IsAbsent("team/b"));
  EXPECT_FALSE(desired_.IsAbsent("team/a"));
  EXPECT_EQ(desired_.size(), 1U);
}

TEST_F(DesiredStateTest, AnIncompleteOrAbortedListMarksNothing) {
  desired_.Upsert(Profile("a"));
  Drain();
  desired_.ListStarted();
  desired_.ListAborted();
  desired_.ListStarted();
  desired_.ListFinished("11", false);
  EXPECT_FALSE(desired_.IsAbsent("team/a"));
  EXPECT_TRUE(desired_.synced());
}

TEST_F(DesiredStateTest, ADeletedEventOfAnOlderObjectIsIgnored) {
  desired_.Upsert(Profile("a", "new"));
  Drain();
  desired_.Deleted(Profile("a", "old"));
  EXPECT_FALSE(desired_.IsAbsent("team/a"));
  desired_.Deleted(Profile("a", "new"));
  EXPECT_TRUE(desired_.IsAbsent("team/a"));
}

TEST_F(DesiredStateTest, AReturnEndsAbsence) {
  desired_.Upsert(Profile("a"));
  desired_.Deleted(Profile("a"));
  Drain();
  desired_.Upsert(Profile("a"));
  EXPECT_FALSE(desired_.IsAbsent("team/a"));
  EXPECT_EQ(Drain(), Keys{"team/a"}) << "its state is Deleting and must be put right";
  desired_.Forget("team/a");
  EXPECT_FALSE(desired_.IsAbsent("team/a")) << "a present key is not forgotten";
}

TEST_F(DesiredStateTest, TextsBeyondTheBudgetAreDroppedNotTheKeys) {
  const std::string big(DesiredState::kMaxPendingBytes / 2 + 1, 'x');
  desired_.Upsert(Profile("a", "u", big));
  desired_.Upsert(Profile("b", "u", big));
  EXPECT_EQ(Drain().size(), 2U);
  EXPECT_TRUE(desired_.Take("team/a")->spec.has_value());
  EXPECT_FALSE(desired_.Take("team/b")->spec.has_value());
  EXPECT_EQ(desired_.pending_bytes(), 0U);
}

TEST_F(DesiredStateTest, SeedMakesTheRecordsObjectsKnownWithoutWork) {
  node::Record record;
  record.resource_version = "77";
  node::RecordEntry& known = record.entries["team/a"];
  known.uid = "u1";
  known.desired_generation = 3;
  known.input_digest = InputDigest("context", "u1", "{}");
  known.state = "Installed";
  record.entries["team/gone"].state = "Deleting";
  desired_.Seed(record);
  EXPECT_EQ(Drain(), Keys{"team/gone"}) << "its grace starts anew";
  EXPECT_FALSE(desired_.synced());
  desired_.Upsert(Profile("a", "u1", "{}", 3));
  EXPECT_TRUE(Drain().empty());
  desired_.Progress("80");
  EXPECT_TRUE(desired_.synced());
  EXPECT_EQ(desired_.delivered_version(), "80");
}

TEST_F(DesiredStateTest, ANewGenerationOfTheSameSpecIsQueuedWithoutText) {
  desired_.Upsert(Profile("a", "u1", "{}", 1));
  Drain();
  (void)desired_.Take("team/a");
  desired_.Upsert(Profile("a", "u1", "{}", 9));
  EXPECT_EQ(Drain(), Keys{"team/a"});
  EXPECT_EQ(desired_.Take("team/a")->desired.generation, 9);
}

TEST_F(DesiredStateTest, IntentDigestIsEqualForEqualKnowledgeWhateverTheOrder) {
  DesiredState other(queue_, clock_, "other context");
  desired_.Upsert(Profile("a"));
  desired_.Upsert(Profile("b"));
  other.Upsert(Profile("b"));
  other.Upsert(Profile("a"));
  EXPECT_EQ(desired_.IntentDigest(), other.IntentDigest());
  other.Upsert(Profile("a", "u1", "{}", 2));
  EXPECT_NE(desired_.IntentDigest(), other.IntentDigest());
}

TEST_F(DesiredStateTest, VerifyAllQueuesTheUnchangedAtTheNextListOnly) {
  desired_.Upsert(Profile("a"));
  Drain();
  desired_.VerifyAllAtNextList();
  desired_.ListStarted();
  desired_.Upsert(Profile("a"));
  desired_.ListFinished("5", true);
  EXPECT_EQ(Drain(), Keys{"team/a"});
  EXPECT_TRUE(desired_.Take("team/a")->verify);
  desired_.ListStarted();
  desired_.Upsert(Profile("a"));
  desired_.ListFinished("6", true);
  EXPECT_TRUE(Drain().empty());
}

}  // namespace
}  // namespace seccompd::agent
