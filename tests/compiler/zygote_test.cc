// SPDX-License-Identifier: Apache-2.0
// The client against the real executable; and against seccompd-compile-testing, whose children
// misbehave on command, where it is about misbehaviour.
#include "seccompd/compiler/zygote.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "seccompd/base/unique_fd.h"

namespace seccompd::compiler {
namespace {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SECCOMPD_IS_SANITIZED 1
#else
#define SECCOMPD_IS_SANITIZED 0
#endif
constexpr bool kIsSanitized = SECCOMPD_IS_SANITIZED != 0;

constexpr std::chrono::milliseconds kPatience{20'000};

const char kGoodSpec[] =
    R"({"profile":{"defaultAction":"SCMP_ACT_ERRNO","syscalls":[{"names":["read","execve","exit_group"],"action":"SCMP_ACT_ALLOW"}]}})";

std::unique_ptr<Zygote> Start(const char* executable, std::chrono::milliseconds wall = kPatience) {
  ZygoteOptions options;
  options.executable = executable;
  options.wall_limit = wall;
  Result<std::unique_ptr<Zygote>> zygote = Zygote::Start(options);
  EXPECT_TRUE(zygote.ok()) << zygote.error().message;
  return zygote.ok() ? *std::move(zygote) : nullptr;
}
std::unique_ptr<Zygote> StartReal() { return Start(SECCOMPD_COMPILE); }
std::unique_ptr<Zygote> StartTesting(std::chrono::milliseconds wall = kPatience) {
  return Start(SECCOMPD_COMPILE_TESTING, wall);
}

CompileRequest Ask(std::string spec) {
  return {std::move(spec), {"SCMP_ARCH_X86_64", "", {}, "both"}, {}, "none"};
}

std::size_t CountFds(const std::string& pid) {
  const std::filesystem::directory_iterator all("/proc/" + pid + "/fd");
  return static_cast<std::size_t>(std::distance(begin(all), end(all)));
}

std::vector<pid_t> ChildrenOf(pid_t pid) {
  const std::string number = std::to_string(pid);
  std::ifstream in("/proc/" + number + "/task/" + number + "/children");
  return {std::istream_iterator<pid_t>(in), {}};
}

#if !SECCOMPD_IS_SANITIZED
// A line of /proc/PID/status; empty where the kernel has none of that name.
std::string StatusOf(pid_t pid, const std::string& name) {
  std::ifstream in("/proc/" + std::to_string(pid) + "/status");
  for (std::string line; std::getline(in, line);) {
    if (line.starts_with(name + ":\t")) return line.substr(name.size() + 2);
  }
  return "";
}
#endif

// Looks again until `condition` holds; what it waits for is another process's doing.
bool Eventually(const std::function<bool()>& condition) {
  const auto end = std::chrono::steady_clock::now() + kPatience;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > end) return false;
    ::poll(nullptr, 0, 1);
  }
  return true;
}

TEST(ZygoteTest, SaysHelloAndCompiles) {
  const auto zygote = StartReal();
  ASSERT_NE(zygote, nullptr);
  EXPECT_TRUE(zygote->libseccomp_version().starts_with("2."));
  EXPECT_GT(zygote->pid(), 0);
  const Result<CompileAnswer> answer = zygote->Compile(Ask(kGoodSpec));
  ASSERT_TRUE(answer.ok()) << answer.error().message;
  EXPECT_FALSE(profile::HasError(answer->findings));
  EXPECT_GT(answer->instructions, 5U);
  EXPECT_NE(answer->bytes.find("\"execve\""), std::string::npos);
}

// The answers are those of a zygote that has none ready, whether it is the request's or not.
TEST(ZygoteTest, ACeilingMadeBeforeChangesNoAnswer) {
  ZygoteOptions options;
  options.executable = SECCOMPD_COMPILE;
  options.wall_limit = kPatience;
  options.node = {"SCMP_ARCH_X86_64", "6.1.0-18-amd64", {}, "both"};
  options.ceiling = "builtin/runtime-default-v1";
  const auto ready = Zygote::Start(options);
  ASSERT_TRUE(ready.ok()) << ready.error().message;
  const auto plain = StartReal();
  const char above[] =
      R"({"profile":{"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"names":["reboot"],"action":"SCMP_ACT_ERRNO"}]}})";
  for (const char* ceiling : {"builtin/runtime-default-v1", "builtin/audit-v1", "none"}) {
    for (const char* spec : {kGoodSpec, above}) {
      CompileRequest request = Ask(spec);
      request.node.kernel = options.node.kernel;
      request.ceiling = ceiling;
      const Result<CompileAnswer> one = (*ready)->Compile(request);
      const Result<CompileAnswer> other = plain->Compile(request);
      ASSERT_TRUE(one.ok() && other.ok());
      EXPECT_EQ(*one, *other);
      EXPECT_EQ(one->is_denied, spec == above && request.ceiling == options.ceiling);
    }
  }
}

