// SPDX-License-Identifier: Apache-2.0
// Requests that misbehave: each is a verdict on itself, by limits and filter, and harms nobody
// else.
#include <signal.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "compiler/zygote_fixture.h"

namespace seccompd::compiler {
namespace {

// A sanitizer's runtime keeps descriptors, takes address space and makes system calls of its own:
// no filter and no such limits then, and none of these tests.
#if !SECCOMPD_IS_SANITIZED
// A line of /proc/PID/status; empty where the kernel has none of that name.
std::string StatusOf(pid_t pid, const std::string& name) {
  std::ifstream in("/proc/" + std::to_string(pid) + "/status");
  for (std::string line; std::getline(in, line);) {
    if (line.starts_with(name + ":\t")) return line.substr(name.size() + 2);
  }
  return "";
}

TEST(ZygoteTest, ChildHoldsNothingButItsSocket) {
  const auto zygote = StartTesting();
  const Result<CompileAnswer> answer = zygote->Compile(Ask("test:fds"));
  ASSERT_TRUE(answer.ok()) << answer.error().message;
  EXPECT_EQ(answer->findings[0].code, "InvalidJson");
}

TEST(ZygoteTest, MemoryEatersAreVerdicts) {
  const auto zygote = StartTesting();
  const Result<CompileAnswer> answer = zygote->Compile(Ask("test:eat"));
  ASSERT_FALSE(answer.ok());
  EXPECT_EQ(answer.error().code, ErrorCode::kInvalid);
  EXPECT_NE(answer.error().message.find("memory"), std::string::npos) << answer.error().message;
  EXPECT_TRUE(zygote->Compile(Ask(kGoodSpec)).ok());
}

// Nothing of what one of several does to their child is a verdict on any of them.
TEST(ZygoteTest, OneThatMisbehavesAmongSeveralIsFoundOutAlone) {
  const auto zygote = StartTesting(std::chrono::milliseconds(5000));
  const CompileRequest common = Ask("");
  for (const char* what : {"crash", "abort", "spin", "eat", "exit", "silent", "garbage", "short",
                           "trailing", "open"}) {
    const std::string bad = std::string("test:") + what;
    const std::vector<std::string> specs = {kGoodSpec, bad, kGoodSpec};
    EXPECT_FALSE(zygote->CompileTogether("team", common, specs).ok()) << what;
    const Result<CompileAnswer> alone = zygote->Compile(Ask(bad));
    EXPECT_EQ(alone.error().code, ErrorCode::kInvalid) << what;
  }
  const std::vector<std::string> good(3, kGoodSpec);
  EXPECT_TRUE(zygote->CompileTogether("team", common, good).ok());
}

// Each of these calls in a child ends it, twice, which is a verdict on the input that did it.
TEST(ZygoteTest, ChildDiesOfWhateverItHasNoUseFor) {
  const auto zygote = StartTesting();
  for (const char* call :
       {"open",    "stat",    "unlink",    "socket",      "socketpair", "connect",
        "sendmsg", "recvmsg", "kill",      "tgkill",      "ptrace",     "readv",
        "fork",    "clone3",  "execve",    "executable",  "mprotect",   "dup",
        "futex",   "prctl",   "setrlimit", "sigprocmask", "x32",        "highest"}) {
    const Result<CompileAnswer> answer = zygote->Compile(Ask(std::string("test:") + call));
    ASSERT_FALSE(answer.ok()) << call;
    EXPECT_EQ(answer.error().code, ErrorCode::kInvalid) << call;
    EXPECT_NE(answer.error().message.find("twice"), std::string::npos) << answer.error().message;
  }
  // What it does not know is no call at all: the child lives, and judges the text.
  ASSERT_TRUE(zygote->Compile(Ask("test:nothing")).ok());
}

TEST(ZygoteTest, ZygoteAndChildrenAreFilteredForGood) {
  const auto zygote = StartReal();
  ASSERT_TRUE(Eventually([&] { return ChildrenOf(zygote->pid()).size() == 1; }));
  const pid_t child = ChildrenOf(zygote->pid()).front();
  EXPECT_TRUE(Eventually([&] { return StatusOf(child, "Seccomp") == "2"; }));
  for (const pid_t pid : {zygote->pid(), child}) {
    EXPECT_EQ(StatusOf(pid, "Seccomp"), "2");
    EXPECT_EQ(StatusOf(pid, "NoNewPrivs"), "1");
    EXPECT_EQ(StatusOf(pid, "Threads"), "1");
  }
  // (Linux 5.9 and later tell how many.) The child comes with the zygote's and adds its own.
  if (!StatusOf(child, "Seccomp_filters").empty()) {
    const int zygotes = std::stoi(StatusOf(zygote->pid(), "Seccomp_filters"));
    EXPECT_TRUE(Eventually(
        [&] { return StatusOf(child, "Seccomp_filters") == std::to_string(zygotes + 1); }));
  }
}
#endif  // !SECCOMPD_IS_SANITIZED

TEST(ZygoteTest, CpuEatersAreVerdicts) {
  const auto zygote = StartTesting();
  for (const char* what : {"test:spin", "test:hang"}) {
    const Result<CompileAnswer> answer = zygote->Compile(Ask(what));
    ASSERT_FALSE(answer.ok()) << what;
    EXPECT_EQ(answer.error().code, ErrorCode::kInvalid) << what;
    EXPECT_NE(answer.error().message.find("CPU"), std::string::npos) << answer.error().message;
  }
}

TEST(ZygoteTest, CrashersAndLiarsAreVerdicts) {
  const auto zygote = StartTesting();
  for (const char* what :
       {"crash", "abort", "exit", "silent", "garbage", "short", "huge", "trailing"}) {
    const Result<CompileAnswer> answer = zygote->Compile(Ask(std::string("test:") + what));
    ASSERT_FALSE(answer.ok()) << what;
    EXPECT_EQ(answer.error().code, ErrorCode::kInvalid) << what;
    EXPECT_NE(answer.error().message.find("twice"), std::string::npos) << what;
  }
  EXPECT_TRUE(zygote->Compile(Ask(kGoodSpec)).ok());
}

// A whole answer is taken before its child has ended, but not before the child that answered last.
TEST(ZygoteTest, ThoseThatAnswerAndStayPileUpNoFurther) {
  const auto zygote = StartTesting(std::chrono::seconds(1));
  std::size_t most = 0;
  for (int i = 0; i < 4; ++i) {
    EXPECT_TRUE(zygote->Compile(Ask("test:stay")).ok());
    most = std::max(most, ChildrenOf(zygote->pid()).size());
  }
  EXPECT_LE(most, 3U) << "the waiting one, the one that answered last, and the one before it";
  EXPECT_TRUE(Eventually([&] { return ChildrenOf(zygote->pid()).size() == 1; }));
  EXPECT_TRUE(zygote->Compile(Ask(kGoodSpec)).ok());
}

TEST(ZygoteTest, CrashersAmongOthersHarmOnlyThemselves) {
  const auto zygote = StartTesting();
  std::atomic<int> good{0};
  std::atomic<int> verdicts{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 10; ++i) {
        const Result<CompileAnswer> answer =
            zygote->Compile(Ask(t == 0 ? "test:crash" : kGoodSpec));
        if (answer.ok()) ++good;
        if (!answer.ok() && answer.error().code == ErrorCode::kInvalid) ++verdicts;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(good, 30);
  EXPECT_EQ(verdicts, 10);
}

// Nobody but the children that crash waits: the good ones are through while they are under way.
TEST(ZygoteTest, NobodyWaitsForHostileOnes) {
  const auto zygote = StartTesting();
  std::atomic<bool> are_good_done{false};
  std::vector<std::thread> hostile;
  for (const char* what : {"test:sleep", "test:crash", "test:eat", "test:crash"}) {
    hostile.emplace_back([&, what] {
      // The sleeper stays under way to the end; the others come again and again.
      do {
        EXPECT_FALSE(zygote->Compile(Ask(what)).ok());
      } while (!are_good_done);
    });
  }
  std::vector<std::thread> good;
  for (int t = 0; t < 4; ++t) {
    good.emplace_back([&, t] {
      for (int i = 0; i < (kIsSanitized ? 5 : 125); ++i) {
        const std::string name = "n" + std::to_string(t * 1000 + i);
        EXPECT_TRUE(zygote->Compile(Ask(R"({"profile":{},"comment":")" + name + "\"}")).ok());
        EXPECT_TRUE(zygote->Compile(Ask(kGoodSpec)).ok());
      }
    });
  }
  for (std::thread& thread : good) thread.join();
  are_good_done = true;
  for (const pid_t child : ChildrenOf(zygote->pid())) ::kill(child, SIGKILL);
  for (std::thread& thread : hostile) thread.join();
}

// One that hangs libseccomp, one that eats memory, one that crashes, each again as soon as it is
// judged: 500 good ones take longer only as far as the processors are shared. (Were they to wait
// for one of them, it would be two seconds instead of a few milliseconds; compiler_bench prints
// both.)
TEST(ZygoteTest, FiveHundredGoodOnesAreHardlySlowerAmongHostileOnes) {
  const auto zygote = StartTesting();
  const auto median = [&] {
    constexpr int kThreads = 4;
    constexpr int kEach = kIsSanitized ? 10 : 125;
    std::array<std::vector<double>, kThreads> millis;
    std::vector<std::thread> threads;
    for (std::vector<double>& ours : millis) {
      threads.emplace_back([&] {
        for (int i = 0; i < kEach; ++i) {
          const auto begin = std::chrono::steady_clock::now();
          EXPECT_TRUE(zygote->Compile(Ask(kGoodSpec)).ok());
          const std::chrono::duration<double, std::milli> took =
              std::chrono::steady_clock::now() - begin;
          ours.push_back(took.count());
        }
      });
    }
    for (std::thread& thread : threads) thread.join();
    std::vector<double> all;
    for (const std::vector<double>& ours : millis) all.insert(all.end(), ours.begin(), ours.end());
    std::nth_element(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(all.size() / 2),
                     all.end());
    return all[all.size() / 2];
  };
  const double alone = median();
  std::atomic<bool> is_over{false};
  std::vector<std::thread> hostile;
  for (const char* what : {"test:hang", kIsSanitized ? "test:spin" : "test:eat", "test:crash"}) {
    hostile.emplace_back([&, what] {
      while (!is_over) EXPECT_EQ(zygote->Compile(Ask(what)).error().code, ErrorCode::kInvalid);
    });
  }
  const double among = median();
  is_over = true;
  for (std::thread& thread : hostile) thread.join();
  EXPECT_LT(among, 30 * alone);
}

// A retry is under way (its child stands still) while another's good requests go through.
TEST(ZygoteTest, ARetryKeepsNobodyWaiting) {
  const auto zygote = StartTesting();
  std::thread crasher([&] { EXPECT_FALSE(zygote->Compile(Ask("test:sleep")).ok()); });
  const pid_t first = BusyChildOf(*zygote);
  ::kill(first, SIGSEGV);
  EXPECT_TRUE(Eventually([&] {
    const auto all = ChildrenOf(zygote->pid());
    return all.size() == 2 && all.front() != first;
  }));
  const pid_t second = ChildrenOf(zygote->pid()).front();
  for (int i = 0; i < 20; ++i) EXPECT_TRUE(zygote->Compile(Ask(kGoodSpec)).ok());
  EXPECT_EQ(ChildrenOf(zygote->pid()).front(), second) << "the retry was over";
  ::kill(second, SIGSEGV);
  crasher.join();
}

}  // namespace
}  // namespace seccompd::compiler
