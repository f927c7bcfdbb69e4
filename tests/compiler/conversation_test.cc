// SPDX-License-Identifier: Apache-2.0
// Children that answer more than one request: for whom, how many, how long, and what becomes of a
// request when such a child fails.
#include <signal.h>

#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "seccompd/compiler/protocol.h"

#include "compiler/zygote_fixture.h"

namespace seccompd::compiler {
namespace {

// The children take requests for a tenth of it: longer than any test takes.
constexpr std::chrono::milliseconds kLong{600'000};

bool IsAlone(Zygote& zygote, const char* name_space) {
  const Result<TenantAnswer> answer = zygote.CompileFor(name_space, Ask(kGoodSpec));
  EXPECT_TRUE(answer.ok()) << answer.error().message;
  return answer.ok() && answer->is_alone;
}

// Beside the one that is forked before its request comes.
bool WaitForWaiting(const Zygote& zygote, std::size_t count) {
  return Eventually([&] { return ChildrenOf(zygote.pid()).size() == count + 1; });
}

TEST(ConversationTest, RequestsOfOneNamespaceShareAChild) {
  const auto zygote = StartTesting(kLong);
  EXPECT_TRUE(IsAlone(*zygote, "team"));
  ASSERT_TRUE(WaitForWaiting(*zygote, 1));
  const std::vector<pid_t> children = ChildrenOf(zygote->pid());
  for (int i = 0; i < 10; ++i) EXPECT_FALSE(IsAlone(*zygote, "team"));
  EXPECT_EQ(ChildrenOf(zygote->pid()), children);
}

TEST(ConversationTest, AnswersAreThoseOfAFreshChild) {
  const auto zygote = StartReal();
  for (int round = 0; round < 3; ++round) {
    for (const std::string& spec : SpecsOfAllKinds()) {
      const Result<TenantAnswer> answer = zygote->CompileFor("team", Ask(spec));
      const Result<CompileAnswer> fresh = zygote->Compile(Ask(spec));
      ASSERT_TRUE(answer.ok() && fresh.ok()) << spec;
      EXPECT_EQ(answer->answer, *fresh) << spec;
    }
  }
}

TEST(ConversationTest, SeveralTogetherGoToTheChildThatWaits) {
  const auto zygote = StartTesting(kLong);
  const std::vector<std::string> specs(3, kGoodSpec);
  EXPECT_TRUE(zygote->CompileTogether("team", Ask(""), specs).ok());
  ASSERT_TRUE(WaitForWaiting(*zygote, 1));
  const std::vector<pid_t> children = ChildrenOf(zygote->pid());
  EXPECT_TRUE(zygote->CompileTogether("team", Ask(""), specs).ok());
  EXPECT_FALSE(IsAlone(*zygote, "team"));
  EXPECT_EQ(ChildrenOf(zygote->pid()), children);
}

TEST(ConversationTest, EachServesSoManySpecsAndNoMore) {
  const auto zygote = StartTesting(kLong);
  std::vector<std::size_t> alone;
  for (std::size_t i = 0; i < 2 * kMaxSpecsOfChild + 1; ++i) {
    if (IsAlone(*zygote, "team")) alone.push_back(i);
    const bool is_last = (i + 1) % kMaxSpecsOfChild == 0;
    EXPECT_TRUE(WaitForWaiting(*zygote, is_last ? 0 : 1)) << i;
  }
  EXPECT_EQ(alone, (std::vector<std::size_t>{0, kMaxSpecsOfChild, 2 * kMaxSpecsOfChild}));
  // The third has room for all but one of these.
  const std::vector<std::string> specs(kMaxTogether, kGoodSpec);
  for (std::size_t i = 0; i < kMaxSpecsOfChild / kMaxTogether - 1; ++i) {
    EXPECT_TRUE(zygote->CompileTogether("team", Ask(""), specs).ok());
  }
  ASSERT_TRUE(WaitForWaiting(*zygote, 1));
  EXPECT_TRUE(zygote->CompileTogether("team", Ask(""), specs).ok());
  EXPECT_TRUE(WaitForWaiting(*zygote, 2));
}

// By itself after a fifth of this time, which nobody here waits for: then the zygote would end it.
TEST(ConversationTest, NoneWaitsLongerThanItsTime) {
  const auto zygote = StartTesting(kPatience + std::chrono::seconds(5));
  EXPECT_TRUE(IsAlone(*zygote, "team"));
  EXPECT_TRUE(WaitForWaiting(*zygote, 0));
  EXPECT_TRUE(IsAlone(*zygote, "team"));
}

TEST(ConversationTest, NoMoreWaitThanTheAgentHasWorkers) {
  const auto zygote = StartTesting(kLong);
  for (const char* name_space : {"a", "b", "c", "d", "e", "f"}) {
    EXPECT_TRUE(IsAlone(*zygote, name_space));
  }
  EXPECT_TRUE(WaitForWaiting(*zygote, 4));
  for (const char* name_space : {"f", "e", "d", "c"}) EXPECT_FALSE(IsAlone(*zygote, name_space));
  EXPECT_TRUE(IsAlone(*zygote, "a")) << "it gave way";
  // The oldest gives way to lone requests too, which leave nobody behind.
  EXPECT_TRUE(zygote->Compile(Ask(kGoodSpec)).ok());
  EXPECT_TRUE(WaitForWaiting(*zygote, 3));
}

// A child that is given texts of two namespaces ends itself (testing_main.cc).
TEST(ConversationTest, NoChildReadsTextsOfTwoNamespaces) {
  const auto zygote = StartTesting(kLong);
  std::atomic<int> shared{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < (kIsSanitized ? 20 : 200); ++i) {
        const std::string name_space = "n" + std::to_string((t + i / 5) % 3);
        const std::string spec = "test:in:" + name_space;
        const std::vector<std::string> specs(2, spec);
        const Result<TenantAnswer> answer = zygote->CompileFor(name_space, Ask(spec));
        ASSERT_TRUE(answer.ok()) << answer.error().message;
        if (!answer->is_alone) ++shared;
        EXPECT_TRUE(zygote->CompileTogether(name_space, Ask(""), specs).ok());
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_GT(shared, 0);
}

TEST(ConversationTest, WhatOneDiesOfIsAskedOfFreshOnes) {
  const auto zygote = StartTesting(std::chrono::seconds(20));
  std::vector<std::string> all = {"crash", "abort", "exit", "silent", "garbage", "short", "spin"};
  if (!kIsSanitized) all.emplace_back("eat");
  for (const std::string& what : all) {
    static_cast<void>(IsAlone(*zygote, "team"));
    const Result<TenantAnswer> answer = zygote->CompileFor("team", Ask("test:" + what));
    EXPECT_EQ(answer.error().code, ErrorCode::kInvalid) << what;
    EXPECT_TRUE(IsAlone(*zygote, "team")) << what;
  }
}

TEST(ConversationTest, OneThatWasKilledWhileItWaitedIsNotMissed) {
  const auto zygote = StartTesting(kLong);
  static_cast<void>(IsAlone(*zygote, "team"));
  ASSERT_TRUE(WaitForWaiting(*zygote, 1));
  ::kill(ChildrenOf(zygote->pid()).front(), SIGKILL);
  ASSERT_TRUE(WaitForWaiting(*zygote, 0));
  EXPECT_TRUE(IsAlone(*zygote, "team"));
}

TEST(ConversationTest, OneThatSaysMoreThanItWasAskedIsNotAskedAgain) {
  const auto zygote = StartTesting(kLong);
  ASSERT_TRUE(zygote->CompileFor("team", Ask("test:more")).ok());
  EXPECT_TRUE(IsAlone(*zygote, "team"));
}

// It looks as if it waited: only the next request finds out, and is answered by a fresh one.
TEST(ConversationTest, OneThatTakesNoMoreHoldsItsNamespaceUpOnce) {
  const auto zygote = StartTesting(std::chrono::seconds(2));
  ASSERT_TRUE(zygote->CompileFor("team", Ask("test:linger")).ok());
  EXPECT_TRUE(IsAlone(*zygote, "other"));
  EXPECT_TRUE(IsAlone(*zygote, "team"));
  EXPECT_FALSE(IsAlone(*zygote, "team"));
}

TEST(ConversationTest, LeavesNoDescriptor) {
  const auto zygote = StartTesting(kLong);
  static_cast<void>(IsAlone(*zygote, "team"));
  const std::size_t ours = CountFds("self");
  for (int i = 0; i < 300; ++i) static_cast<void>(IsAlone(*zygote, "team"));
  EXPECT_LE(CountFds("self"), ours + 1) << "the report of the one before";
  EXPECT_TRUE(WaitForWaiting(*zygote, 1));
}

}  // namespace
}  // namespace seccompd::compiler
