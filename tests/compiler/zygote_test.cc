// SPDX-License-Identifier: Apache-2.0
// What the client asks and is answered, by the real executable.
#include "seccompd/compiler/zygote.h"

#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "compiler/zygote_fixture.h"

namespace seccompd::compiler {
namespace {

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

TEST(ZygoteTest, SeveralTogetherAreAnsweredAsEachAlone) {
  const auto zygote = StartReal();
  const std::vector<std::string> specs = SpecsOfAllKinds();
  CompileRequest common = Ask("");
  common.is_thorough = false;
  const auto answers = zygote->CompileTogether("team", common, specs);
  ASSERT_TRUE(answers.ok()) << answers.error().message;
  ASSERT_EQ(answers->size(), specs.size());
  for (std::size_t i = 0; i < specs.size(); ++i) {
    CompileRequest alone = common;
    alone.spec = specs[i];
    const Result<CompileAnswer> answer = zygote->Compile(alone);
    ASSERT_TRUE(answer.ok()) << specs[i];
    EXPECT_EQ((*answers)[i], *answer) << specs[i];
  }
}

TEST(ZygoteTest, TooManyOrTooLongTogetherAreNotSent) {
  const auto zygote = StartReal();
  const CompileRequest common = Ask("");
  const std::vector<std::string> none, many(kMaxTogether + 1, kGoodSpec),
      most(kMaxTogether, kGoodSpec);
  const std::vector<std::string> large(2, std::string(300 * 1024, ' '));
  EXPECT_TRUE(zygote->CompileTogether("team", common, most).ok());
  for (const auto& specs : {none, many, large}) {
    EXPECT_EQ(zygote->CompileTogether("team", common, specs).error().code, ErrorCode::kInvalid);
  }
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

}  // namespace
}  // namespace seccompd::compiler
