// SPDX-License-Identifier: Apache-2.0
// The executable against the fake API server, over real HTTPS.
#include <signal.h>
#include <sys/stat.h>

#include <filesystem>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "integration/cluster_fixture.h"

namespace seccompd::integration {
namespace {

using fakes::FakeCluster;

TEST_F(ClusterTest, InstallsWatchesAndReports) {
  cluster_.Put(kProfiles, Profile("web", "mkdir"));
  AgentProcess agent(Args());
  ASSERT_TRUE(WaitForProfile("team/web", "mkdir"));
  struct stat info {};
  ASSERT_EQ(::stat(space_.profile("team/web").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600U);
  ASSERT_TRUE(WaitForStatus(
      [](const json& status) { return status["installed"] == 1 && status["desired"] == 1; }));
  cluster_.Put(kProfiles, Profile("web", "rmdir"));
  ASSERT_TRUE(WaitForProfile("team/web", "rmdir"));
  cluster_.Put(kProfiles, Profile("typo", "mkdirr"));
  ASSERT_TRUE(WaitForStatus([](const json& status) {
    return status["invalid"] == 1 && status["profiles"][0]["reason"] == "UnknownSyscall" &&
           status["profiles"][0]["message"].get<std::string>().find("mkdir") != std::string::npos;
  }));
  const json state = *cluster_.Get(kStates, "", "node-1");
  EXPECT_EQ(state["metadata"]["ownerReferences"][0]["kind"], "Node");
  EXPECT_EQ(state["status"]["facts"]["runtime"], "containerd://1.7.0");
  EXPECT_TRUE(cluster_.AwaitObject(kLeases, "seccompd-system", "node-1", [](const json& lease) {
    return lease["spec"]["holderIdentity"] == "node-1";
  }));
}

TEST_F(ClusterTest, ResumesFromTheRecordWithoutAList) {
  cluster_.Put(kProfiles, Profile("web", "mkdir"));
  {
    AgentProcess agent(Args());
    ASSERT_TRUE(WaitForProfile("team/web", "mkdir"));
    ASSERT_NE(agent.WaitForLine(": ready"), "");
    agent.Signal(SIGTERM);
    EXPECT_EQ(agent.WaitForEnd(), 0);
  }
  const std::size_t before = cluster_.requests().size();
  cluster_.Put(kProfiles, Profile("new", "rmdir"));
  AgentProcess again(Args());
  ASSERT_TRUE(WaitForProfile("team/new", "rmdir"));
  const auto requests = cluster_.requests();
  for (std::size_t i = before; i < requests.size(); ++i) {
    if (requests[i].find("GET " + kProfiles) == std::string::npos) continue;
    EXPECT_NE(requests[i].find("watch="), std::string::npos) << "a LIST: " << requests[i];
  }
}

TEST_F(ClusterTest, ADeletedProfilesFileGoesAfterTheGrace) {
  cluster_.Put(kProfiles, Profile("web", "mkdir"));
  cluster_.Put(kProfiles, Profile("stays", "mkdir"));
  AgentProcess agent(Args({"--delete-grace", "300ms"}));
  ASSERT_TRUE(WaitForProfile("team/web", "mkdir"));
  ASSERT_TRUE(WaitForProfile("team/stays", "mkdir"));
  cluster_.Delete(kProfiles, "team", "web");
  EXPECT_NE(agent.WaitForLine("profile removed"), "");
  EXPECT_FALSE(std::filesystem::exists(space_.profile("team/web")));
  EXPECT_TRUE(std::filesystem::exists(space_.profile("team/stays")));
}

TEST_F(ClusterTest, AMissingCrdIsSaidAndWaitedFor) {
  cluster_.Forget(kProfiles);
  AgentProcess agent(Args());
  const std::string line = agent.WaitForLine("profiles cannot be watched");
  EXPECT_NE(line.find("CRD"), std::string::npos) << line;
  EXPECT_NE(line.find("helm install"), std::string::npos) << line;
  cluster_.Serve(kProfiles, "TenantSeccompProfile");
  cluster_.Put(kProfiles, Profile("web", "mkdir"));
  EXPECT_TRUE(WaitForProfile("team/web", "mkdir"));
}

TEST_F(ClusterTest, ACrdThatGoesTakesNoFileAlong) {
  for (int i = 0; i < 3; ++i) cluster_.Put(kProfiles, Profile("p" + std::to_string(i), "mkdir"));
  AgentProcess agent(Args({"--delete-grace", "0s"}));
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(WaitForProfile("team/p" + std::to_string(i), "mkdir"));
  ASSERT_TRUE(WaitForStatus([](const json& status) { return status["installed"] == 3; }));
  // What a real server does: the CRD is terminating, every object goes with an event, then the
  // resource itself.
  json crd = *cluster_.Get(kCrds, "", "tenantseccompprofiles.seccompd.io");
  crd["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z";
  cluster_.Put(kCrds, crd);
  for (int i = 0; i < 3; ++i) cluster_.Delete(kProfiles, "team", "p" + std::to_string(i));
  EXPECT_NE(agent.WaitForLine("removal of files is held back"), "");
  cluster_.Forget(kProfiles);
  for (int i = 0; i < 3; ++i)
    EXPECT_TRUE(std::filesystem::exists(space_.profile("team/p" + std::to_string(i))));
}

TEST_F(ClusterTest, ATokenWithoutRightsIsSaidAndWaitedFor) {
  cluster_.Always("GET " + kProfiles, [](const fakes::FakeRequest&, fakes::FakeReply& reply) {
    reply.Send(
        403,
        FakeCluster::StatusBody(
            403, "Forbidden",
            "tenantseccompprofiles.seccompd.io is forbidden: User \"u\" cannot list resource "
            "\"tenantseccompprofiles\" at the cluster scope"),
        {{"Content-Type", "application/json"}});
  });
  cluster_.Put(kProfiles, Profile("web", "mkdir"));
  AgentProcess agent(Args());
  EXPECT_NE(agent.WaitForLine("cannot list resource"), "");
  cluster_.Always("GET " + kProfiles, {});
  EXPECT_TRUE(WaitForProfile("team/web", "mkdir"));
}

TEST_F(ClusterTest, AWrongCaIsSaidAndNothingIsSent) {
  const fakes::CertificateAuthority stranger;
  WriteKubeconfig(stranger.certificate_pem());
  AgentProcess agent(Args());
  const std::string line = agent.WaitForLine("profiles cannot be watched");
  EXPECT_NE(line.find("certificate"), std::string::npos) << line;
  EXPECT_TRUE(cluster_.requests().empty());
}

TEST_F(ClusterTest, FilesAreServedWithoutANodeObject) {
  cluster_.Delete(kNodes, "", "node-1");
  cluster_.Put(kProfiles, Profile("web", "mkdir"));
  AgentProcess agent(Args());
  EXPECT_TRUE(WaitForProfile("team/web", "mkdir"));
  EXPECT_NE(agent.WaitForLine("the state of this node is not reported"), "");
  cluster_.Put(kNodes, {{"metadata", {{"name", "node-1"}}}});
  EXPECT_TRUE(WaitForStatus([](const json& status) { return status["installed"] == 1; }));
}

TEST_F(ClusterTest, NothingIsWrittenWhenNothingChanged) {
  cluster_.Put(kProfiles, Profile("web", "mkdir"));
  AgentProcess agent(Args());
  ASSERT_TRUE(WaitForStatus([](const json& status) { return status["installed"] == 1; }));
  ASSERT_TRUE(
      cluster_.AwaitObject(kLeases, "seccompd-system", "node-1", [](const json&) { return true; }));
  const auto writes = [&] {
    std::size_t count = 0;
    for (const std::string& request : cluster_.requests())
      count += request.starts_with("PATCH") ? 1 : 0;
    return count;
  };
  const std::size_t before = writes();
  for (int i = 0; i < 5; ++i) {
    cluster_.SkipVersions(10);
    cluster_.SendBookmark(kProfiles);
  }
  cluster_.Put(kProfiles, Profile("other", "mkdir"));  // an event that is reported bounds the wait
  ASSERT_TRUE(WaitForStatus([](const json& status) { return status["installed"] == 2; }));
  EXPECT_LE(writes(), before + 2) << "bookmarks are no news";
}

TEST_F(ClusterTest, TheLastReportIsSentBeforeTheEnd) {
  cluster_.Put(kProfiles, Profile("web", "mkdir"));
  AgentProcess agent(Args({"--report-interval", "1h"}));
  ASSERT_TRUE(WaitForStatus([](const json& status) { return status.contains("installed"); }));
  cluster_.Put(kProfiles, Profile("late", "mkdir"));
  ASSERT_TRUE(WaitForProfile("team/late", "mkdir"));
  ASSERT_NE(agent.WaitForLine("profile installed", 2), "");
  agent.Signal(SIGTERM);
  EXPECT_EQ(agent.WaitForEnd(), 0);
  EXPECT_EQ((*cluster_.Get(kStates, "", "node-1"))["status"]["installed"], 2);
}

TEST_F(ClusterTest, OnceSyncsReportsAndExits) {
  cluster_.Put(kProfiles, Profile("web", "mkdir"));
  AgentProcess good(Args({"--once"}));
  EXPECT_EQ(good.WaitForEnd(), 0);
  EXPECT_EQ((*cluster_.Get(kStates, "", "node-1"))["status"]["installed"], 1);
  cluster_.Put(kProfiles, Profile("typo", "mkdirr"));
  AgentProcess bad(Args({"--once"}));
  EXPECT_EQ(bad.WaitForEnd(), 1);
}

TEST_F(ClusterTest, AnApiServerThatIsDownAtStartIsWaitedForAndFilesAreServed) {
  cluster_.Put(kProfiles, Profile("web", "mkdir"));
  EXPECT_EQ(AgentProcess(Args({"--once"})).WaitForEnd(), 0);
  cluster_.Always("GET " + kProfiles,
                  [](const fakes::FakeRequest&, fakes::FakeReply& reply) { reply.Abort(); });
  AgentProcess agent(Args());
  EXPECT_NE(agent.WaitForLine("record and disk agree: ready"), "");
  EXPECT_NE(agent.WaitForLine("profiles cannot be watched"), "");
  cluster_.Put(kProfiles, Profile("new", "mkdir"));
  cluster_.Always("GET " + kProfiles, {});
  EXPECT_TRUE(WaitForProfile("team/new", "mkdir"));
}

TEST_F(ClusterTest, ManyProfilesInOneListAllArrive) {
  for (int i = 0; i < 300; ++i)
    cluster_.Put(kProfiles,
                 Profile("p" + std::to_string(i), "mkdir", "ns-" + std::to_string(i % 7)));
  AgentProcess agent(Args());
  ASSERT_TRUE(WaitForStatus([](const json& status) { return status["installed"] == 300; }));
  EXPECT_TRUE(std::filesystem::exists(space_.profile("ns-5/p299")));
}

}  // namespace
}  // namespace seccompd::integration
