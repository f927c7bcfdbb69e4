// SPDX-License-Identifier: Apache-2.0
#include "seccompd/cli/audit.h"

#include <sstream>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "seccompd/http/client.h"

#include "fakes/fake_cluster.h"

namespace seccompd::cli {
namespace {

using nlohmann::json;

constexpr char kStates[] = "/apis/seccompd.io/v1alpha1/nodeseccompstates";

class NoToken final : public kube::TokenSource {
 public:
  Result<std::string> Token() override { return std::string(); }
  void Invalidate() override {}
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
  void AddNode(const std::string& name, const std::string& content, json profiles = json::array()) {
    const json good = json::array(
        {{{"type", "Synced"}, {"status", "True"}}, {{"type", "Healthy"}, {"status", "True"}}});
    cluster_.Put(kStates, {{"metadata", {{"name", name}}},
                           {"status",
                            {{"desired", 2},
                             {"installed", 2},
                             {"intentDigest", "same"},
                             {"factsDigest", "f"},
                             {"ruleSet", "1"},
                             {"contentDigest", content},
                             {"conditions", good},
                             {"profiles", std::move(profiles)}}}});
  }
  Result<bool> Audit(OutputFormat format = OutputFormat::kTable) {
    std::ostringstream out;
    Result<bool> good = AuditCluster(*api_, format, out);
    text_ = out.str();
    return good;
  }
  fakes::FakeCluster cluster_;
  NoToken token_;
  std::unique_ptr<http::Transport> transport_;
  std::unique_ptr<kube::ApiClient> api_;
  std::string text_;
};

TEST_F(AuditClusterTest, IsContentWhenAllNodesHoldTheSame) {
  AddNode("node-1", "abc");
  AddNode("node-2", "abc");
  const auto good = Audit();
  ASSERT_TRUE(good.ok()) << good.error().message;
  EXPECT_TRUE(*good) << text_;
  EXPECT_NE(text_.find("node-2   True"), std::string::npos) << text_;
}

TEST_F(AuditClusterTest, FindsNodesWhoseContentDiffers) {
  AddNode("node-1", "abc");
  AddNode("node-2", "xyz");
  EXPECT_FALSE(*Audit());
  EXPECT_NE(text_.find("content differs"), std::string::npos) << text_;
}

TEST_F(AuditClusterTest, NamesTheProfilesThatAreNotInstalled) {
  AddNode("node-1", "abc",
          json::array({{{"namespace", "team"},
                        {"name", "web"},
                        {"state", "Invalid"},
                        {"message", "did you mean mkdir?"}}}));
  EXPECT_FALSE(*Audit(OutputFormat::kJson));
  const json report = json::parse(text_);
  ASSERT_EQ(report["findings"].size(), 1U);
  EXPECT_EQ(report["findings"][0]["what"], "team/web Invalid");
  EXPECT_EQ(report["findings"][0]["message"], "did you mean mkdir?");
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
