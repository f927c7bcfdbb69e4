// SPDX-License-Identifier: Apache-2.0
// A zygote under test: the real executable, or seccompd-compile-testing, whose children misbehave
// on command; and what /proc tells of it and its children.
#pragma once

#include <poll.h>
#include <sys/types.h>

#include <chrono>
#include <cstddef>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "seccompd/compiler/zygote.h"

namespace seccompd::compiler {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SECCOMPD_IS_SANITIZED 1
#else
#define SECCOMPD_IS_SANITIZED 0
#endif
inline constexpr bool kIsSanitized = SECCOMPD_IS_SANITIZED != 0;

inline constexpr std::chrono::milliseconds kPatience{20'000};

inline constexpr char kGoodSpec[] =
    R"({"profile":{"defaultAction":"SCMP_ACT_ERRNO","syscalls":[{"names":["read","execve","exit_group"],"action":"SCMP_ACT_ALLOW"}]}})";

// Good, unreadable, in error, with warnings, for other nodes, with a base; and the first again.
inline std::vector<std::string> SpecsOfAllKinds() {
  return {
      kGoodSpec,
      "no json",
      R"({"profile":{"defaultAction":"SCMP_ACT_ERRNO","syscalls":[{"names":["raed"],"action":"SCMP_ACT_ALLOW"}]}})",
      R"({"profile":{"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"names":["mkdir"],"action":"SCMP_ACT_ERRNO"}]}})",
      R"({"nodeSelector":{"matchLabels":{"zone":"b"}},"profile":{"defaultAction":"SCMP_ACT_ALLOW"}})",
      R"({"bases":["shared"],"profile":{"defaultAction":"SCMP_ACT_ERRNO"}})",
      kGoodSpec};
}

inline std::unique_ptr<Zygote> Start(const char* executable,
                                     std::chrono::milliseconds wall = kPatience) {
  ZygoteOptions options;
  options.executable = executable;
  options.wall_limit = wall;
  Result<std::unique_ptr<Zygote>> zygote = Zygote::Start(options);
  EXPECT_TRUE(zygote.ok()) << zygote.error().message;
  return zygote.ok() ? *std::move(zygote) : nullptr;
}
inline std::unique_ptr<Zygote> StartReal() { return Start(SECCOMPD_COMPILE); }
inline std::unique_ptr<Zygote> StartTesting(std::chrono::milliseconds wall = kPatience) {
  return Start(SECCOMPD_COMPILE_TESTING, wall);
}

inline CompileRequest Ask(std::string spec) {
  return {std::move(spec), {"SCMP_ARCH_X86_64", "", {}, "both"}, {}, "none"};
}

inline std::size_t CountFds(const std::string& pid) {
  const std::filesystem::directory_iterator all("/proc/" + pid + "/fd");
  return static_cast<std::size_t>(std::distance(begin(all), end(all)));
}

inline std::vector<pid_t> ChildrenOf(pid_t pid) {
  const std::string number = std::to_string(pid);
  std::ifstream in("/proc/" + number + "/task/" + number + "/children");
  return {std::istream_iterator<pid_t>(in), {}};
}

// Looks again until `condition` holds; what it waits for is another process's doing.
inline bool Eventually(const std::function<bool()>& condition) {
  const auto end = std::chrono::steady_clock::now() + kPatience;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > end) return false;
    ::poll(nullptr, 0, 1);
  }
  return true;
}

// The child that has a request; the next one is forked only after it got it. (The kernel lists them
// in the order of their birth.)
inline pid_t BusyChildOf(const Zygote& zygote) {
  EXPECT_TRUE(Eventually([&] { return ChildrenOf(zygote.pid()).size() == 2; }));
  return ChildrenOf(zygote.pid()).front();
}

// Runs a request whose child waits for ever, and does something to that child.
inline Result<CompileAnswer> WithSleepingChild(Zygote& zygote,
                                               const std::function<void(pid_t)>& act) {
  std::thread actor([&] { act(BusyChildOf(zygote)); });
  Result<CompileAnswer> answer = zygote.Compile(Ask("test:sleep"));
  actor.join();
  return answer;
}

}  // namespace seccompd::compiler
