// SPDX-License-Identifier: Apache-2.0
// The reflector's way of working, with a server that does as it should.
#include "seccompd/kube/reflector.h"

#include <gtest/gtest.h>

#include "kube/reflector_fixture.h"

namespace seccompd::kube {
namespace {

using fakes::FakeCluster;
using fakes::FakeReply;
using fakes::FakeRequest;
using Json = nlohmann::json;

class ReflectorTest : public ReflectorFixture {};

TEST_F(ReflectorTest, ListsThenWatches) {
  Put("one");
  Put("two");
  Start();
  ASSERT_TRUE(sink_.AwaitLive({"a/one", "a/two"})) << observer_.text();
  ASSERT_TRUE(cluster_.AwaitWatches(1));
  Put("three", "héllo \" \\ {");
  ASSERT_TRUE(sink_.AwaitLive({"a/one", "a/two", "a/three"}));
  EXPECT_EQ(Json::parse(sink_.spec("a/three")), Profile("a", "three", "héllo \" \\ {")["spec"]);
  cluster_.Delete(options_.path, "a", "one");
  ASSERT_TRUE(sink_.AwaitLive({"a/two", "a/three"}));
  ASSERT_TRUE(sink_.AwaitVersion(cluster_.resource_version()));
  EXPECT_TRUE(reflector_->connected());
  EXPECT_EQ(CountRequests("limit=500&resourceVersion=0"), 1U);
  EXPECT_EQ(CountRequests("allowWatchBookmarks=true&timeoutSeconds="), 1U);
  EXPECT_TRUE(observer_.troubles().empty()) << observer_.text();
}

TEST_F(ReflectorTest, AnEmptyListIsAList) {
  Start();
  ASSERT_TRUE(sink_.AwaitCall("listed "));
  Put("one");
  EXPECT_TRUE(sink_.AwaitLive({"a/one"}));
}

TEST_F(ReflectorTest, ResumesWithoutAList) {
  Put("old");
  options_.resource_version = cluster_.resource_version();
  Put("new");
  Start();
  ASSERT_TRUE(sink_.AwaitLive({"a/new"})) << observer_.text();
  EXPECT_EQ(sink_.count("list"), 0);
  EXPECT_EQ(cluster_.requests().size(), 1U);
}

TEST_F(ReflectorTest, ListsWhenTheRecordedVersionIsTooOld) {
  Put("one");
  options_.resource_version = cluster_.resource_version();
  cluster_.Compact();
  options_.jitter_first_list = true;
  Start();
  ASSERT_TRUE(sink_.AwaitLive({"a/one"})) << observer_.text();
  ASSERT_TRUE(observer_.AwaitNote("relisting: "));
  EXPECT_TRUE(observer_.troubles().empty()) << "too old is no trouble";
}

TEST_F(ReflectorTest, ABookmarkMovesTheVersion) {
  Put("one");
  Start();
  ASSERT_TRUE(sink_.AwaitLive({"a/one"}));
  ASSERT_TRUE(cluster_.AwaitWatches(1));
  cluster_.SkipVersions(1000);
  cluster_.SendBookmark(options_.path);
  ASSERT_TRUE(sink_.AwaitVersion(cluster_.resource_version()));
  cluster_.EndWatches();
  ASSERT_TRUE(cluster_.AwaitRequests("resourceVersion=" + cluster_.resource_version(), 1));
  EXPECT_EQ(sink_.count("list"), 1);
}

TEST_F(ReflectorTest, AWatchThatTheServerEndsGoesOnFromItsLastVersion) {
  Put("one");
  Start();
  ASSERT_TRUE(sink_.AwaitLive({"a/one"}));
  for (std::size_t i = 0; i < 3; ++i) {
    ASSERT_TRUE(cluster_.AwaitWatches(1));
    cluster_.EndWatches();
    ASSERT_TRUE(cluster_.AwaitRequests("watch=true", i + 2));
  }
  Put("two");
  EXPECT_TRUE(sink_.AwaitLive({"a/one", "a/two"}));
  EXPECT_EQ(sink_.count("list"), 1);
  EXPECT_TRUE(observer_.troubles().empty()) << observer_.text();
}

TEST_F(ReflectorTest, FollowsContinue) {
  std::set<std::string> all;
  for (int i = 0; i < 1203; ++i) {
    Put("p" + std::to_string(i));
    all.insert("a/p" + std::to_string(i));
  }
  cluster_.PageCachedLists(true);
  Start();
  ASSERT_TRUE(sink_.AwaitLive(all)) << observer_.text();
  EXPECT_EQ(CountRequests("continue="), 2U);
  EXPECT_EQ(sink_.count("list"), 1);
  EXPECT_EQ(sink_.count("listed "), 1);
}

TEST_F(ReflectorTest, AnExpiredContinueLeadsToAListInOnePiece) {
  std::set<std::string> all;
  for (int i = 0; i < 700; ++i) {
    Put("p" + std::to_string(i));
    all.insert("a/p" + std::to_string(i));
  }
  cluster_.PageCachedLists(true);
  cluster_.NextTime("continue=", [](const FakeRequest&, FakeReply& reply) {
    reply.Send(
        410, FakeCluster::StatusBody(410, "Expired", "the provided continue parameter is too old"));
  });
  Start();
  ASSERT_TRUE(sink_.AwaitLive(all)) << observer_.text();
  EXPECT_EQ(sink_.count("aborted"), 1);
  const auto requests = cluster_.requests();
  EXPECT_NE(std::find(requests.begin(), requests.end(), "GET " + options_.path), requests.end());
}

TEST_F(ReflectorTest, ASecond410ListsUnpaged) {
  Put("one");
  options_.resource_version = "5";
  for (int i = 0; i < 2; ++i)
    cluster_.NextTime("watch=true", [](const FakeRequest&, FakeReply& reply) {
      reply.Send(410, FakeCluster::StatusBody(410, "Gone", "too old"));
    });
  Start();
  ASSERT_TRUE(cluster_.AwaitRequests("watch=true", 3)) << observer_.text();
  const auto requests = cluster_.requests();
  EXPECT_NE(std::find(requests.begin(), requests.end(), "GET " + options_.path), requests.end());
  EXPECT_TRUE(sink_.AwaitLive({"a/one"}));
}

TEST_F(ReflectorTest, RelistsOnRequestEvenDuringAWatch) {
  Put("one");
  Start();
  ASSERT_TRUE(sink_.AwaitLive({"a/one"}));
  ASSERT_TRUE(cluster_.AwaitWatches(1));
  reflector_->Relist("because");
  ASSERT_TRUE(sink_.AwaitCall("listed ", 2));
  EXPECT_TRUE(observer_.AwaitNote("relisting: because"));
  EXPECT_TRUE(cluster_.AwaitRequests("GET " + options_.path + "?limit=500", 2));
  EXPECT_EQ(CountRequests("limit=500&resourceVersion=0"), 1U)
      << "the second one is the most recent";
}

TEST_F(ReflectorTest, AServerThatWentBackInTimeIsNoticed) {
  Put("one");
  cluster_.SkipVersions(100000);
  Put("two");
  Start();
  ASSERT_TRUE(sink_.AwaitLive({"a/one", "a/two"}));
  ASSERT_TRUE(cluster_.AwaitWatches(1));
  const std::string known = reflector_->version();
  reflector_->ObserveServerVersion(cluster_.resource_version(), known);
  reflector_->ObserveServerVersion("not a number", known);
  EXPECT_EQ(sink_.count("list"), 1);
  cluster_.SetResourceVersion(5000);  // two is lost
  reflector_->ObserveServerVersion("5001", known);
  ASSERT_TRUE(observer_.AwaitNote("went back in time"));
  ASSERT_TRUE(sink_.AwaitLive({"a/one"})) << observer_.text();
}

TEST_F(ReflectorTest, AnAnswerOvertakenByAnEventIsNoTimeTravel) {
  Start();
  ASSERT_TRUE(sink_.AwaitCall("listed "));
  const std::string known = reflector_->version();
  cluster_.SkipVersions(1);
  const std::string written = cluster_.resource_version();
  Put("one");
  ASSERT_TRUE(sink_.AwaitLive({"a/one"}));
  reflector_->ObserveServerVersion(written, known);
  Put("two");
  ASSERT_TRUE(sink_.AwaitLive({"a/one", "a/two"}));
  EXPECT_EQ(sink_.count("list"), 1);
}

TEST_F(ReflectorTest, RelistsNowAndThen) {
  options_.relist_every = std::chrono::seconds(3600);
  Put("one");
  Start();
  ASSERT_TRUE(sink_.AwaitLive({"a/one"}));
  ASSERT_TRUE(cluster_.AwaitWatches(1));
  clock_.Advance(std::chrono::seconds(2 * 3600));
  cluster_.EndWatches();
  EXPECT_TRUE(sink_.AwaitCall("listed ", 2));
}

TEST_F(ReflectorTest, AsksForLongWatchesWithinItsBounds) {
  Start();
  ASSERT_TRUE(cluster_.AwaitRequests("watch=true", 1));
  for (const std::string& line : cluster_.requests()) {
    const std::size_t at = line.find("timeoutSeconds=");
    if (at == std::string::npos) continue;
    const int timeout = std::stoi(line.substr(at + 15));
    EXPECT_GE(timeout, 290);
    EXPECT_LE(timeout, 580);
  }
}

TEST_F(ReflectorTest, StopEndsItAtOnce) {
  Start();
  ASSERT_TRUE(cluster_.AwaitWatches(1));
  Stop();  // joins: a hang here is the failure
  SUCCEED();
}

TEST_F(ReflectorTest, TenThousandBytesOfSpecComeAsTheyWereSent) {
  Json profile = Profile("b", "big");
  for (int i = 0; i < 400; ++i) profile["spec"]["names"].push_back("name_" + std::to_string(i));
  cluster_.Put(options_.path, profile);
  Start();
  ASSERT_TRUE(sink_.AwaitLive({"b/big"}));
  EXPECT_EQ(sink_.spec("b/big"), profile["spec"].dump());
  cluster_.Put(options_.path, profile);
  ASSERT_TRUE(sink_.AwaitCall("upsert b/big", 2));
  EXPECT_EQ(sink_.spec("b/big"), profile["spec"].dump());
}

}  // namespace
}  // namespace seccompd::kube
