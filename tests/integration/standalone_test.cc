// SPDX-License-Identifier: Apache-2.0
// The executable without an API server: profiles from a directory, and all the bad input that a
// directory can hold.
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "integration/agent_process.h"

namespace seccompd::integration {
namespace {

using nlohmann::json;

std::string Manifest(const std::string& name, const std::string& denied,
                     const std::string& name_space = "team") {
  return "apiVersion: seccompd.io/v1alpha1\nkind: TenantSeccompProfile\nmetadata: {name: " + name +
         ", namespace: " + name_space +
         "}\nspec:\n  profile:\n    defaultAction: SCMP_ACT_ALLOW\n    syscalls:\n    - names: [" +
         denied + "]\n      action: SCMP_ACT_ERRNO\n";
}

class StandaloneTest : public ::testing::Test {
 protected:
  std::vector<std::string> Args(std::vector<std::string> more = {}) const {
    std::vector<std::string> args{"--manifests",      space_.manifests(),
                                  "--seccomp-root",   space_.seccomp_root(),
                                  "--state-dir",      space_.state_dir(),
                                  "--listen-health",  "",
                                  "--listen-metrics", ""};
    args.insert(args.end(), more.begin(), more.end());
    return args;
  }
  bool WaitForProfile(const std::string& key, const std::string& has) const {
    return WaitForFile(space_.profile(key), [&](const std::string& text) {
      return text.find(has) != std::string::npos;
    });
  }
  // state.json once it satisfies `is_so`.
  bool WaitForState(const std::function<bool(const json&)>& is_so) const {
    return WaitForFile(space_.state_dir() + "/state.json", [&](const std::string& text) {
      const json state = json::parse(text, nullptr, false);
      return state.is_object() && is_so(state);
    });
  }
  static bool HasSourceError(const json& state, const std::string& part) {
    for (const json& error : state.at("sourceErrors")) {
      if (error.get<std::string>().find(part) != std::string::npos) return true;
    }
    return false;
  }
  Workspace space_;
};

TEST_F(StandaloneTest, InstallsChangesAndRemovesWithTheManifests) {
  space_.WriteFile("manifests/a.yaml", Manifest("web", "mkdir"));
  AgentProcess agent(Args({"--delete-grace", "200ms"}));
  ASSERT_TRUE(WaitForProfile("team/web", "\"mkdir\""));
  struct stat info {};
  ASSERT_EQ(::stat(space_.profile("team/web").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0644U) << "Docker's client reads it as the user who runs it";
  space_.WriteFile("manifests/a.yaml", Manifest("web", "rmdir"));
  ASSERT_TRUE(WaitForProfile("team/web", "\"rmdir\""));
  space_.WriteFile(
      "manifests/b.json",
      R"({"apiVersion":"seccompd.io/v1alpha1","kind":"TenantSeccompProfile","metadata":{"name":"j","namespace":"other"},"spec":{"profile":{"defaultAction":"SCMP_ACT_LOG"}}})");
  ASSERT_TRUE(WaitForProfile("other/j", "SCMP_ACT_LOG"));
  ::unlink((space_.manifests() + "/a.yaml").c_str());
  EXPECT_NE(agent.WaitForLine("profile removed"), "");
  EXPECT_FALSE(std::filesystem::exists(space_.profile("team/web")));
  EXPECT_TRUE(std::filesystem::exists(space_.profile("other/j")));
}

TEST_F(StandaloneTest, ReadsSeveralDocumentsOfOneFile) {
  space_.WriteFile("manifests/all.yaml", Manifest("one", "mkdir") + "---\n" +
                                             Manifest("two", "rmdir") + "---\n" +
                                             Manifest("three", "chmod", "other"));
  AgentProcess agent(Args());
  EXPECT_TRUE(WaitForProfile("team/one", "mkdir"));
  EXPECT_TRUE(WaitForProfile("team/two", "rmdir"));
  EXPECT_TRUE(WaitForProfile("other/three", "chmod"));
}

TEST_F(StandaloneTest, RefusesATypoWithTheNearestName) {
  space_.WriteFile("manifests/typo.yaml", Manifest("typo", "mkdirr, ptrce"));
  AgentProcess agent(Args());
  const std::string line = agent.WaitForLine("profile refused");
  EXPECT_NE(line.find("mkdirr"), std::string::npos) << line;
  EXPECT_NE(line.find("did you mean"), std::string::npos) << line;
  EXPECT_NE(line.find("ptrace"), std::string::npos) << line;
  EXPECT_FALSE(std::filesystem::exists(space_.profile("team/typo")));
  EXPECT_TRUE(WaitForState([](const json& state) { return state["invalid"] == 1; }));
}

TEST_F(StandaloneTest, OnceExitsByWhatItFound) {
  space_.WriteFile("manifests/good.yaml", Manifest("good", "mkdir"));
  EXPECT_EQ(AgentProcess(Args({"--once"})).WaitForEnd(), 0);
  EXPECT_TRUE(std::filesystem::exists(space_.profile("team/good")));
  space_.WriteFile("manifests/bad.yaml", Manifest("bad", "mkdirr"));
  EXPECT_EQ(AgentProcess(Args({"--once"})).WaitForEnd(), 1);
  space_.WriteFile("manifests/bad.yaml", "{ this is no: [yaml");
  EXPECT_EQ(AgentProcess(Args({"--once"})).WaitForEnd(), 1);
}

// One agent, every kind of bad manifest at once: each gets its sentence, and the good one beside
// them is installed.
TEST_F(StandaloneTest, EachBadManifestGetsOneClearErrorAndTheRestGoesOn) {
  space_.WriteFile("manifests/garbage.yaml", std::string("\x00\xff\xfe garbage \x01", 14));
  std::string bomb = "a: &a [x,x,x,x,x,x,x,x,x]\n";
  for (char c = 'b'; c < 'k'; ++c) {
    bomb += std::string(1, c) + ": &" + c + " [";
    for (int i = 0; i < 9; ++i)
      bomb += std::string(i == 0 ? "" : ",") + "*" + static_cast<char>(c - 1);
    bomb += "]\n";
  }
  space_.WriteFile("manifests/bomb.yaml", bomb);
  space_.WriteFile("manifests/deep.json", std::string(100'000, '[') + std::string(100'000, ']'));
  space_.WriteFile("manifests/huge.yaml", std::string(std::size_t{20} << 20, 'x'));
  space_.WriteFile("manifests/kind.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}\n");
  space_.WriteFile(
      "manifests/nameless.yaml",
      "apiVersion: seccompd.io/v1alpha1\nkind: TenantSeccompProfile\nspec: {profile: {}}\n");
  space_.WriteFile("manifests/selfref.yaml", "a: &a [*a]\n");
  space_.WriteFile("manifests/twice-1.yaml", Manifest("twice", "mkdir"));
  space_.WriteFile("manifests/twice-2.yaml", Manifest("twice", "rmdir"));
  space_.WriteFile("manifests/zgood.yaml", Manifest("good", "mkdir"));
  std::filesystem::create_symlink("/nonexistent", space_.manifests() + "/dangling.yaml");
  ::mkdir((space_.manifests() + "/directory.yaml").c_str(), 0755);
  ::mkfifo((space_.manifests() + "/fifo.yaml").c_str(), 0644);
  AgentProcess agent(Args());
  ASSERT_TRUE(WaitForProfile("team/good", "mkdir"));
  ASSERT_TRUE(WaitForProfile("team/twice", "mkdir")) << "the first file by name counts";
  // One state that has it all: state.json follows the files, in its own time.
  json state;
  ASSERT_TRUE(WaitForState([&state](const json& now) {
    state = now;
    return now["sourceErrors"].size() >= 9 && now["installed"] == 2;
  })) << state.dump(1);
  for (const char* part :
       {"garbage.yaml", "bomb.yaml", "deep.json", "huge.yaml",
        "kind.yaml line 1: is a v1 ConfigMap", "nameless.yaml line 1: has no metadata.name",
        "selfref.yaml", "team/twice is there twice", "fifo.yaml"}) {
    EXPECT_TRUE(HasSourceError(state, part)) << part << "\n" << state["sourceErrors"].dump(1);
  }
}

TEST_F(StandaloneTest, ABrokenFileKeepsWhatItLastGave) {
  space_.WriteFile("manifests/a.yaml", Manifest("web", "mkdir"));
  AgentProcess agent(Args({"--delete-grace", "0s"}));
  ASSERT_TRUE(WaitForProfile("team/web", "mkdir"));
  space_.WriteFile("manifests/a.yaml", "{ broken");
  ASSERT_TRUE(WaitForState([](const json& state) {
    return HasSourceError(state, "a.yaml") && state["installed"] == 1;
  }));
  EXPECT_TRUE(std::filesystem::exists(space_.profile("team/web")));
}

TEST_F(StandaloneTest, AManifestsDirectoryThatGoesRemovesNothing) {
  space_.WriteFile("manifests/a.yaml", Manifest("web", "mkdir"));
  AgentProcess agent(Args({"--delete-grace", "0s"}));
  ASSERT_TRUE(WaitForProfile("team/web", "mkdir"));
  std::filesystem::rename(space_.manifests(), space_.path() + "/away");
  ASSERT_TRUE(WaitForState(
      [](const json& state) { return HasSourceError(state, "nothing is removed meanwhile"); }));
  EXPECT_TRUE(std::filesystem::exists(space_.profile("team/web")));
  std::filesystem::rename(space_.path() + "/away", space_.manifests());
  space_.WriteFile("manifests/a.yaml", Manifest("web", "rmdir"));
  EXPECT_TRUE(WaitForProfile("team/web", "rmdir")) << "and is taken up again when it is back";
}

TEST_F(StandaloneTest, ARestartRewritesNothing) {
  space_.WriteFile("manifests/a.yaml", Manifest("web", "mkdir"));
  EXPECT_EQ(AgentProcess(Args({"--once"})).WaitForEnd(), 0);
  struct stat before {};
  ASSERT_EQ(::stat(space_.profile("team/web").c_str(), &before), 0);
  EXPECT_EQ(AgentProcess(Args({"--once"})).WaitForEnd(), 0);
  struct stat after {};
  ASSERT_EQ(::stat(space_.profile("team/web").c_str(), &after), 0);
  EXPECT_EQ(before.st_ino, after.st_ino);
}

TEST_F(StandaloneTest, ASecondAgentWaitsForTheFirst) {
  AgentProcess first(Args());
  ASSERT_NE(first.WaitForLine("first full pass done"), "");
  AgentProcess second(Args());
  ASSERT_NE(second.WaitForLine("another agent runs on this node"), "");
  first.Signal(SIGTERM);
  EXPECT_EQ(first.WaitForEnd(), 0);
  EXPECT_NE(second.WaitForLine(": ready"), "");
}

TEST_F(StandaloneTest, SigtermEndsItAndFilesStay) {
  space_.WriteFile("manifests/a.yaml", Manifest("web", "mkdir"));
  AgentProcess agent(Args());
  ASSERT_TRUE(WaitForProfile("team/web", "mkdir"));
  agent.Signal(SIGTERM);
  EXPECT_EQ(agent.WaitForEnd(), 0);
  EXPECT_TRUE(std::filesystem::exists(space_.profile("team/web")));
}

TEST_F(StandaloneTest, TheCompilersDeathEndsTheAgent) {
  AgentProcess agent(Args());
  ASSERT_NE(agent.WaitForLine(": ready"), "");
  const std::string task =
      "/proc/" + std::to_string(agent.pid()) + "/task/" + std::to_string(agent.pid()) + "/children";
  const std::string children = ReadAll(task);
  ASSERT_FALSE(children.empty());
  ::kill(std::stoi(children), SIGKILL);
  EXPECT_EQ(agent.WaitForEnd(), 3);
  EXPECT_NE(agent.log().find("compiler process died"), std::string::npos);
}

TEST_F(StandaloneTest, HealthMetricsAndStateAnswer) {
  space_.WriteFile("manifests/a.yaml", Manifest("web", "mkdir"));
  // Fixed ports on loopback would collide with other tests: the state socket has no port, the
  // others take any.
  AgentProcess agent(Args());
  ASSERT_NE(agent.WaitForLine(": ready"), "");
  const HttpAnswer answer = HttpGet(space_.state_dir() + "/state.sock", "/");
  EXPECT_EQ(answer.status, 200);
  const json state = json::parse(answer.body, nullptr, false);
  ASSERT_TRUE(state.is_object()) << answer.body;
  EXPECT_EQ(state["profiles"][0]["name"], "web");
  struct stat info {};
  ASSERT_EQ(::stat((space_.state_dir() + "/state.sock").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600U);
}

struct BadRoot {
  const char* name;
  std::function<std::vector<std::string>(const Workspace&)> make;  // further arguments
  const char* says;
};

TEST_F(StandaloneTest, ABadSeccompRootIsRefusedAtStartWithWhatToDo) {
  const std::vector<BadRoot> rows = {
      {"missing",
       [](const Workspace& w) {
         return std::vector<std::string>{"--seccomp-root", w.path() + "/nowhere"};
       },
       "nowhere"},
      {"symlink",
       [](const Workspace& w) {
         std::filesystem::create_symlink(w.seccomp_root(), w.path() + "/link");
         return std::vector<std::string>{"--seccomp-root", w.path() + "/link"};
       },
       "symlink"},
      {"file",
       [](const Workspace& w) {
         w.WriteFile("plain", "x");
         return std::vector<std::string>{"--seccomp-root", w.path() + "/plain"};
       },
       "plain"},
      {"not root's",
       [](const Workspace& w) {
         ::mkdir((w.path() + "/other").c_str(), 0755);
         EXPECT_EQ(::chown((w.path() + "/other").c_str(), 12345, 12345), 0)
             << "this test runs as root";
         return std::vector<std::string>{"--seccomp-root", w.path() + "/other"};
       },
       "12345"},
      {"writable by all",
       [](const Workspace& w) {
         ::mkdir((w.path() + "/open").c_str(), 0755);
         ::chmod((w.path() + "/open").c_str(), 0777);
         return std::vector<std::string>{"--seccomp-root", w.path() + "/open"};
       },
       "writable"},
  };
  for (const BadRoot& row : rows) {
    AgentProcess agent(Args(row.make(space_)));
    EXPECT_EQ(agent.WaitForEnd(), 3) << row.name;
    EXPECT_NE(agent.WaitForLine("cannot start").find(row.says), std::string::npos)
        << row.name << ": " << agent.log();
  }
}

TEST_F(StandaloneTest, TwentyKilledAgentsLeaveNothingBehind) {
  space_.WriteFile("manifests/a.yaml", Manifest("web", "mkdir"));
  for (int i = 0; i < 20; ++i) {
    AgentProcess agent(Args());
    ASSERT_TRUE(WaitForProfile("team/web", "mkdir"));
    agent.Signal(SIGKILL);
    EXPECT_EQ(agent.WaitForEnd(), 128 + SIGKILL);
  }
  // Two kills in a row may have hit it while it was compiled: then it is left aside for one start.
  (void)AgentProcess(Args({"--once"})).WaitForEnd();
  EXPECT_EQ(AgentProcess(Args({"--once"})).WaitForEnd(), 0);
  int entries = 0;
  for (const auto& entry :
       std::filesystem::recursive_directory_iterator(space_.seccomp_root() + "/tenants")) {
    entries += entry.is_regular_file() ? 1 : 0;
  }
  EXPECT_EQ(entries, 1);
}

}  // namespace
}  // namespace seccompd::integration
