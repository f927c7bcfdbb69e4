// SPDX-License-Identifier: Apache-2.0
#include "seccompd/cli/audit.h"

#include <map>
#include <set>
#include <sstream>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "seccompd/base/digest.h"
#include "seccompd/http/client.h"
#include "seccompd/profile/rule_set.h"

#include "fakes/fake_cluster.h"
#include "fakes/fake_compiler.h"

namespace seccompd::cli {
namespace {

using nlohmann::json;

constexpr char kStates[] = "/apis/seccompd.io/v1alpha1/nodeseccompstates";
constexpr char kNodes[] = "/api/v1/nodes";
constexpr char kLeases[] = "/apis/coordination.k8s.io/v1/leases";

class NoToken final : public kube::TokenSource {
 public:
  Result<std::string> Token() override { return std::string(); }
  void Refused(std::string_view) override {}
};

class AuditClusterTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() { http::StartIoThread(); }
  void SetUp() override {
    auto client = http::MakeClient(cluster_.origin(), {.ca_pem = cluster_.ca_pem(),
                                                       .certificate_pem = {},
                                                       .private_key_pem = {},
                                                       .server_name = {},
                                                       .insecure_skip_verify = false});
    ASSERT_TRUE(client.ok()) << client.error().message;
    transport_ = *std::move(client);
    api_ = std::make_unique<kube::ApiClient>(*transport_, token_);
  }
  // A profile as the API server has it.
  void AddProfile(const std::string& key, const std::string& denied, json spec = json::object()) {
    const auto slash = key.find('/');
    spec["profile"] = {{"denies", denied}};  // the fake compiler reads nothing
    cluster_.Put(
        std::string(fakes::kProfilesPath),
        {{"metadata", {{"namespace", key.substr(0, slash)}, {"name", key.substr(slash + 1)}}},
         {"spec", std::move(spec)}});
  }
  json ProfileOf(const std::string& key) const {
    const auto slash = key.find('/');
    return *cluster_.Get(std::string(fakes::kProfilesPath), key.substr(0, slash),
                         key.substr(slash + 1));
  }
  std::string FileOf(const std::string& key) const {
    return Sha256Hex(fakes::FakeCompiler::BytesFor(ProfileOf(key)["spec"].dump()));
  }
  static std::string DigestOf(const std::map<std::string, std::string>& files) {
    Sha256 sha;
    for (const auto& [key, digest] : files) {
      sha.UpdateField(key);
      sha.UpdateField(digest);
    }
    return sha.FinishHex();
  }
  std::string Intent(const std::vector<std::string>& sorted_keys) const {
    Sha256 sha;
    for (const std::string& key : sorted_keys) {
      const json metadata = ProfileOf(key)["metadata"];
      sha.UpdateField(key);
      sha.UpdateField(metadata["uid"].get<std::string>());
      sha.UpdateField(metadata["generation"].dump());
    }
    return sha.FinishHex();
  }
  static json Status(const std::string& intent, const std::string& content) {
    const profile::NodeContext node{"SCMP_ARCH_X86_64", "6.1", {}, "crun"};
    Sha256 facts;
    facts.UpdateField(profile::ContextOf(profile::RuleSet("2.5.4"), node, "none"));
    return {{"desired", 2},
            {"installed", 2},
            {"intentDigest", intent},
            {"facts", {{"architecture", "amd64"}, {"kernelVersion", "6.1"}}},
            {"factsDigest", facts.FinishHex()},
            {"ruleSet", profile::RuleSet("2.5.4")},
            {"contentDigest", content},
            {"conditions", json::array({{{"type", "Synced"}, {"status", "True"}},
                                        {{"type", "Healthy"}, {"status", "True"}}})},
            {"profiles", json::array()}};
  }
  void AddNode(const std::string& name, json status, const json& labels = json::object(),
               std::chrono::seconds heard = std::chrono::seconds(10)) {
    cluster_.Put(kNodes, {{"metadata", {{"name", name}, {"labels", labels}}}});
    cluster_.Put(kStates, {{"metadata", {{"name", name}}}, {"status", std::move(status)}});
    cluster_.Put(kLeases, {{"metadata", {{"name", name}, {"namespace", "seccompd-system"}}},
                           {"spec", {{"renewTime", FormatRfc3339(clock_.Now() - heard, true)}}}});
  }
  Result<bool> Audit(OutputFormat format = OutputFormat::kTable, bool compile = true) {
    ClusterAuditOptions options;
    if (compile) {
      options.start_compiler = []() -> Result<StartedCompiler> {
        return StartedCompiler{std::make_unique<fakes::FakeCompiler>(), "2.5.4"};
      };
    }
    std::ostringstream out;
    Result<bool> good = AuditCluster(*api_, options, clock_, format, out);
    text_ = out.str();
    return good;
  }
  std::set<std::string> Found() const {
    std::set<std::string> found;
    const json report = json::parse(text_);
    for (const json& row : report["findings"])
      found.insert(row["code"].get<std::string>() + " " + row["where"].get<std::string>());
    return found;
  }
  RealClock clock_;
  fakes::FakeCluster cluster_;
  NoToken token_;
  std::unique_ptr<http::Transport> transport_;
  std::unique_ptr<kube::ApiClient> api_;
  std::string text_;
};

TEST_F(AuditClusterTest, IsContentWhenAllNodesHoldWhatTheObjectsSay) {
  AddProfile("team/a", "mkdir");
  AddProfile("team/b", "rmdir");
  const json status =
      Status(Intent({"team/a", "team/b"}),
             DigestOf({{"team/a", FileOf("team/a")}, {"team/b", FileOf("team/b")}}));
  AddNode("node-1", status);
  AddNode("node-2", status);
  const auto good = Audit();
  ASSERT_TRUE(good.ok()) << good.error().message;
  EXPECT_TRUE(*good) << text_;
  EXPECT_NE(text_.find("node-2   True"), std::string::npos) << text_;
  EXPECT_NE(text_.find("same"), std::string::npos) << text_;
  EXPECT_EQ(text_.find("NOT LOOKED AT"), std::string::npos) << text_;
}

TEST_F(AuditClusterTest, FindsANodeWhoseFilesAreNotWhatTheObjectsSay) {
  AddProfile("team/a", "mkdir");
  AddNode("node-1", Status(Intent({"team/a"}), DigestOf({{"team/a", Sha256Hex("other")}})));
  EXPECT_FALSE(*Audit(OutputFormat::kJson));
  EXPECT_EQ(Found(), std::set<std::string>{"OtherContent node-1"}) << text_;
}

TEST_F(AuditClusterTest, NamesTheFileWhereTheReportDoes) {
  AddProfile("team/a", "mkdir");
  json status = Status(Intent({"team/a"}), DigestOf({{"team/a", Sha256Hex("other")}}));
  status["profiles"].push_back({{"namespace", "team"},
                                {"name", "a"},
                                {"state", "Installed"},
                                {"desiredGeneration", 1},
                                {"installedGeneration", 1},
                                {"sha256", Sha256Hex("other")}});
  AddNode("node-1", status);
  EXPECT_FALSE(*Audit());
  EXPECT_NE(text_.find("team/a differs"), std::string::npos) << text_;
}

TEST_F(AuditClusterTest, KnowsWhatANodeLegitimatelyHoldsBesides) {
  AddProfile("team/a", "mkdir");
  AddProfile("team/gpu", "rmdir", {{"nodeSelector", {{"matchLabels", {{"gpu", "yes"}}}}}});
  AddProfile("team/typo", "mkdirr");
  const std::string intent = Intent({"team/a", "team/gpu", "team/typo"});
  const json typo{{"namespace", "team"},
                  {"name", "typo"},
                  {"state", "Invalid"},
                  {"desiredGeneration", 2},
                  {"installedGeneration", 1},
                  {"sha256", Sha256Hex("old")},
                  {"message", "did you mean mkdir?"}};
  const json deleted{{"namespace", "team"},      {"name", "gone"},
                     {"state", "Deleting"},      {"desiredGeneration", 1},
                     {"installedGeneration", 1}, {"sha256", Sha256Hex("gone")}};
  const json skipped{{"namespace", "team"}, {"name", "gpu"}, {"state", "Skipped"}};
  // One node is selected, one is not.
  json with = Status(intent, DigestOf({{"team/a", FileOf("team/a")},
                                       {"team/gone", Sha256Hex("gone")},
                                       {"team/gpu", FileOf("team/gpu")},
                                       {"team/typo", Sha256Hex("old")}}));
  with["profiles"] = json::array({deleted, typo});
  AddNode("node-1", with, {{"gpu", "yes"}});
  json without =
      Status(intent, DigestOf({{"team/a", FileOf("team/a")}, {"team/typo", Sha256Hex("old")}}));
  without["profiles"] = json::array({skipped, typo});
  Sha256 facts;
  facts.UpdateField(profile::ContextOf(profile::RuleSet("2.5.4"),
                                       {"SCMP_ARCH_X86_64", "6.1", {}, "both"},
                                       "builtin/runtime-default-v1"));
  facts.UpdateField("team/gpu");
  without["factsDigest"] = facts.FinishHex();
  AddNode("node-2", without);
  EXPECT_FALSE(*Audit(OutputFormat::kJson));
  EXPECT_EQ(Found(), std::set<std::string>{"NotInstalled team/typo"}) << text_;
  const json report = json::parse(text_);
  EXPECT_EQ(report["findings"][0]["message"], "Invalid: did you mean mkdir? (on node-1, node-2)");
  EXPECT_EQ(report["findings"][0]["nodes"], json::array({"node-1", "node-2"}));
  for (const json& node : report["nodes"]) EXPECT_EQ(node["contentChecked"], "same") << node;
}

TEST_F(AuditClusterTest, ANodeThatKnowsOtherObjectsIsFound) {
  AddProfile("team/a", "mkdir");
  AddNode("node-1", Status("another", DigestOf({})));
  EXPECT_FALSE(*Audit(OutputFormat::kJson));
  EXPECT_EQ(Found(), std::set<std::string>{"OtherIntent node-1"}) << text_;
}

TEST_F(AuditClusterTest, WithoutACompilerNodesAreHeldAgainstEachOther) {
  const std::string intent = Intent({});
  AddNode("node-1", Status(intent, "abc"));
  AddNode("node-2", Status(intent, "abc"));
  EXPECT_TRUE(*Audit(OutputFormat::kJson, false)) << text_;
  AddNode("node-3", Status(intent, "xyz"));
  EXPECT_FALSE(*Audit(OutputFormat::kJson, false));
  EXPECT_EQ(Found(), std::set<std::string>{"OtherContent node-3"}) << text_;
}

TEST_F(AuditClusterTest, AnAgentOfAnotherVersionIsNotJudgedByThisOne) {
  json status = Status(Intent({}), "abc");
  status["ruleSet"] = "1+libseccomp2.4";
  AddNode("node-1", status);
  EXPECT_TRUE(*Audit());
  EXPECT_NE(text_.find("its rule set is 1+libseccomp2.4"), std::string::npos) << text_;
}

TEST_F(AuditClusterTest, FindsWhoIsSilentAndWhoWasNeverHeard) {
  const json status = Status(Intent({}), DigestOf({}));
  AddNode("good", status);
  AddNode("silent", status, json::object(), std::chrono::seconds(1000));
  AddNode("lost", status);
  cluster_.Delete(kLeases, "seccompd-system", "lost");
  cluster_.Put(kNodes, {{"metadata", {{"name", "bare"}}}});
  cluster_.Put(kNodes,
               {{"metadata", {{"name", "win"}, {"labels", {{"kubernetes.io/os", "windows"}}}}}});
  EXPECT_FALSE(*Audit(OutputFormat::kJson));
  EXPECT_EQ(Found(),
            (std::set<std::string>{"NoState bare", "NotReporting lost", "NotReporting silent"}))
      << text_;
}

TEST_F(AuditClusterTest, TellsConditionsThatAreNotTrue) {
  json status = Status(Intent({}), DigestOf({}));
  status["conditions"][1] = {{"type", "Healthy"}, {"status", "False"}, {"message", "disk full"}};
  status["conditions"].erase(0);
  AddNode("node-1", status);
  EXPECT_FALSE(*Audit());
  EXPECT_NE(text_.find("NotHealthy   node-1   disk full"), std::string::npos) << text_;
  EXPECT_NE(text_.find("NotSynced    node-1   no such condition"), std::string::npos) << text_;
}

TEST_F(AuditClusterTest, WhoMayNotListNodesIsToldWhatWasNotLookedAt) {
  AddNode("node-1", Status(Intent({}), DigestOf({})));
  cluster_.Always("GET /api/v1/nodes", [](const fakes::FakeRequest&, fakes::FakeReply& reply) {
    reply.Send(403, fakes::FakeCluster::StatusBody(403, "Forbidden", "cannot list nodes"),
               {{"Content-Type", "application/json"}});
  });
  EXPECT_TRUE(*Audit()) << text_;
  EXPECT_NE(text_.find("NOT LOOKED AT"), std::string::npos) << text_;
  EXPECT_NE(text_.find("cannot list nodes"), std::string::npos) << text_;
}

TEST_F(AuditClusterTest, ReadsPageByPage) {
  for (int i = 0; i < 250; ++i) AddProfile("team/p" + std::to_string(i), "mkdir");
  EXPECT_FALSE(*Audit(OutputFormat::kJson));
  EXPECT_EQ(json::parse(text_)["profiles"], 250);
  EXPECT_TRUE(cluster_.AwaitRequests("tenantseccompprofiles?limit=100", 3));
}

TEST_F(AuditClusterTest, AClusterWithoutAgentsIsAFinding) {
  EXPECT_FALSE(*Audit());
  EXPECT_NE(text_.find("is the agent running"), std::string::npos);
}

TEST_F(AuditClusterTest, AMissingCrdIsAnErrorThatSaysWhatToDo) {
  cluster_.Forget(kStates);
  const auto result = Audit();
  ASSERT_FALSE(result.ok());
  EXPECT_NE(result.error().message.find("CRD"), std::string::npos) << result.error().message;
}

}  // namespace
}  // namespace seccompd::cli
