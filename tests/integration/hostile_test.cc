// SPDX-License-Identifier: Apache-2.0
// An agent that is killed, twice, while a profile whose child does not come back is under way.
// (What such a profile becomes in the end: tests/agent/hostile_test.cc.)
#include <poll.h>
#include <signal.h>

#include <chrono>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "integration/agent_process.h"

namespace seccompd::integration {
namespace {

using nlohmann::json;

std::string Manifest(const std::string& name, const std::string& comment) {
  return "apiVersion: seccompd.io/v1alpha1\nkind: TenantSeccompProfile\nmetadata: {name: " + name +
         ", namespace: team}\nspec:\n  profile:\n    defaultAction: SCMP_ACT_ALLOW\n    syscalls:\n"
         "    - {names: [mkdir], action: SCMP_ACT_ERRNO, comment: \"" +
         comment + "\"}\n";
}

class HostileTest : public ::testing::Test {
 protected:
  // Beside the agent stands the compiler whose children misbehave on command.
  HostileTest() : bin_(space_.path() + "/bin") {
    std::filesystem::create_directory(bin_);
    std::filesystem::copy_file(SECCOMPD_EXECUTABLE, bin_ + "/seccompd");
    std::filesystem::copy_file(SECCOMPD_COMPILE_TESTING, bin_ + "/seccompd-compile");
  }

  std::unique_ptr<AgentProcess> Start() const {
    const std::vector<std::string> args = {"--manifests",      space_.manifests(),
                                           "--seccomp-root",   space_.seccomp_root(),
                                           "--state-dir",      space_.state_dir(),
                                           "--listen-health",  "",
                                           "--listen-metrics", ""};
    return std::make_unique<AgentProcess>(args, std::map<std::string, std::string>{},
                                          Privileges::kInherited, bin_ + "/seccompd");
  }

  // What is noted as under way, and the counts of what was so at starts.
  struct Tried {
    std::vector<std::string> under_way, counts;
    bool operator==(const Tried&) const = default;
  };
  Tried ReadTried() const {
    Tried tried;
    std::error_code error;
    for (const auto& entry :
         std::filesystem::directory_iterator(space_.state_dir() + "/tried", error)) {
      const std::string text = ReadAll(entry.path());
      if (entry.path().filename().string().size() == 64) tried.counts.push_back(text);
      if (!entry.path().filename().string().starts_with("with-")) continue;
      std::istringstream lines(text);
      for (std::string line; std::getline(lines, line);) tried.under_way.push_back(line);
    }
    return tried;
  }

  static bool Eventually(const std::function<bool()>& condition) {
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(30);
    while (!condition()) {
      if (std::chrono::steady_clock::now() > end) return false;
      ::poll(nullptr, 0, 1);
    }
    return true;
  }

  bool WaitForState(const std::string& name, const std::string& state) const {
    return WaitForFile(space_.state_dir() + "/state.json", [&](const std::string& text) {
      const json all = json::parse(text, nullptr, false);
      if (!all.is_object()) return false;
      for (const json& row : all.at("profiles")) {
        if (row.at("name") == name) return row.at("state") == state;
      }
      return false;
    });
  }

  Workspace space_;
  std::string bin_;
};

TEST_F(HostileTest, WhatWasUnderWayAtTwoKillsIsLeftAsideForOneStart) {
  space_.WriteFile("manifests/good.yaml", Manifest("good", "harmless"));
  {
    const auto agent = Start();
    ASSERT_TRUE(WaitForFile(space_.profile("team/good"),
                            [](const std::string& text) { return !text.empty(); }));
    ASSERT_TRUE(Eventually([&] { return ReadTried() == Tried(); }));
    space_.WriteFile("manifests/evil.yaml", Manifest("evil", "test:sleep"));
    ASSERT_TRUE(Eventually([&] { return ReadTried().under_way.size() == 1; }));
    agent->Signal(SIGKILL);
    EXPECT_EQ(agent->WaitForEnd(), 128 + SIGKILL);
  }
  ASSERT_EQ(ReadTried().under_way.size(), 1U) << "it was under way";
  {
    const auto agent = Start();
    ASSERT_TRUE(Eventually([&] { return ReadTried().counts == std::vector<std::string>{"1"}; }));
    agent->Signal(SIGKILL);
    EXPECT_EQ(agent->WaitForEnd(), 128 + SIGKILL);
  }
  {
    const auto agent = Start();
    EXPECT_NE(agent->WaitForLine("left aside"), "");
    EXPECT_TRUE(WaitForState("evil", "Failed"));
    agent->Signal(SIGTERM);
    EXPECT_EQ(agent->WaitForEnd(), 0);
  }
  const auto agent = Start();
  EXPECT_TRUE(Eventually([&] {
    const Tried tried = ReadTried();
    return tried.under_way.size() == 1 && tried.counts.empty();
  })) << "it is tried anew, and counted from the beginning";
}

}  // namespace
}  // namespace seccompd::integration
