// SPDX-License-Identifier: Apache-2.0
#include "seccompd/agent/status.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "seccompd/agent/reconciler.h"
#include "seccompd/base/digest.h"

namespace seccompd::agent {
namespace {

using nlohmann::json;

class StatusTest : public ::testing::Test {
 protected:
  void Add(const std::string& key, const char* state, std::int64_t desired = 1,
           std::int64_t installed = 1) {
    node::RecordEntry entry;
    entry.uid = "uid-" + key;
    entry.desired_generation = desired;
    entry.installed_generation = installed;
    entry.state = state;
    entry.sha256 = installed != 0 ? Sha256Hex(key) : "";
    entry.since = 1'700'000'000;
    entry.message = "why " + key;
    table_.Set(key, entry);
  }
  json Build() {
    return json::parse(BuildStatus(input_, table_, "2026-01-01T00:00:00Z", transitions_));
  }

  ProfileTable table_;
  StatusInput input_;
  std::map<std::string, Transition> transitions_;
};

TEST_F(StatusTest, CountsByStateAndListsOnlyWhatIsNotInstalled) {
  Add("a/good", "Installed");
  Add("a/bad", "Invalid", 2, 1);
  Add("b/new", "Failed", 1, 0);
  input_.desired = 3;
  const json status = Build();
  EXPECT_EQ(status["desired"], 3);
  EXPECT_EQ(status["installed"], 1);
  EXPECT_EQ(status["invalid"], 1);
  EXPECT_EQ(status["failed"], 1);
  ASSERT_EQ(status["profiles"].size(), 2U);
  const json& bad = status["profiles"][0];
  EXPECT_EQ(bad["name"], "bad");
  EXPECT_EQ(bad["desiredGeneration"], 2);
  EXPECT_EQ(bad["installedGeneration"], 1);
  EXPECT_EQ(bad["since"], "2023-11-14T22:13:20Z");
  EXPECT_FALSE(status["profiles"][1].contains("installedGeneration")) << "no file";
}

TEST_F(StatusTest, IsSmallWhileAllIsWellHoweverManyProfiles) {
  for (int i = 0; i < 5000; ++i)
    Add("ns-" + std::to_string(i % 50) + "/p" + std::to_string(i), "Installed");
  EXPECT_LE(Build().dump().size(), 2048U);
}

TEST_F(StatusTest, SharesTheListFairlyAndSaysThatItIsCut) {
  for (int i = 0; i < 500; ++i) Add("loud/p" + std::to_string(i), "Invalid");
  Add("quiet/one", "Invalid");
  const json status = Build();
  EXPECT_EQ(status["profiles"].size(), 64U);
  EXPECT_EQ(status["truncated"], true);
  bool quiet_is_there = false;
  for (const json& row : status["profiles"])
    quiet_is_there = quiet_is_there || row["namespace"] == "quiet";
  EXPECT_TRUE(quiet_is_there);
}

TEST_F(StatusTest, StaysBelowTheByteLimitWithLongMessages) {
  for (int i = 0; i < 600; ++i) {
    const std::string key = "n/p" + std::to_string(i);
    Add(key, "Invalid");
    auto entry = *table_.Find(key);
    entry.message = std::string(256, 'm');
    table_.Set(key, entry);
  }
  EXPECT_LE(Build()["profiles"].dump().size(), 32U * 1024);
  input_.mode = ReportMode::kFull;
  const json full = Build();
  EXPECT_LE(full["profiles"].dump().size(), 256U * 1024);
  EXPECT_LE(full["profiles"].size(), 512U);
}

TEST_F(StatusTest, ContentDigestCanBeRecomputed) {
  Add("b/y", "Installed");
  Add("a/x", "Installed");
  Sha256 expected;
  for (const char* key : {"a/x", "b/y"}) {
    expected.UpdateField(key);
    expected.UpdateField(Sha256Hex(key));
  }
  EXPECT_EQ(Build()["contentDigest"], expected.FinishHex());
}

TEST_F(StatusTest, ConditionsKeepTheirTransitionTimeUntilTheyChange) {
  input_.conditions = {{"Synced", true, "UpToDate", ""}};
  (void)BuildStatus(input_, table_, "T1", transitions_);
  json status = json::parse(BuildStatus(input_, table_, "T2", transitions_));
  EXPECT_EQ(status["conditions"][0]["lastTransitionTime"], "T1");
  input_.conditions[0].status = false;
  status = json::parse(BuildStatus(input_, table_, "T3", transitions_));
  EXPECT_EQ(status["conditions"][0]["lastTransitionTime"], "T3");
  EXPECT_EQ(status["conditions"][0]["status"], "False");
}

TEST_F(StatusTest, TheWholeStateHasEveryProfileAndIsJsonWhateverTheSourceSaid) {
  for (int i = 0; i < 5000; ++i) Add("n/p" + std::to_string(i), "Installed");
  StateDetails details;
  details.node_name = "node-1";
  details.source_errors = {"bad \xff byte"};
  details.checks = {{"disk", ""}, {"synced", "not yet"}};
  details.last_report = "2026-01-01T00:00:00Z";
  json state = json::parse(BuildState(input_, table_, "T", details));
  EXPECT_EQ(state["profiles"].size(), 5000U);
  EXPECT_EQ(state["ready"], false);
  EXPECT_EQ(state["readyChecks"]["disk"], "ok");
  EXPECT_EQ(state["readyChecks"]["synced"], "not yet");
  EXPECT_EQ(state["lastReportTime"], details.last_report);
  EXPECT_FALSE(state.contains("lastFullSyncTime")) << "never";
  details.checks.pop_back();
  EXPECT_EQ(json::parse(BuildState(input_, table_, "T", details))["ready"], true);
}

TEST_F(StatusTest, ResourceVersionAloneIsNoNews) {
  input_.observed_resource_version = "1";
  const std::string one = BuildStatus(input_, table_, "T", transitions_);
  input_.observed_resource_version = "2";
  const std::string two = BuildStatus(input_, table_, "T", transitions_);
  EXPECT_NE(one, two);
  EXPECT_EQ(WithoutRiders(one), WithoutRiders(two));
}

TEST(CleanMessageTest, MakesAnyBytesFitForAReport) {
  EXPECT_EQ(CleanMessage("a\nb\x1b[31m"), "a b [31m");
  EXPECT_EQ(CleanMessage("bad \xff byte"), "bad \xef\xbf\xbd byte");
  const std::string cut = CleanMessage(std::string(300, 'x'));
  EXPECT_EQ(cut.size(), 256U);
  EXPECT_TRUE(cut.ends_with("..."));
  std::string umlauts;
  for (int i = 0; i < 200; ++i) umlauts += "\xc3\xa4";
  const std::string cut_umlauts = CleanMessage(umlauts);
  EXPECT_LE(cut_umlauts.size(), 256U);
  EXPECT_FALSE(json(cut_umlauts).dump().empty()) << "still valid UTF-8: dump() throws otherwise";
}

}  // namespace
}  // namespace seccompd::agent
