// SPDX-License-Identifier: Apache-2.0
// A server that misbehaves: silence, death, refusals, oversized objects. Nothing is lost, nothing
// is seen as deleted.
#include "kube/reflector_faults.h"

#include <algorithm>

#include <gtest/gtest.h>

namespace seccompd::kube {
namespace {

TEST_F(ReflectorFaultTest, AnEventCutInTwoAtAnyByteIsOneEvent) {
  StartWithTwo();
  const std::string event = EventOf("ADDED", Item("x", "TenantSeccompProfile", "\\\"\xc3\xa9{}[]"));
  cluster_.NextTime("watch=true", [&event](const FakeRequest&, FakeReply& reply) {
    reply.Begin(200);
    for (std::size_t cut = 0; cut <= event.size(); ++cut) {
      reply.Chunk(event.substr(0, cut));
      reply.Chunk(event.substr(cut));
    }
    reply.End();
  });
  cluster_.EndWatches();
  const auto times = static_cast<std::ptrdiff_t>(event.size() + 1);
  ASSERT_TRUE(sink_.AwaitCall("upsert a/x", times)) << observer_.text();
  EXPECT_EQ(sink_.spec("a/x"), "{\"x\":\"\\\"\xc3\xa9{}[]\"}");
  EXPECT_TRUE(observer_.troubles().empty()) << observer_.text();
}

TEST_F(ReflectorFaultTest, ALastLineWithoutItsEndCounts) {
  StartWithTwo();
  cluster_.NextTime("watch=true", [](const FakeRequest&, FakeReply& reply) {
    const std::string event = EventOf("ADDED", Item("x"));
    reply.Send(200, event.substr(0, event.size() - 1));
  });
  cluster_.EndWatches();
  EXPECT_TRUE(sink_.AwaitCall("upsert a/x")) << observer_.text();
}

TEST_F(ReflectorFaultTest, ASlowListIsNotCutOff) {
  options_.list_idle = std::chrono::milliseconds(1000);
  cluster_.NextTime(kListQuery, [](const FakeRequest&, FakeReply& reply) {
    reply.Begin(200);
    for (const char c : ListOf(Item("one"))) {
      reply.Chunk(std::string(1, c));
      if (reply.PeerGone(8)) return;  // all in all longer than list_idle
    }
    reply.End();
  });
  Start();
  EXPECT_TRUE(sink_.AwaitLive({"a/one"})) << observer_.text();
  EXPECT_TRUE(observer_.troubles().empty()) << observer_.text();
}

TEST_F(ReflectorFaultTest, AListThatStallsIsAskedForAgain) {
  options_.list_idle = std::chrono::milliseconds(300);
  Put("one");
  cluster_.NextTime(kListQuery, [this](const FakeRequest&, FakeReply& reply) {
    reply.Begin(200);
    reply.Chunk(R"({"items":[)");
    while (!reply.PeerGone(50) && !cluster_.server().stopping()) {
    }
  });
  Start();
  EXPECT_TRUE(sink_.AwaitLive({"a/one"})) << observer_.text();
  EXPECT_TRUE(observer_.AwaitTrouble("silent"));
}

TEST_F(ReflectorFaultTest, AWatchThatDiesSilentlyIsOpenedAnew) {
  options_.watch_idle = std::chrono::milliseconds(300);
  StartWithTwo();
  ASSERT_TRUE(cluster_.AwaitRequests("watch=true", 3)) << observer_.text();
  EXPECT_TRUE(observer_.troubles().empty()) << "silence is no trouble: " << observer_.text();
  ExpectRecovery();
}

TEST_F(ReflectorFaultTest, AServerThatDiesAndComesBackLosesNothing) {
  StartWithTwo();
  cluster_.server().DropConnections();
  ASSERT_TRUE(observer_.AwaitTrouble("watch")) << observer_.text();
  ExpectRecovery();
  EXPECT_EQ(sink_.count("list"), 1);
}

TEST_F(ReflectorFaultTest, RetryAfterIsHonoured) {
  cluster_.NextTime(kListQuery, Refusal(429, "TooManyRequests", {{"Retry-After", "1"}}));
  Start();
  ASSERT_TRUE(sink_.AwaitCall("listed "));
  ASSERT_FALSE(observer_.pauses().empty());
  EXPECT_GE(observer_.pauses().front(), std::chrono::seconds(1));
}

TEST_F(ReflectorFaultTest, PausesGrowWhileTroubleLasts) {
  options_.backoff_min = std::chrono::milliseconds(2);
  options_.backoff_max = std::chrono::milliseconds(64);
  cluster_.Always(kListQuery, Refusal(500, "InternalError"));
  Start();
  ASSERT_TRUE(cluster_.AwaitRequests(kListQuery, 12));
  const auto pauses = observer_.pauses();
  EXPECT_LE(pauses.front(), std::chrono::milliseconds(2));
  EXPECT_LE(*std::max_element(pauses.begin(), pauses.end()), std::chrono::milliseconds(64));
  EXPECT_GT(*std::max_element(pauses.begin(), pauses.end()), std::chrono::milliseconds(2));
  EXPECT_FALSE(reflector_->connected());
  Put("one");
  cluster_.Always(kListQuery, {});
  EXPECT_TRUE(sink_.AwaitLive({"a/one"}));
  EXPECT_TRUE(reflector_->connected());
}

TEST_F(ReflectorFaultTest, AnExpiredTokenIsReadAgain) {
  cluster_.SetToken("first");
  token_.Set("first", "second");
  StartWithTwo();
  cluster_.SetToken("second");
  cluster_.EndWatches();
  ASSERT_TRUE(observer_.AwaitTrouble("401")) << observer_.text();
  ExpectRecovery();
  EXPECT_EQ(observer_.text().find("Bearer"), std::string::npos);
  EXPECT_EQ(observer_.text().find("second"), std::string::npos) << "a token in a message";
}

TEST_F(ReflectorFaultTest, AMissingRightIsNamed) {
  const std::string message =
      "tenantseccompprofiles.seccompd.io is forbidden: User \"system:serviceaccount:s:s\" cannot "
      "list resource "
      "\"tenantseccompprofiles\" in API group \"seccompd.io\" at the cluster scope";
  cluster_.NextTime(kListQuery, [message](const FakeRequest&, FakeReply& reply) {
    reply.Send(403, FakeCluster::StatusBody(403, "Forbidden", message));
  });
  Put("one");
  Start();
  ASSERT_TRUE(observer_.AwaitTrouble(message)) << observer_.text();
  EXPECT_EQ(observer_.troubles().front().code, ErrorCode::kDenied);
  EXPECT_TRUE(sink_.AwaitLive({"a/one"}));
}

TEST_F(ReflectorFaultTest, AMissingCrdIsNamedAndWaitedFor) {
  StartWithTwo();
  cluster_.Forget(options_.path);
  ASSERT_TRUE(observer_.AwaitTrouble("TenantSeccompProfile CRD is not installed"))
      << observer_.text();
  EXPECT_EQ(observer_.troubles().back().code, ErrorCode::kTransient) << "no answer about an object";
  EXPECT_TRUE(sink_.nothing_lost()) << "a missing CRD is no absence";
  cluster_.Serve(options_.path, "TenantSeccompProfile");
  Put("three");
  EXPECT_TRUE(sink_.AwaitCall("upsert a/three")) << observer_.text();
}

TEST_F(ReflectorFaultTest, TheWrongCaIsNamed) {
  const fakes::CertificateAuthority other;
  http::TlsOptions tls;
  tls.ca_pem = other.certificate_pem();
  Start(tls);
  ASSERT_TRUE(observer_.AwaitTrouble("not signed by the configured CA")) << observer_.text();
  EXPECT_EQ(observer_.troubles().front().code, ErrorCode::kDenied);
  EXPECT_TRUE(sink_.calls().empty());
}

TEST_F(ReflectorFaultTest, AnObjectOfOneAndAHalfMebibytesPassesThrough) {
  StartWithTwo();
  const std::string big(std::size_t{3} << 19, 'b');
  Put("big", big);
  ASSERT_TRUE(sink_.AwaitLive({"a/one", "a/two", "a/big"})) << observer_.text();
  EXPECT_EQ(sink_.spec("a/big"), Profile("a", "big", big)["spec"].dump());
  reflector_->Relist("see it in a list");
  ASSERT_TRUE(sink_.AwaitCall("listed ", 2)) << observer_.text();
  EXPECT_TRUE(sink_.nothing_lost());
}

TEST_F(ReflectorFaultTest, ADeeplyNestedObjectPassesThrough) {
  const std::string deep = std::string(100000, '[') + std::string(100000, ']');
  const std::string item =
      R"({"kind":"TenantSeccompProfile","metadata":{"namespace":"a","name":"deep","uid":"u","resourceVersion":"9"},"spec":)" +
      deep + "}";
  cluster_.NextTime(kListQuery, Body(200, ListOf(item)));
  Start();
  ASSERT_TRUE(sink_.AwaitLive({"a/deep"})) << observer_.text();
  EXPECT_EQ(sink_.spec("a/deep"), deep);
}

TEST_F(ReflectorFaultTest, AnObjectTooLongForUsIsStillNoAbsenceAndOthersGoOn) {
  options_.max_object_bytes = 2000;
  StartWithTwo();
  Put("big", std::string(5000, 'x'));  // the watch cannot take it, nor can the list
  ASSERT_TRUE(sink_.AwaitCall("listed in part ")) << observer_.text();
  Put("three");
  EXPECT_TRUE(sink_.AwaitLive({"a/one", "a/two", "a/three"})) << observer_.text();
  EXPECT_TRUE(sink_.nothing_lost());
}

}  // namespace
}  // namespace seccompd::kube
