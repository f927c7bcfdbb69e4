// SPDX-License-Identifier: Apache-2.0
#pragma once
// What a misbehaving server may send, and the frame in which it does: both objects are known, then
// the fault strikes, then all goes on.

#include <string>

#include <gtest/gtest.h>

#include "kube/reflector_fixture.h"

namespace seccompd::kube {

using fakes::FakeCluster;
using fakes::FakeReply;
using fakes::FakeRequest;
using Json = nlohmann::json;
using Fault = FakeCluster::Fault;

inline constexpr const char* kListQuery = "?limit=500";

inline Fault Body(int status, const std::string& body) {
  return [=](const FakeRequest&, FakeReply& reply) {
    reply.Begin(status);
    reply.Chunk(body);
    reply.End();
  };
}

inline Fault Refusal(int code, const std::string& reason, FakeReply::Headers headers = {}) {
  return [=](const FakeRequest&, FakeReply& reply) {
    reply.Send(code, FakeCluster::StatusBody(code, reason, "the reason is " + reason), headers);
  };
}

inline Fault Cut(const std::string& body) {
  return [=](const FakeRequest&, FakeReply& reply) {
    reply.Begin(200);
    reply.Chunk(body);
    reply.Abort();
  };
}

inline std::string Item(const std::string& name, const std::string& kind = "TenantSeccompProfile",
                        const std::string& extra = "") {
  return R"({"kind":")" + kind +
         R"(","apiVersion":"seccompd.io/v1alpha1","metadata":{"namespace":"a","name":")" + name +
         R"(","uid":"u-)" + name + R"(","resourceVersion":"150","generation":1},"spec":{"x":")" +
         extra + R"("}})";
}

inline std::string ListOf(const std::string& items,
                          const std::string& kind = "TenantSeccompProfileList",
                          const std::string& metadata = R"({"resourceVersion":"200"})") {
  return R"({"apiVersion":"seccompd.io/v1alpha1","items":[)" + items + R"(],"kind":")" + kind +
         R"(","metadata":)" + metadata + "}\n";
}

inline std::string EventOf(const std::string& type, const std::string& object) {
  return R"({"type":")" + type + R"(","object":)" + object + "}\n";
}

class ReflectorFaultTest : public ReflectorFixture {
 protected:
  void StartWithTwo() {
    cluster_.SkipVersions(1000);  // the versions that the faults speak of are in the past
    Put("one");
    Put("two");
    Start();
    ASSERT_TRUE(sink_.AwaitLive({"a/one", "a/two"})) << observer_.text();
    ASSERT_TRUE(cluster_.AwaitWatches(1));
  }
  void ExpectRecovery() {
    Put("three");
    EXPECT_TRUE(sink_.AwaitLive({"a/one", "a/two", "a/three"})) << observer_.text();
    EXPECT_TRUE(sink_.nothing_lost()) << observer_.text();
    EXPECT_EQ(cluster_.faults_left(), 0U);
  }
};

}  // namespace seccompd::kube
