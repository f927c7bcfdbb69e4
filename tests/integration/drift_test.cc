// SPDX-License-Identifier: Apache-2.0
// The executable while somebody else changes its files: one change, a storm, and what is reported.
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <mutex>
#include <random>
#include <thread>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "fakes/fake_cluster.h"
#include "integration/agent_process.h"

namespace seccompd::integration {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

constexpr int kProfiles = 100;
constexpr char kPostEvent[] = "POST /api/v1/namespaces/default/events";

std::string Manifest(const std::string& name, int errno_value) {
  return "apiVersion: seccompd.io/v1alpha1\nkind: TenantSeccompProfile\nmetadata: {name: " + name +
         ", namespace: team}\nspec:\n  profile:\n    defaultAction: SCMP_ACT_ALLOW\n    syscalls:\n"
         "    - names: [mkdir]\n      action: SCMP_ACT_ERRNO\n      errnoRet: " +
         std::to_string(errno_value) + "\n---\n";
}

std::vector<std::string> Standalone(const Workspace& space, std::vector<std::string> more = {}) {
  std::vector<std::string> args{"--manifests",      space.manifests(),
                                "--seccomp-root",   space.seccomp_root(),
                                "--state-dir",      space.state_dir(),
                                "--listen-health",  "",
                                "--listen-metrics", ""};
  args.insert(args.end(), more.begin(), more.end());
  return args;
}

bool WaitForText(const std::string& path, const std::string& wanted) {
  return WaitForFile(path, [&](const std::string& text) { return text == wanted; });
}

// Changes files in every way, as fast as it can, until told to end.
void Tamper(const Workspace& space, const std::atomic<bool>& stop, unsigned seed) {
  std::minstd_rand random(seed);
  while (!stop) {
    const std::string file = space.profile("team/p" + std::to_string(random() % kProfiles));
    switch (random() % 5) {
      case 0:
        ::unlink(file.c_str());
        break;
      case 1:
        std::ofstream(file, std::ios::app) << "x";
        break;
      case 2:
        ::chmod(file.c_str(), 0600);
        break;
      case 3:
        ::rename(file.c_str(), (file + ".moved").c_str());
        break;
      default:
        ::unlink(file.c_str());
        // Within the workspace: the other ways follow it, as root.
        if (::symlink("decoy", file.c_str()) != 0) continue;
    }
  }
}

TEST(DriftProcessTest, AStormStarvesNothingAndEndsTrue) {
  const Workspace space;
  std::string manifests;
  for (int i = 0; i < kProfiles; ++i) manifests += Manifest("p" + std::to_string(i), i + 2);
  space.WriteFile("manifests/a.yaml", manifests);
  const AgentProcess agent(Standalone(space));
  std::vector<std::string> wanted;
  for (int i = 0; i < kProfiles; ++i) {
    const std::string file = space.profile("team/p" + std::to_string(i));
    ASSERT_TRUE(WaitForFile(file, [](const std::string& text) { return !text.empty(); }));
    wanted.push_back(ReadAll(file));
  }
  std::atomic<bool> stop{false};
  {
    std::jthread first([&] { Tamper(space, stop, 1); });
    std::jthread second([&] { Tamper(space, stop, 2); });
    for (int i = 0; i < 5; ++i) {  // installs go on meanwhile
      const std::string name = "new" + std::to_string(i);
      space.WriteFile("manifests/" + name + ".yaml", Manifest(name, 7));
      EXPECT_TRUE(WaitForFile(space.profile("team/" + name), [](const std::string& text) {
        return text.find("\"errnoRet\":7") != std::string::npos;
      })) << name;
    }
    EXPECT_NE(agent.log().find("file was not as written"), std::string::npos);
    stop = true;
  }
  for (int i = 0; i < kProfiles; ++i) {
    const std::string file = space.profile("team/p" + std::to_string(i));
    EXPECT_TRUE(WaitForText(file, wanted[static_cast<std::size_t>(i)])) << file;
    struct stat found {};
    EXPECT_EQ(::lstat(file.c_str(), &found), 0);
    EXPECT_TRUE(S_ISREG(found.st_mode)) << file;
  }
}

TEST(DriftProcessTest, QuarantineIsAFlag) {
  const Workspace space;
  space.WriteFile("manifests/a.yaml", Manifest("web", 2));
  AgentProcess agent(Standalone(space, {"--foreign", "quarantine"}));
  ASSERT_NE(agent.WaitForLine("first full pass done"), "");
  std::ofstream(space.seccomp_root() + "/tenants/team/notes.txt") << "nobody's";
  EXPECT_NE(agent.WaitForLine("team/notes.txt (quarantined)"), "");
  EXPECT_FALSE(fs::exists(space.seccomp_root() + "/tenants/team/notes.txt"));
  EXPECT_TRUE(fs::exists(space.profile("team/web")));
  EXPECT_EQ(std::distance(fs::directory_iterator(space.state_dir() + "/quarantine"), {}), 1);
}

TEST(DriftProcessTest, ADamagedRecordLosesNothing) {
  const Workspace space;
  space.WriteFile("manifests/a.yaml", Manifest("web", 2) + Manifest("gone", 3));
  ASSERT_EQ(AgentProcess(Standalone(space, {"--once"})).WaitForEnd(), 0);
  const std::string wanted = ReadAll(space.profile("team/web"));
  struct stat before {};
  ASSERT_EQ(::stat(space.profile("team/web").c_str(), &before), 0);
  std::ofstream(space.state_dir() + "/record") << "nonsense";
  space.WriteFile("manifests/a.yaml", Manifest("web", 2));
  AgentProcess agent(Standalone(space, {"--foreign", "quarantine"}));
  ASSERT_NE(agent.WaitForLine("the record is not usable"), "");
  ASSERT_NE(agent.WaitForLine("entries below tenants/ that no profile accounts for"), "");
  EXPECT_EQ(ReadAll(space.profile("team/web")), wanted);
  struct stat after {};
  ASSERT_EQ(::stat(space.profile("team/web").c_str(), &after), 0);
  EXPECT_EQ(before.st_ino, after.st_ino) << "adopted, not written anew";
  EXPECT_TRUE(fs::exists(space.profile("team/gone"))) << "taken only when nobody's for a minute";
}

TEST(DriftProcessTest, DriftIsReportedAndOneEventSent) {
  const Workspace space;
  fakes::FakeCluster cluster;
  cluster.Put("/api/v1/nodes", {{"metadata", {{"name", "node-1"}}}});
  cluster.Put("/api/v1/namespaces", {{"metadata", {{"name", "kube-system"}}}});
  cluster.Put("/apis/apiextensions.k8s.io/v1/customresourcedefinitions",
              {{"metadata", {{"name", "tenantseccompprofiles.seccompd.io"}}}});
  for (const char* name : {"one", "two"}) {
    cluster.Put(std::string(fakes::kProfilesPath),
                {{"metadata", {{"name", name}, {"namespace", "team"}}},
                 {"spec", {{"profile", {{"defaultAction", "SCMP_ACT_ALLOW"}}}}}});
  }
  space.WriteFile("ca.pem", cluster.ca_pem());
  space.WriteFile("token", "t0ken");
  space.WriteFile("kubeconfig",
                  "apiVersion: v1\nkind: Config\ncurrent-context: c\ncontexts: [{name: c, context: "
                  "{cluster: c, user: u}}]\nclusters: [{name: c, cluster: {server: \"" +
                      cluster.origin() +
                      "\", certificate-authority: ca.pem}}]\nusers: [{name: u, user: {tokenFile: "
                      "token}}]\n");
  const std::string uid =
      (*cluster.Get("/api/v1/nodes", "", "node-1"))["metadata"]["uid"].get<std::string>();
  std::mutex mutex;
  json event;
  cluster.NextTime(kPostEvent, [&](const fakes::FakeRequest& request, fakes::FakeReply& reply) {
    const std::lock_guard lock(mutex);
    event = json::parse(request.body, nullptr, false);
    reply.Send(201, request.body);
  });
  AgentProcess agent({"--kubeconfig", space.path() + "/kubeconfig", "--node-name", "node-1",
                      "--seccomp-root", space.seccomp_root(), "--state-dir", space.state_dir(),
                      "--listen-health", "", "--listen-metrics", "", "--report-interval", "100ms",
                      "--ceiling", "none"});
  const auto is_there = [](const std::string& text) { return !text.empty(); };
  ASSERT_TRUE(WaitForFile(space.profile("team/one"), is_there));
  ASSERT_TRUE(WaitForFile(space.profile("team/two"), is_there));
  ASSERT_NE(agent.WaitForLine("first full pass done"), "");
  ::unlink(space.profile("team/one").c_str());
  ASSERT_TRUE(cluster.AwaitRequests(kPostEvent, 1));
  ::unlink(space.profile("team/two").c_str());
  ASSERT_NE(agent.WaitForLine("restored from the cache", 2), "");
  ::chmod(space.profile("team/two").c_str(), 0666);
  EXPECT_TRUE(cluster.AwaitObject(
      "/apis/seccompd.io/v1alpha1/nodeseccompstates", "", "node-1", [](const json& object) {
        return object.contains("status") && object["status"].contains("lastDriftTime") &&
               object["status"]["driftKinds"] == json::array({"missing", "mode"});
      }));
  ASSERT_TRUE(cluster.AwaitRequests(kPostEvent, 2));  // of the other kind
  const std::lock_guard lock(mutex);
  EXPECT_EQ(event["involvedObject"],
            (json{{"apiVersion", "v1"}, {"kind", "Node"}, {"name", "node-1"}, {"uid", uid}}));
  EXPECT_EQ(event["reason"], "SeccompDrift");
  EXPECT_EQ(event["type"], "Warning");
  EXPECT_EQ(event["source"]["component"], "seccompd-agent");
  EXPECT_EQ(event["count"], 1);
  EXPECT_NE(event["message"].get<std::string>().find("tenants/team/one.json"), std::string::npos);
  std::size_t posts = 0;
  for (const std::string& request : cluster.requests()) posts += request.starts_with(kPostEvent);
  EXPECT_EQ(posts, 2U) << "one a kind";
}

}  // namespace
}  // namespace seccompd::integration
