// SPDX-License-Identifier: Apache-2.0
// The agent's own sandbox: what an agent that was taken over can no longer do, what the real
// agent's process says, and that everything it needs works without any capability.
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "compiler/sanitized.h"
#include "integration/agent_process.h"

namespace seccompd::integration {
namespace {

using nlohmann::json;

class ProbeTest : public ::testing::Test {
 protected:
  // "ok", "errno 13", "signal 31"; on a fresh directory each.
  static std::string Try(const std::string& action, int abi = 0) {
    const Workspace space;
    for (const char* directory : {"root", "root/tenants", "state", "outside"})
      ::mkdir((space.path() + "/" + directory).c_str(), 0700);
    for (const char* file : {"root/tenants/file", "outside/file", "manifests/m.yaml"})
      std::ofstream(space.path() + "/" + file) << "sentinel";
    std::filesystem::create_symlink("../../outside", space.path() + "/root/tenants/link");
    const std::string command = std::string(SECCOMPD_PROBE " " SECCOMPD_COMPILE " ") +
                                space.path() + " " + std::to_string(abi) + " " + action + " 2>&1";
    // exec: a shell of its own would turn the signal into an exit code of 128 and more.
    FILE* const pipe = ::popen(("exec " + command).c_str(), "re");
    std::string text;
    for (int c = std::fgetc(pipe); c != EOF && c != '\n'; c = std::fgetc(pipe))
      text += static_cast<char>(c);
    const int status = ::pclose(pipe);
    EXPECT_EQ(ReadAll(space.path() + "/outside/file"), "sentinel") << action;
    if (WIFSIGNALED(status)) return "signal " + std::to_string(WTERMSIG(status));
    if (WEXITSTATUS(status) != 0 || text == "ok") return text;
    return "errno " + text;
  }
  static std::string Errno(int number) { return "errno " + std::to_string(number); }
};

TEST_F(ProbeTest, WhatIsNotTheAgentsBusinessIsRefused) {
  if (compiler::kIsSanitized) return;  // such a build is not sandboxed, and says so
  const std::string killed = "signal " + std::to_string(SIGSYS);
  struct Row {
    const char* action;
    std::string outcome;
  };
  const std::vector<Row> rows = {
      {"exec", killed},
      {"user-namespace", killed},
      {"mount", killed},
      {"ptrace", killed},
      {"bpf", killed},
      {"make-device", killed},
      {"fork", Errno(ENOSYS)},
      {"raw-socket", Errno(ENOSYS)},
      {"executable-memory", Errno(ENOSYS)},
      {"signal-parent", Errno(ENOSYS)},
      {"signal-zygote", Errno(EPERM)},
      {"chown", Errno(ENOSYS)},
      {"shadow", Errno(EACCES)},
      {"etc", Errno(EACCES)},
      {"proc-1", Errno(EACCES)},
      {"read-outside", Errno(EACCES)},
      {"write-outside", Errno(EACCES)},
      {"by-symlink", Errno(EACCES)},
      {"by-dots", Errno(EACCES)},
      {"truncate-manifest", Errno(EACCES)},
      {"unlink-outside", Errno(EACCES)},
      {"mkdir-beside", Errno(EACCES)},
      {"move-out", Errno(EACCES)},
      {"bind-other", Errno(EACCES)},
      {"connect-other", Errno(EACCES)},
      // And what is.
      {"thread", "ok"},
      {"proc-self", "ok"},
      {"write-profile", "ok"},
      {"write-state", "ok"},
      {"read-manifest", "ok"},
      {"quarantine", "ok"},
      {"quarantine-link", "ok"},
      {"bind-any", "ok"},
  };
  for (const Row& row : rows) EXPECT_EQ(Try(row.action), row.outcome) << row.action;
}

// What an older kernel does not rule, Landlock alone lets through; the rest it refuses there too.
TEST_F(ProbeTest, EachAbiOfLandlockRulesWhatTheTableSays) {
  struct Row {
    const char* action;
    int since;
    std::string refused;
  };
  const std::vector<Row> rows = {
      {"shadow", 1, Errno(EACCES)},        {"write-outside", 1, Errno(EACCES)},
      {"exec", 1, Errno(EACCES)},          {"truncate-manifest", 3, Errno(EACCES)},
      {"connect-other", 4, Errno(EACCES)}, {"bind-other", 4, Errno(EACCES)},
      {"signal-parent", 6, Errno(EPERM)},
  };
  for (int abi = 1; abi <= 6; ++abi) {
    for (const Row& row : rows) {
      const std::string outcome = Try(row.action, abi);
      EXPECT_EQ(outcome == row.refused, abi >= row.since)
          << row.action << " under ABI " << abi << ": " << outcome;
    }
    EXPECT_EQ(Try("quarantine", abi), abi == 1 ? Errno(EXDEV) : "ok") << abi;
    EXPECT_EQ(Try("write-profile", abi), "ok") << abi;
  }
}

class SandboxedAgentTest : public ::testing::Test {
 protected:
  std::vector<std::string> Args(std::vector<std::string> more = {}) const {
    std::vector<std::string> args{"--manifests",      space_.manifests(),
                                  "--seccomp-root",   space_.seccomp_root(),
                                  "--state-dir",      space_.state_dir(),
                                  "--listen-health",  "127.0.0.1:0",
                                  "--listen-metrics", ""};
    args.insert(args.end(), more.begin(), more.end());
    return args;
  }
  void WriteManifest(const std::string& denied) const {
    space_.WriteFile(
        "manifests/a.yaml",
        "apiVersion: seccompd.io/v1alpha1\nkind: TenantSeccompProfile\nmetadata: {name: "
        "web, namespace: team}\nspec:\n  profile:\n    defaultAction: "
        "SCMP_ACT_ALLOW\n    syscalls:\n    - names: [" +
            denied + "]\n      action: SCMP_ACT_ERRNO\n");
  }
  bool WaitForProfile(const std::string& has) const {
    return WaitForFile(space_.profile("team/web"), [&](const std::string& text) {
      return text.find(has) != std::string::npos;
    });
  }
  json Sandboxed() const {
    json found;
    EXPECT_TRUE(WaitForFile(space_.state_dir() + "/state.json", [&](const std::string& text) {
      const json state = json::parse(text, nullptr, false);
      if (!state.is_object()) return false;
      for (const json& condition : state["conditions"]) {
        if (condition["type"] == "Sandboxed") found = condition;
      }
      return found.is_object();
    }));
    return found;
  }
  // A field of /proc/PID/status, without the space before it.
  static std::string StatusField(int pid, const std::string& name) {
    std::ifstream file("/proc/" + std::to_string(pid) + "/status");
    for (std::string line; std::getline(file, line);) {
      if (line.starts_with(name + ":\t")) return line.substr(name.size() + 2);
    }
    return "";
  }
  Workspace space_;
};

TEST_F(SandboxedAgentTest, TheProcessIsAsTheConditionSays) {
  WriteManifest("mkdir");
  AgentProcess agent(Args());
  ASSERT_TRUE(WaitForProfile("\"mkdir\""));
  const json condition = Sandboxed();
  if (compiler::kIsSanitized) {
    EXPECT_EQ(condition["reason"], "SanitizerBuild");
    return;
  }
  EXPECT_EQ(condition["status"], "True") << condition;
  EXPECT_EQ(condition["reason"], "InForce");
  EXPECT_NE(condition["message"].get<std::string>().find("landlock ABI "), std::string::npos);
  EXPECT_NE(condition["message"].get<std::string>().find("seccomp filter"), std::string::npos);
  EXPECT_EQ(StatusField(agent.pid(), "NoNewPrivs"), "1");
  EXPECT_EQ(StatusField(agent.pid(), "Seccomp"), "2");
  for (const auto& task :
       std::filesystem::directory_iterator("/proc/" + std::to_string(agent.pid()) + "/task")) {
    EXPECT_NE(StatusField(std::stoi(task.path().filename()), "Seccomp"), "0")
        << "a thread outside of the filter";
  }
}

TEST_F(SandboxedAgentTest, OffIsOffAndSaysSo) {
  WriteManifest("mkdir");
  AgentProcess agent(Args({"--sandbox", "off"}));
  ASSERT_TRUE(WaitForProfile("\"mkdir\""));
  const json condition = Sandboxed();
  EXPECT_EQ(condition["status"], "False");
  EXPECT_EQ(condition["reason"], "Off");
  EXPECT_EQ(StatusField(agent.pid(), "Seccomp"), "0");
}

TEST_F(SandboxedAgentTest, WorksWithoutAnyCapability) {
  WriteManifest("mkdir");
  AgentProcess agent(Args(), {}, Privileges::kNone);
  ASSERT_TRUE(WaitForProfile("\"mkdir\""));
  EXPECT_EQ(StatusField(agent.pid(), "CapEff"), "0000000000000000");
  EXPECT_EQ(StatusField(agent.pid(), "CapBnd"), "0000000000000000");
  WriteManifest("rmdir");
  ASSERT_TRUE(WaitForProfile("\"rmdir\""));
  const HttpAnswer state = HttpGet(space_.state_dir() + "/state.sock", "/");
  EXPECT_EQ(state.status, 200);
  agent.Signal(SIGTERM);
  EXPECT_EQ(agent.WaitForEnd(), 0);
}

// The rule is on the directory that was there.
TEST_F(SandboxedAgentTest, EndsWhenTenantsIsReplacedAndTheNextServesAgain) {
  if (compiler::kIsSanitized) return;
  WriteManifest("mkdir");
  {
    AgentProcess agent(Args());
    ASSERT_TRUE(WaitForProfile("\"mkdir\""));
    std::filesystem::rename(space_.seccomp_root() + "/tenants", space_.path() + "/away");
    EXPECT_EQ(agent.WaitForEnd(), 3);
    EXPECT_NE(agent.log().find("tenants/ was replaced"), std::string::npos);
  }
  AgentProcess agent(Args());
  EXPECT_TRUE(WaitForProfile("\"mkdir\""));
}

}  // namespace
}  // namespace seccompd::integration