TEST(ZygoteTest, ChecksTheTreeOfWhatItCompiled) {
  const auto zygote = StartReal();
  std::string names;
  for (const char* name :
       {"accept", "access",     "alarm",   "bind",   "brk",     "chdir",   "chmod",
        "chown",  "close",      "connect", "creat",  "dup",     "dup2",    "execve",
        "exit",   "exit_group", "fchdir",  "fchmod", "fchown",  "fcntl",   "fork",
        "fstat",  "fsync",      "futex",   "getcwd", "getegid", "geteuid", "getgid",
        "getpid", "getppid",    "getuid",  "ioctl",  "kill",    "link",    "listen"}) {
    names += std::string(names.empty() ? "" : ",") + "\"" + name + "\"";
  }
  CompileRequest request =
      Ask(R"({"profile":{"defaultAction":"SCMP_ACT_ERRNO","syscalls":[{"names":[)" + names +
          R"(],"action":"SCMP_ACT_ALLOW"}]}})");
  request.is_thorough = false;
  const Result<CompileAnswer> answer = zygote->Compile(request);
  ASSERT_TRUE(answer.ok()) << answer.error().message;
  ASSERT_FALSE(answer->bytes.empty());
  EXPECT_TRUE(answer->has_unchecked_tree);
  request.is_thorough = true;
  EXPECT_FALSE(zygote->Compile(request)->has_unchecked_tree);
  const auto findings = zygote->CheckTree(answer->bytes);
  ASSERT_TRUE(findings.ok()) << findings.error().message;
  EXPECT_TRUE(findings->empty());
  EXPECT_EQ(zygote->CheckTree("{}").error().code, ErrorCode::kInvalid);
  CompileRequest few = Ask(kGoodSpec);
  few.is_thorough = false;
  EXPECT_FALSE(zygote->Compile(few)->has_unchecked_tree) << "runc makes no tree of so few";
}

TEST(ZygoteTest, AnUnusableCeilingIsToldToWhoAsksForIt) {
  ZygoteOptions options;
  options.executable = SECCOMPD_COMPILE;
  options.node = {"SCMP_ARCH_X86_64", "", {}, "both"};
  options.ceiling = "builtin/none-v1";
  const auto zygote = Zygote::Start(options);
  ASSERT_TRUE(zygote.ok()) << zygote.error().message;
  CompileRequest request = Ask(kGoodSpec);
  EXPECT_TRUE((*zygote)->Compile(request).ok());
  request.ceiling = options.ceiling;
  EXPECT_EQ((*zygote)->Compile(request).error().code, ErrorCode::kDenied);
}

TEST(ZygoteTest, FindingsAreNoError) {
  const auto zygote = StartReal();
  const Result<CompileAnswer> answer =
      zygote->Compile(Ask(R"({"onInvalid":"Remove","profile":{}})"));
  ASSERT_TRUE(answer.ok());
  ASSERT_EQ(answer->findings.size(), 1U);
  EXPECT_EQ(answer->findings[0].code, "EmptyProfile");
  EXPECT_TRUE(answer->bytes.empty());
  EXPECT_TRUE(answer->remove_when_invalid);
}

TEST(ZygoteTest, TheShippedExecutableKnowsNoTestCommands) {
  const auto zygote = StartReal();
  const Result<CompileAnswer> answer = zygote->Compile(Ask("test:crash"));
  ASSERT_TRUE(answer.ok());
  EXPECT_EQ(answer->findings[0].code, "InvalidJson");
}

TEST(ZygoteTest, HugeInputsAreVerdicts) {
  const auto zygote = StartReal();
  const Result<CompileAnswer> large = zygote->Compile(Ask(std::string(1536 * 1024, '[')));
  ASSERT_TRUE(large.ok()) << large.error().message;
  EXPECT_EQ(large->findings[0].code, "TooLarge");
  EXPECT_EQ(zygote->Compile(Ask(std::string(1536 * 1024 + 1, ' '))).error().code,
            ErrorCode::kInvalid);
  EXPECT_EQ(zygote->ParseManifests(std::string(256 * 1024 + 1, ' ')).error().code,
            ErrorCode::kInvalid);
}

TEST(ZygoteTest, UnknownArchitectureOfTheNodeIsNoVerdictButTheOperatorsToMend) {
  const auto zygote = StartReal();
  const Result<CompileAnswer> answer =
      zygote->Compile({kGoodSpec, {"x86_64", "", {}, "both"}, {}, "none"});
  EXPECT_EQ(answer.error().code, ErrorCode::kDenied);
  EXPECT_NE(answer.error().message.find("knows no such"), std::string::npos);
  EXPECT_TRUE(zygote->Compile(Ask(kGoodSpec)).ok()) << "the compiler is not gone";
}

