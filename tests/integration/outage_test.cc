// SPDX-License-Identifier: Apache-2.0
// What an API server may do to the real executable: die, come back as another, forget, refuse, fall
// silent. Each time the files are right, the log tells cause and cure, and all goes on by itself.
// (What a body may look like, and what time does, is in tests/kube/reflector_*_test.cc.)
#include <signal.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <string_view>

#include "integration/cluster_fixture.h"

namespace seccompd::integration {
namespace {

using fakes::FakeCluster;
using fakes::FakeReply;
using fakes::FakeRequest;

constexpr char kTrouble[] = "profiles cannot be watched; files on this node stay as they are";

class OutageTest : public ClusterTest {
 protected:
  // The condition Synced is `synced` and `installed` profiles are there, in one report.
  bool WaitForReport(const char* synced, int installed) const {
    return WaitForStatus([&](const json& status) {
      for (const json& condition : status["conditions"]) {
        if (condition["type"] == "Synced" && condition["status"] == synced)
          return status["installed"] == installed;
      }
      return false;
    });
  }
  void PutTwo() {
    cluster_.Put(kProfiles, Profile("one", "mkdir"));
    cluster_.Put(kProfiles, Profile("two", "mkdir"));
  }
  // What was there is as it was, and what is new arrives.
  void ExpectGoesOn(const std::string& name = "new") {
    cluster_.Put(kProfiles, Profile(name, "rmdir"));
    EXPECT_TRUE(WaitForProfile("team/" + name, "rmdir"));
    EXPECT_NE(ReadAll(space_.profile("team/one")).find("mkdir"), std::string::npos);
  }
  void AlwaysRefuse(const std::string& match, int code, const std::string& reason,
                    const std::string& message, const FakeReply::Headers& headers = {}) {
    cluster_.Always(match, [=](const FakeRequest&, FakeReply& reply) {
      reply.Send(code, FakeCluster::StatusBody(code, reason, message), headers);
    });
  }
};

TEST_F(OutageTest, AServerThatIsDownAtStartIsNoReasonNotToBeReady) {
  PutTwo();
  EXPECT_EQ(AgentProcess(Args({"--once"})).WaitForEnd(), 0);
  cluster_.StopServer();
  const std::string socket = space_.state_dir() + "/state.sock";
  AgentProcess agent(Args());
  EXPECT_NE(agent.WaitForLine("record and disk agree: ready"), "");
  EXPECT_NE(agent.WaitForLine(kTrouble).find("refused"), std::string::npos) << agent.log();
  EXPECT_NE(agent.WaitForLine("the state of this node is not reported"), "");
  const json state = json::parse(HttpGet(socket, "/").body, nullptr, false);
  EXPECT_EQ(state.value("installed", -1), 2) << state.dump();
  cluster_.Put(kProfiles, Profile("one", "mkdir"));
  cluster_.StartServer();
  EXPECT_NE(agent.WaitForLine("connected to the API server"), "");
  EXPECT_TRUE(WaitForReport("True", 2));
  ExpectGoesOn();
}

TEST_F(OutageTest, ARestartedServerLosesNothingAndIsListedNoMore) {
  PutTwo();
  AgentProcess agent(Args());
  ASSERT_TRUE(WaitForReport("True", 2));
  cluster_.StopServer();
  EXPECT_NE(agent.WaitForLine(kTrouble), "");
  cluster_.Put(kProfiles, Profile("two", "rmdir"));  // by another API server of the same etcd
  const std::size_t before = cluster_.requests().size();
  cluster_.StartServer();
  EXPECT_TRUE(WaitForProfile("team/two", "rmdir"));
  ExpectGoesOn();
  const auto requests = cluster_.requests();
  for (std::size_t i = before; i < requests.size(); ++i)
    EXPECT_EQ(requests[i].find("GET " + kProfiles + "?limit"), std::string::npos) << requests[i];
}

// The watch answers 200 and stays silent: only what the Lease is answered tells.
TEST_F(OutageTest, AnEtcdRestoredFromABackupIsNoticedWhenTheServerIsBack) {
  PutTwo();
  AgentProcess agent(Args({"--delete-grace", "100ms"}));
  ASSERT_TRUE(WaitForReport("True", 2));
  ASSERT_TRUE(
      cluster_.AwaitObject(kLeases, "seccompd-system", "node-1", [](const json&) { return true; }));
  const std::uint64_t backup = std::stoull(cluster_.resource_version());
  cluster_.SkipVersions(1000);
  cluster_.Put(kProfiles, Profile("lost", "mkdir"));
  ASSERT_TRUE(WaitForProfile("team/lost", "mkdir"));
  ASSERT_TRUE(WaitForReport("True", 3));
  cluster_.StopServer();
  ASSERT_NE(agent.WaitForLine(kTrouble), "");
  cluster_.SetResourceVersion(backup);
  cluster_.StartServer();
  EXPECT_NE(agent.WaitForLine("went back in time"), "");
  EXPECT_NE(agent.WaitForLine("profile removed"), "");
  EXPECT_FALSE(std::filesystem::exists(space_.profile("team/lost")));
  ExpectGoesOn();
}

TEST_F(OutageTest, AnotherClusterBehindTheSameAddressTakesNoFileAway) {
  PutTwo();
  AgentProcess agent(Args({"--delete-grace", "0s"}));
  ASSERT_TRUE(WaitForReport("True", 2));
  cluster_.StopServer();
  ASSERT_NE(agent.WaitForLine(kTrouble), "");
  cluster_.Delete(kProfiles, "team", "one");
  cluster_.Delete(kProfiles, "team", "two");
  cluster_.Delete(kNamespaces, "", "kube-system");
  cluster_.Put(kNamespaces, {{"metadata", {{"name", "kube-system"}}}});  // another uid
  cluster_.Compact();
  cluster_.StartServer();
  const std::string line = agent.WaitForLine("removal of files is held back");
  EXPECT_NE(line.find("another cluster"), std::string::npos) << agent.log();
  EXPECT_TRUE(std::filesystem::exists(space_.profile("team/two")));
  ExpectGoesOn();
}

TEST_F(OutageTest, ANewCertificateOfTheSameCaNeedsNoWord) {
  PutTwo();
  AgentProcess agent(Args());
  ASSERT_TRUE(WaitForReport("True", 2));
  cluster_.StopServer();
  cluster_.StartServer();
  ExpectGoesOn();
  EXPECT_EQ(agent.log().find("not signed by"), std::string::npos) << agent.log();
}

TEST_F(OutageTest, AnotherCaIsDeniedUntilItsFileIsReplacedAndThenTakenByANewStart) {
  PutTwo();
  {
    AgentProcess agent(Args());
    ASSERT_TRUE(WaitForReport("True", 2));
    cluster_.StopServer();
    cluster_.StartServer(true);
    EXPECT_NE(agent.WaitForLine("not signed by the configured CA"), "") << agent.log();
    space_.WriteFile("ca.pem", cluster_.ca_pem());
    EXPECT_NE(agent.WaitForLine("ending, to be started anew"), "");
    EXPECT_EQ(agent.WaitForEnd(), 3);
  }
  AgentProcess again(Args());
  ExpectGoesOn();
}

// As the kubelet does it: files in a directory of their own, reached through ..data.
TEST_F(OutageTest, AnExpiredTokenIsReplacedBySwappingALink) {
  namespace fs = std::filesystem;
  const fs::path mount = space_.path() + "/token";
  WriteKubeconfig(cluster_.ca_pem());
  fs::remove(mount);
  fs::create_directories(mount / "..1");
  space_.WriteFile("token/..1/token", "first");
  fs::create_directory_symlink("..1", mount / "..data");
  fs::create_symlink("..data/token", mount / "token");
  std::string config = ReadAll(space_.path() + "/kubeconfig");
  config.replace(config.find("tokenFile: token"), 16, "tokenFile: token/token");
  space_.WriteFile("kubeconfig", config);
  cluster_.SetToken("first");
  PutTwo();
  AgentProcess agent(Args());
  ASSERT_TRUE(WaitForReport("True", 2));
  cluster_.SetToken("second");
  cluster_.EndWatches();
  const std::string line = agent.WaitForLine(kTrouble);
  EXPECT_NE(line.find("401"), std::string::npos) << agent.log();
  fs::create_directories(mount / "..2");
  space_.WriteFile("token/..2/token", "second");
  fs::create_directory_symlink("..2", mount / "..data_tmp");
  fs::rename(mount / "..data_tmp", mount / "..data");
  ExpectGoesOn();
}

TEST_F(OutageTest, ARightThatIsTakenAwayIsNamedAndMayComeBack) {
  PutTwo();
  AgentProcess agent(Args());
  ASSERT_TRUE(WaitForReport("True", 2));
  const std::string what = "is forbidden: User \"u\" cannot ";
  AlwaysRefuse("GET " + kProfiles, 403, "Forbidden", what + "watch resource \"profiles\"");
  AlwaysRefuse("PATCH " + std::string(kStates), 403, "Forbidden", what + "patch resource \"nss\"");
  cluster_.EndWatches();
  EXPECT_NE(agent.WaitForLine("cannot watch resource"), "");
  EXPECT_NE(agent.WaitForLine("cannot patch resource"), "");
  cluster_.Always("PATCH " + std::string(kStates), {});
  // One right is back: the report says that the other is missing.
  EXPECT_TRUE(WaitForReport("False", 2));
  cluster_.Always("GET " + kProfiles, {});
  ExpectGoesOn();
  EXPECT_TRUE(WaitForReport("True", 3));
}

TEST_F(OutageTest, ACrdThatIsDeletedAndMadeAnewLeavesTheFilesWhateverTheUids) {
  for (int i = 0; i < 3; ++i) cluster_.Put(kProfiles, Profile("p" + std::to_string(i), "mkdir"));
  cluster_.Put(kProfiles, Profile("one", "mkdir"));
  AgentProcess agent(Args({"--delete-grace", "0s"}));
  ASSERT_TRUE(WaitForReport("True", 4));
  json crd = *cluster_.Get(kCrds, "", "tenantseccompprofiles.seccompd.io");
  crd["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z";
  cluster_.Put(kCrds, crd);
  const json same = *cluster_.Get(kProfiles, "team", "one");
  for (const char* name : {"p0", "p1", "p2", "one"}) cluster_.Delete(kProfiles, "team", name);
  ASSERT_NE(agent.WaitForLine("removal of files is held back"), "");
  cluster_.Forget(kProfiles);
  ASSERT_NE(agent.WaitForLine("CRD is not installed"), "");
  cluster_.Delete(kCrds, "", "tenantseccompprofiles.seccompd.io");
  cluster_.Put(kCrds, {{"metadata", {{"name", "tenantseccompprofiles.seccompd.io"}}}});
  cluster_.Serve(kProfiles, "TenantSeccompProfile");
  cluster_.Compact();                               // an empty list
  cluster_.Put(kProfiles, same);                    // restored by a tool that keeps uids
  cluster_.Put(kProfiles, Profile("p0", "rmdir"));  // applied again: another uid
  EXPECT_TRUE(WaitForProfile("team/p0", "rmdir"));
  EXPECT_TRUE(std::filesystem::exists(space_.profile("team/p1")));
  EXPECT_TRUE(std::filesystem::exists(space_.profile("team/p2")));
  ExpectGoesOn();
}

TEST_F(OutageTest, ACompactedEtcdIsListedAnew) {
  PutTwo();
  AgentProcess agent(Args());
  ASSERT_TRUE(WaitForReport("True", 2));
  cluster_.StopServer();
  ASSERT_NE(agent.WaitForLine(kTrouble), "");
  cluster_.Put(kProfiles, Profile("two", "rmdir"));
  cluster_.Compact();
  cluster_.StartServer();
  EXPECT_NE(agent.WaitForLine("listing all profiles"), "");
  EXPECT_TRUE(WaitForProfile("team/two", "rmdir"));
  ExpectGoesOn();
}

// With SECCOMPD_LONG=true for half an hour.
TEST_F(OutageTest, AnOverloadedServerIsLeftAloneForAsLongAsItSays) {
  const char* const is_long = std::getenv("SECCOMPD_LONG");
  const std::chrono::minutes held(is_long != nullptr && std::string_view(is_long) == "true" ? 30
                                                                                            : 0);
  PutTwo();
  AgentProcess agent(Args());
  ASSERT_TRUE(WaitForReport("True", 2));
  AlwaysRefuse("GET " + kProfiles, 429, "TooManyRequests", "too many requests",
               {{"Retry-After", "2"}});
  const std::size_t before = cluster_.requests().size();
  cluster_.EndWatches();
  const std::string line = agent.WaitForLine(kTrouble);
  EXPECT_NE(line.find("429"), std::string::npos) << line;
  ASSERT_TRUE(cluster_.AwaitRequests("GET " + kProfiles + "?watch", 3));
  const auto end = std::chrono::steady_clock::now() + held;
  do {  // the node goes on without it
    std::filesystem::remove(space_.profile("team/one"));
    ASSERT_TRUE(WaitForProfile("team/one", "mkdir"));
  } while (std::chrono::steady_clock::now() < end);
  cluster_.Always("GET " + kProfiles, {});
  ExpectGoesOn();
  const auto most = 20 + 30 * static_cast<std::size_t>(held.count());  // one each 2 s
  EXPECT_LT(cluster_.requests().size() - before, most) << "it was asked all the time";
}

TEST_F(OutageTest, AServerInTroubleIsAskedAgain) {
  PutTwo();
  AgentProcess agent(Args());
  ASSERT_TRUE(WaitForReport("True", 2));
  AlwaysRefuse("GET " + kProfiles, 500, "InternalError", "etcdserver: request timed out");
  cluster_.EndWatches();
  EXPECT_NE(agent.WaitForLine("etcdserver: request timed out"), "");
  cluster_.Always("GET " + kProfiles, {});
  ExpectGoesOn();
}

TEST_F(OutageTest, AnEventCutInHalfIsNoEvent) {
  PutTwo();
  AgentProcess agent(Args());
  ASSERT_TRUE(WaitForReport("True", 2));
  cluster_.NextTime("watch=true", [](const FakeRequest&, FakeReply& reply) {
    reply.Begin(200);
    reply.Chunk(R"({"type":"DELETED","object":{"kind":"TenantSeccompProfile","metadata":{"na)");
    reply.Abort();
  });
  cluster_.EndWatches();
  EXPECT_NE(agent.WaitForLine(kTrouble), "");
  ExpectGoesOn();
  EXPECT_TRUE(WaitForReport("True", 3));
  EXPECT_EQ(cluster_.faults_left(), 0U);
}

TEST_F(OutageTest, AnObjectOfOneAndAHalfMebibytesIsRefusedAndHoldsNobodyUp) {
  PutTwo();
  AgentProcess agent(Args());
  ASSERT_TRUE(WaitForReport("True", 2));
  json large = Profile("large", "mkdir");
  large["spec"]["profile"]["syscalls"][0]["comment"] = std::string(std::size_t{3} << 19, 'x');
  cluster_.Put(kProfiles, large);
  EXPECT_TRUE(WaitForStatus([](const json& status) {
    return status["invalid"] == 1 && status["profiles"][0]["name"] == "large";
  }));
  ExpectGoesOn();
}

}  // namespace
}  // namespace seccompd::integration
