// SPDX-License-Identifier: Apache-2.0
// The zygote as a process: its start, its children, its descriptors, and how each of them ends.
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <fstream>
#include <iterator>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "seccompd/base/unique_fd.h"

#include "compiler/zygote_fixture.h"

namespace seccompd::compiler {
namespace {

// A zygote without a request: 0, 1: /dev/null; 2: standard error; 3: the control socket; the
// signals'; the waiting child's.
constexpr std::size_t kIdleFds = 6;

std::string Script(const char* name, const char* text) {
  const std::string path = testing::TempDir() + name;
  std::ofstream(path) << "#!/bin/sh\n" << text << '\n';
  ::chmod(path.c_str(), 0755);
  return path;
}

TEST(ZygoteTest, TellsWhyItCannotStart) {
  struct Row {
    std::string executable;
    ErrorCode code;
    const char* says;
  };
  const std::string exits = Script("zygote_exits", "exit 102");
  const std::string killed = Script("zygote_killed", "kill -s SYS $$");
  const std::string liar = Script("zygote_liar", "printf 'good morning' >&3; exec sleep 1000");
  const Row rows[] = {
      {"/no/such/file", ErrorCode::kNotFound, "/no/such/file: No such file"},
      {"/etc/passwd", ErrorCode::kDenied, "/etc/passwd: Permission denied"},
      {"/bin/true", ErrorCode::kDenied, "ended before it said hello: it exited with code 0; "},
      {exits, ErrorCode::kDenied, "it exited with code 102; standard error has"},
      {killed, ErrorCode::kDenied, "it was killed by signal 31 (Bad system call), by a seccomp"},
      {liar, ErrorCode::kDenied, "another version"},
  };
  for (const Row& row : rows) {
    ZygoteOptions options;
    options.executable = row.executable;
    const auto zygote = Zygote::Start(options);
    ASSERT_FALSE(zygote.ok()) << row.executable;
    EXPECT_EQ(zygote.error().code, row.code) << row.executable;
    EXPECT_NE(zygote.error().message.find(row.executable), std::string::npos);
    EXPECT_NE(zygote.error().message.find(row.says), std::string::npos) << zygote.error().message;
  }
}

TEST(ZygoteTest, HasNoEnvironmentAndNoForeignDescriptors) {
  const UniqueFd inheritable(::dup(2));  // without FD_CLOEXEC
  const auto zygote = StartReal();
  const std::string proc = "/proc/" + std::to_string(zygote->pid());
  std::ifstream environment(proc + "/environ");
  EXPECT_EQ(std::string(std::istreambuf_iterator<char>(environment), {}), "");
  EXPECT_TRUE(Eventually([&] { return CountFds(std::to_string(zygote->pid())) == kIdleFds; }));
}

TEST(ZygoteTest, LeavesNoDescriptorAndNoZombie) {
  const auto zygote = StartReal();
  const std::string number = std::to_string(zygote->pid());
  ASSERT_TRUE(zygote->Compile(Ask(kGoodSpec)).ok());
  const std::size_t ours = CountFds("self");
  for (int i = 0; i < (kIsSanitized ? 100 : 1000); ++i) {
    ASSERT_TRUE(zygote->Compile(Ask("{}")).ok());
  }
  EXPECT_EQ(CountFds("self"), ours);
  EXPECT_TRUE(Eventually([&] { return CountFds(number) == kIdleFds; }));
  EXPECT_TRUE(Eventually([&] { return ChildrenOf(zygote->pid()).size() == 1; }));
}

TEST(ZygoteTest, AWaitingChildThatDiedIsReplaced) {
  const auto zygote = StartTesting();
  const auto children = [&] { return ChildrenOf(zygote->pid()); };
  ASSERT_TRUE(Eventually([&] { return children().size() == 1; }));
  const std::vector<pid_t> first = children();
  ::kill(first.front(), SIGKILL);
  EXPECT_TRUE(Eventually([&] { return children().size() == 1 && children() != first; }));
  // Not for ever: where they all die at once, forking goes on with the next request only.
  EXPECT_TRUE(Eventually([&] {
    for (const pid_t child : children()) ::kill(child, SIGKILL);
    return children().empty();
  }));
  EXPECT_TRUE(zygote->Compile(Ask(kGoodSpec)).ok());
  EXPECT_TRUE(Eventually([&] { return children().size() == 1; }));
}

TEST(ZygoteTest, KillFromOutsideIsTransient) {
  const auto zygote = StartTesting();
  const auto answer = WithSleepingChild(*zygote, [](pid_t child) { ::kill(child, SIGKILL); });
  ASSERT_FALSE(answer.ok());
  EXPECT_EQ(answer.error().code, ErrorCode::kTransient);
  EXPECT_NE(answer.error().message.find("outside"), std::string::npos) << answer.error().message;
  EXPECT_TRUE(zygote->Compile(Ask(kGoodSpec)).ok());
}

TEST(ZygoteTest, WallOverrunIsTransient) {
  const auto zygote = StartTesting(std::chrono::milliseconds(300));
  const auto answer = WithSleepingChild(*zygote, [](pid_t child) { ::kill(child, SIGSTOP); });
  ASSERT_FALSE(answer.ok());
  EXPECT_EQ(answer.error().code, ErrorCode::kTransient);
  EXPECT_NE(answer.error().message.find("in time"), std::string::npos) << answer.error().message;
  EXPECT_TRUE(Eventually([&] { return ChildrenOf(zygote->pid()).size() == 1; }));
}

TEST(ZygoteTest, StoppedZygoteIsTransient) {
  const auto zygote = StartTesting(std::chrono::milliseconds(50));
  ::kill(zygote->pid(), SIGSTOP);
  const Result<CompileAnswer> answer = zygote->Compile(Ask(kGoodSpec));
  ASSERT_FALSE(answer.ok());
  EXPECT_EQ(answer.error().code, ErrorCode::kTransient);
}

TEST(ZygoteTest, DeadZygoteIsDenied) {
  const auto zygote = StartTesting();
  const auto during =
      WithSleepingChild(*zygote, [&](pid_t /*child*/) { ::kill(zygote->pid(), SIGKILL); });
  ASSERT_FALSE(during.ok());
  EXPECT_EQ(during.error().code, ErrorCode::kDenied) << during.error().message;
  const Result<CompileAnswer> after = zygote->Compile(Ask(kGoodSpec));
  ASSERT_FALSE(after.ok());
  EXPECT_EQ(after.error().code, ErrorCode::kDenied) << after.error().message;
}

TEST(ZygoteTest, IgnoresTheSignalsThatEndAGroup) {
  const auto zygote = StartReal();
  for (const int number : {SIGTERM, SIGINT, SIGHUP}) ::kill(zygote->pid(), number);
  EXPECT_TRUE(zygote->Compile(Ask(kGoodSpec)).ok());
}

TEST(ZygoteTest, EndsWithItsOwner) {
  std::array<int, 2> fds{};
  ASSERT_EQ(::pipe2(fds.data(), O_CLOEXEC), 0);
  const UniqueFd read_end(fds[0]);
  UniqueFd write_end(fds[1]);
  const pid_t owner = ::fork();
  if (owner == 0) {
    const auto zygote = StartTesting();
    std::thread asker([&] { static_cast<void>(zygote->Compile(Ask("test:sleep")).ok()); });
    const pid_t busy = BusyChildOf(*zygote);
    const std::array<pid_t, 3> pids = {zygote->pid(), busy, ChildrenOf(zygote->pid()).back()};
    const ssize_t count = ::write(write_end.get(), pids.data(), sizeof pids);
    static_cast<void>(count);
    static_cast<void>(::raise(SIGKILL));
  }
  std::array<pid_t, 3> pids{};
  ASSERT_EQ(::read(read_end.get(), pids.data(), sizeof pids), static_cast<ssize_t>(sizeof pids));
  ::waitpid(owner, nullptr, 0);
  for (const pid_t pid : pids) {
    EXPECT_TRUE(Eventually([&] {
      std::ifstream stat("/proc/" + std::to_string(pid) + "/stat");
      const std::string text(std::istreambuf_iterator<char>(stat), {});
      return text.empty() || text.find(") Z ") != std::string::npos;
    })) << pid;
  }
}

}  // namespace
}  // namespace seccompd::compiler