TEST(ZygoteTest, ParsesManifests) {
  const auto zygote = StartReal();
  const Result<ManifestAnswer> answer = zygote->ParseManifests(
      "apiVersion: seccompd.io/v1alpha1\nkind: TenantSeccompProfile\n"
      "metadata: {name: web, namespace: a}\n"
      "spec:\n  profile: {defaultAction: SCMP_ACT_ALLOW, x: 18446744073709551615}\n"
      "---\nkind: 7\nspec: text\n---\n[1]\n");
  ASSERT_TRUE(answer.ok()) << answer.error().message;
  EXPECT_TRUE(answer->findings.empty());
  ASSERT_EQ(answer->documents.size(), 3U);
  const Manifest& first = answer->documents[0];
  EXPECT_EQ(first.line, 1U);
  EXPECT_EQ(first.api_version, "seccompd.io/v1alpha1");
  EXPECT_EQ(first.kind, "TenantSeccompProfile");
  EXPECT_EQ(first.name_space, "a");
  EXPECT_EQ(first.name, "web");
  EXPECT_EQ(first.spec,
            R"({"profile":{"defaultAction":"SCMP_ACT_ALLOW","x":18446744073709551615}})");
  EXPECT_EQ(answer->documents[1].line, 7U);
  EXPECT_EQ(answer->documents[1].kind, "");
  EXPECT_EQ(answer->documents[1].spec, "");
}

TEST(ZygoteTest, BadManifestsAreFindings) {
  const auto zygote = StartReal();
  std::string many;
  for (int i = 0; i < 1100; ++i) many += "a: 1\n---\n";
  for (const std::string& text :
       {std::string("a: [1\nb: 2\n"), std::string("\xff\xfe\0\0", 4), std::string("&a [*a]"), many,
        std::string(200'000, '['), std::string(4096, '\0')}) {
    const Result<ManifestAnswer> answer = zygote->ParseManifests(text);
    ASSERT_TRUE(answer.ok()) << answer.error().message;
    EXPECT_EQ(answer->findings.size(), 1U);
    EXPECT_TRUE(answer->documents.empty());
  }
}

TEST(ZygoteTest, ServesFourThreadsAtOnce) {
  const auto zygote = StartReal();
  std::vector<std::thread> threads;
  std::atomic<int> good{0};
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 25; ++i) {
        const std::string name = "\"mkdir\"" + std::string(t % 2 == 0 ? ",\"rmdir\"" : "");
        const Result<CompileAnswer> answer = zygote->Compile(Ask(
            R"({"profile":{"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"action":"SCMP_ACT_ERRNO","names":[)" +
            name + "]}]}}"));
        const bool has_rmdir = answer.ok() && answer->bytes.find("rmdir") != std::string::npos;
        if (answer.ok() && has_rmdir == (t % 2 == 0)) ++good;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(good, 100);
}

TEST(ZygoteTest, LeavesNoDescriptorAndNoZombie) {
  const auto zygote = StartReal();
  const std::string number = std::to_string(zygote->pid());
  ASSERT_TRUE(zygote->Compile(Ask(kGoodSpec)).ok());
  const std::size_t ours = CountFds("self");
  const std::size_t theirs = CountFds(number);
  for (int i = 0; i < (kIsSanitized ? 100 : 1000); ++i) {
    ASSERT_TRUE(zygote->Compile(Ask("{}")).ok());
  }
  EXPECT_EQ(CountFds("self"), ours);
  EXPECT_TRUE(Eventually([&] { return CountFds(number) == theirs; }));
  EXPECT_TRUE(Eventually([&] { return ChildrenOf(zygote->pid()).size() == 1; }));
}

TEST(ZygoteTest, HasNoEnvironmentAndNoForeignDescriptors) {
  const UniqueFd inheritable(::dup(2));  // without FD_CLOEXEC
  const auto zygote = StartReal();
  const std::string proc = "/proc/" + std::to_string(zygote->pid());
  std::ifstream environment(proc + "/environ");
  EXPECT_EQ(std::string(std::istreambuf_iterator<char>(environment), {}), "");
  // 0, 1: /dev/null; 2: standard error; 3: the control socket; the signals'; the waiting child's.
  EXPECT_TRUE(Eventually([&] { return CountFds(std::to_string(zygote->pid())) == 6; }));
}

// A sanitizer's runtime keeps descriptors, takes address space and makes system calls of its own:
// no filter and no such limits then, and none of these tests.
#if !SECCOMPD_IS_SANITIZED
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

// The child that has a request; the next one is forked only after it got it. (The kernel lists them
// in the order of their birth.)
pid_t BusyChildOf(const Zygote& zygote) {
  EXPECT_TRUE(Eventually([&] { return ChildrenOf(zygote.pid()).size() == 2; }));
  return ChildrenOf(zygote.pid()).front();
}

// Runs a request whose child waits for ever, and does something to that child.
Result<CompileAnswer> WithSleepingChild(Zygote& zygote, const std::function<void(pid_t)>& act) {
  std::thread actor([&] { act(BusyChildOf(zygote)); });
  Result<CompileAnswer> answer = zygote.Compile(Ask("test:sleep"));
  actor.join();
  return answer;
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
    ::raise(SIGKILL);
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

}  // namespace
}  // namespace seccompd::compiler
