// SPDX-License-Identifier: Apache-2.0
#include "seccompd/kube/api_client.h"

#include <gtest/gtest.h>

#include "seccompd/http/client.h"

#include "fakes/fake_cluster.h"
#include "kube/reflector_fixture.h"

namespace seccompd::kube {
namespace {

using fakes::FakeCluster;
using fakes::FakeReply;
using fakes::FakeRequest;
using Json = nlohmann::json;

class ApiClientTest : public ::testing::Test {
 protected:
  ApiClientTest() {
    http::StartIoThread();
    http::TlsOptions tls;
    tls.ca_pem = cluster_.ca_pem();
    transport_ = std::move(http::MakeClient(cluster_.origin(), tls).value());
    client_ =
        std::make_unique<ApiClient>(*transport_, token_, [this](std::string_view verb, int code) {
          observed_ += std::string(verb) + " " + std::to_string(code) + ";";
        });
  }

  FakeCluster cluster_;
  TestToken token_;
  std::string observed_;
  std::unique_ptr<http::Transport> transport_;
  std::unique_ptr<ApiClient> client_;
};

const std::string kStates = "/apis/seccompd.io/v1alpha1/nodeseccompstates";
const std::string kLeases = "/apis/coordination.k8s.io/v1/namespaces/seccompd/leases";

TEST_F(ApiClientTest, AppliesAStateAndItsStatus) {
  const std::string path = kStates + "/node-1";
  const Json main = {{"apiVersion", "seccompd.io/v1alpha1"},
                     {"kind", "NodeSeccompState"},
                     {"metadata", {{"name", "node-1"}}}};
  auto early = client_->Apply(path + "/status", main.dump(), "seccompd-agent", {});
  ASSERT_FALSE(early.ok());
  EXPECT_EQ(early.error().code, ErrorCode::kNotFound);

  ASSERT_TRUE(client_->Apply(path, main.dump(), "seccompd-agent", {}).ok());
  Json with_status = main;
  with_status["status"] = {{"desired", 3}};
  const auto applied = client_->Apply(path + "/status", with_status.dump(), "seccompd-agent", {});
  ASSERT_TRUE(applied.ok()) << applied.error().message;
  EXPECT_EQ(Json::parse(*applied)["status"]["desired"], 3);
  EXPECT_EQ(cluster_.requests().back(),
            "PATCH " + path + "/status?fieldManager=seccompd-agent&force=true");
  const auto got = client_->Get(path, {});
  ASSERT_TRUE(got.ok());
  EXPECT_EQ(Json::parse(*got)["metadata"]["uid"],
            cluster_.Get(kStates, "", "node-1")->at("metadata").at("uid"));
  EXPECT_EQ(observed_, "apply 404;apply 201;apply 200;get 200;");
}

TEST_F(ApiClientTest, CreatesAndUpdatesALease) {
  Json lease = {{"apiVersion", "coordination.k8s.io/v1"},
                {"kind", "Lease"},
                {"metadata", {{"name", "node-1"}}},
                {"spec", {{"holderIdentity", "a"}}}};
  auto created = client_->Create(kLeases, lease.dump(), {});
  ASSERT_TRUE(created.ok()) << created.error().message;
  const auto again = client_->Create(kLeases, lease.dump(), {});
  ASSERT_FALSE(again.ok());
  EXPECT_EQ(again.error().code, ErrorCode::kConflict);
  lease = Json::parse(*created);
  lease["spec"]["holderIdentity"] = "b";
  ASSERT_TRUE(client_->Update(kLeases + "/node-1", lease.dump(), {}).ok());
  const auto stale = client_->Update(kLeases + "/node-1", lease.dump(), {});
  ASSERT_FALSE(stale.ok()) << "its resourceVersion is old";
  EXPECT_EQ(stale.error().code, ErrorCode::kConflict);
}

TEST_F(ApiClientTest, A401AsksForTheTokenAnew) {
  cluster_.SetToken("new");
  token_.Set("old", "new");
  const auto refused = client_->Get("/api/v1/namespaces", {});
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code, ErrorCode::kDenied);
  EXPECT_EQ(refused.error().message.find("old"), std::string::npos) << "a token in a message";
  EXPECT_TRUE(client_->Get("/api/v1/namespaces", {}).ok());
}

TEST_F(ApiClientTest, A403SaysWhichRightIsMissing) {
  const std::string message =
      R"(leases "node-1" is forbidden: User "u" cannot update resource "leases")";
  cluster_.NextTime("GET", [message](const FakeRequest&, FakeReply& reply) {
    reply.Send(403, FakeCluster::StatusBody(403, "Forbidden", message));
  });
  const auto refused = client_->Get(kLeases + "/node-1", {});
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code, ErrorCode::kDenied);
  EXPECT_NE(refused.error().message.find(message), std::string::npos) << refused.error().message;
}

TEST_F(ApiClientTest, A200ThatIsNoObjectIsNotBelieved) {
  for (const char* body : {"<html>log in</html>", "[]", "null", "", "{}",
                           R"({"kind":"Status","code":500,"message":"m"})"}) {
    cluster_.NextTime("GET",
                      [body](const FakeRequest&, FakeReply& reply) { reply.Send(200, body); });
    EXPECT_FALSE(client_->Get("/api/v1/nodes/n", {}).ok()) << body;
  }
}

TEST_F(ApiClientTest, TheNetworksFaultsAreTransient) {
  cluster_.NextTime("GET", [](const FakeRequest&, FakeReply& reply) {
    reply.Begin(200);
    reply.Chunk("{\"kind\":");
    reply.Abort();
  });
  const auto cut = client_->Get("/api/v1/nodes/n", {});
  ASSERT_FALSE(cut.ok());
  EXPECT_EQ(cut.error().code, ErrorCode::kTransient);
}

TEST(EscapePathTest, EscapesAllButUnreservedCharacters) {
  EXPECT_EQ(EscapePath("a b/c%d\xc3\xa4~-._9"), "a%20b%2Fc%25d%C3%A4~-._9");
}

}  // namespace
}  // namespace seccompd::kube
