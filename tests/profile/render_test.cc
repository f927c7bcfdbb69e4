// SPDX-License-Identifier: Apache-2.0
// The whole way of a profile: goldens of what is written and found, one table of what the rules
// mean together, and the bytes' filter in the real kernel.
#include "seccompd/profile/render.h"

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <random>

#include <gtest/gtest.h>

#include "seccompd/profile/canonical.h"
#include "seccompd/profile/codes.h"
#include "seccompd/profile/compile.h"
#include "seccompd/profile/decode.h"
#include "seccompd/profile/encode.h"
#include "seccompd/profile/lint.h"
#include "seccompd/profile/syscalls.h"

#include "profile/support.h"

namespace seccompd::profile {
namespace {

Rendered MustRender(const std::string& spec, std::string_view architecture = kNode) {
  Result<Rendered> rendered =
      Render({spec, {std::string(architecture), "", {}, "both"}, {}, "none"});
  EXPECT_TRUE(rendered.ok()) << rendered.error().message;
  EXPECT_EQ(rendered->bytes.empty(), HasError(rendered->findings));
  if (!rendered->bytes.empty()) {
    const Result<void> canonical = CheckCanonical(rendered->bytes);
    EXPECT_TRUE(canonical.ok()) << canonical.error().message;
  }
  return *std::move(rendered);
}

TEST(RenderTest, SeedProfilesHaveTheirKnownFindings) {
  for (const std::string name : {"basic", "restrictive", "web-server", "database"}) {
    const std::string spec = R"({"profile":)" + ReadText(TestData("seed/" + name + ".json")) + "}";
    const Rendered rendered = MustRender(spec);
    ExpectGolden(name + ".findings", FindingsText(rendered.findings));
    ExpectGolden(name + ".json", rendered.bytes);
  }
}

// The goldens hold no call that one libseccomp knows and another, on which we are tested, does not.
TEST(RenderTest, ProfilesGiveTheirGoldenBytes) {
  for (const std::string name : {"docker-default", "everything"}) {
    const Rendered rendered = MustRender(ReadText(TestData("profiles/" + name + ".json")));
    std::string findings = FindingsText(rendered.findings);
    const std::string version = "libseccomp " + LibseccompVersion();
    for (std::size_t at = 0; (at = findings.find(version, at)) != std::string::npos;) {
      findings.replace(at, version.size(), "libseccomp VERSION");
    }
    ExpectGolden(name + ".findings", findings);
    ExpectGolden(name + ".json", rendered.bytes);
    EXPECT_GT(rendered.instructions, 10U);
  }
}

// mseal is of Linux 6.10: Debian 12's libseccomp ends with 6.7, Debian 13's with 6.13.
TEST(RenderTest, WritesANewCallWhereLibseccompKnowsIt) {
  const Rendered rendered =
      MustRender(SpecWith("", R"({"names":["mseal"],"action":"SCMP_ACT_ALLOW"})"));
  const bool is_known = !LibseccompVersion().starts_with("2.5.");
  EXPECT_EQ(rendered.bytes.find("mseal") != std::string::npos, is_known) << rendered.bytes;
  EXPECT_EQ(rendered.findings.empty(), is_known) << FindingsText(rendered.findings);
}

struct Row {
  std::string name;
  std::string syscalls;               // beside execve and exit_group ALLOW, default ERRNO
  std::vector<std::string> findings;  // "Code pointer", sorted
  std::string in_message;
};

std::string Rule(const std::string& name, const std::string& action, const std::string& args = "",
                 const std::string& more = "") {
  return R"({"names":[")" + name + R"("],"action":"SCMP_ACT_)" + action + R"(","args":[)" + args +
         "]" + more + "}";
}
std::string Arg(int index, const std::string& op, const std::string& value) {
  return R"({"index":)" + std::to_string(index) + R"(,"op":"SCMP_CMP_)" + op + R"(","value":)" +
         value + "}";
}

class RenderTable : public testing::TestWithParam<Row> {};

TEST_P(RenderTable, Finds) {
  const Rendered rendered = MustRender(SpecWith("", GetParam().syscalls));
  EXPECT_EQ(CodesAt(rendered.findings), GetParam().findings) << FindingsText(rendered.findings);
  EXPECT_NE(FindingsText(rendered.findings).find(GetParam().in_message), std::string::npos)
      << FindingsText(rendered.findings);
}

const std::string kFirst = " /profile/syscalls/1/names/0";
const std::string kSecond = " /profile/syscalls/2/names/0";

const Row kTogether[] = {
    {"Fine", Rule("ioprio_set", "ALLOW"), {}, ""},
    {"Typo", Rule("mkdri", "ALLOW"), {"UnknownSyscall" + kFirst}, "did you mean mkdir?"},
    {"NotInLibseccomp",
     Rule("file_setattr", "ALLOW"),
     {"SyscallNotInLibseccomp" + kFirst},
     "SCMP_ACT_ERRNO"},
    {"NotOnArchitecture",
     Rule("socketcall", "ALLOW"),
     {"SyscallNotOnArchitecture /profile/syscalls"},
     "without effect"},
    {"NotOnArchitectureEither",
     Rule("recv", "ALLOW"),
     {"SyscallNotOnArchitecture /profile/syscalls"},
     "without effect"},
    {"Dead", Rule("ioprio_set", "ERRNO"), {"DeadRule" + kFirst}, ""},
    {"DeadWithErrno",
     Rule("ioprio_set", "ERRNO", "", R"(,"errnoRet":1)"),
     {"DeadRule" + kFirst},
     ""},
    {"OtherErrnoIsAlive", Rule("ioprio_set", "ERRNO", "", R"(,"errnoRet":38)"), {}, ""},
    {"Repeated",
     Rule("ioprio_set", "ALLOW") + "," + Rule("ioprio_set", "ALLOW"),
     {"ShadowedRule" + kSecond},
     "/profile/syscalls/1/names/0 says the same"},
    {"FirstWins",
     Rule("ioprio_set", "ALLOW") + "," + Rule("ioprio_set", "LOG"),
     {"ConflictingRules" + kSecond},
     ""},
    {"DeadAgainstAlive",
     Rule("ioprio_set", "ERRNO") + "," + Rule("ioprio_set", "ALLOW"),
     {"ConflictingRules" + kFirst},
     ""},
    {"AbsorbedSameAction",
     Rule("ioprio_set", "ALLOW", Arg(0, "EQ", "1")) + "," + Rule("ioprio_set", "ALLOW"),
     {"ShadowedRule" + kFirst},
     ""},
    {"AbsorbedOtherAction",
     Rule("ioprio_set", "LOG", Arg(0, "EQ", "1")) + "," + Rule("ioprio_set", "ALLOW"),
     {"ConflictingRules" + kFirst},
     ""},
    {"DeadConditionBesideUnconditional",
     Rule("ioprio_set", "ERRNO", Arg(0, "EQ", "1")) + "," + Rule("ioprio_set", "ALLOW"),
     {"ConflictingRules" + kFirst},
     ""},
    {"DefaultAndExceptions",
     Rule("ioprio_set", "ERRNO") + "," + Rule("ioprio_set", "ALLOW", Arg(0, "EQ", "1")),
     {"DeadRule" + kFirst},
     ""},
    {"SameConditionOtherAction",
     Rule("ioprio_set", "LOG", Arg(0, "EQ", "1")) + "," +
         Rule("ioprio_set", "ALLOW", Arg(0, "EQ", "1")),
     {"ConflictingRules" + kSecond},
     ""},
    {"SameConditionOtherOrderOfArgs",
     Rule("ioprio_set", "ALLOW", Arg(0, "EQ", "1") + "," + Arg(1, "EQ", "2")) + "," +
         Rule("ioprio_set", "ALLOW", Arg(1, "EQ", "2") + "," + Arg(0, "EQ", "1")),
     {"ShadowedRule" + kSecond},
     ""},
    {"HangOfLibseccomp",
     Rule("ioprio_set", "ALLOW", Arg(0, "LE", "0") + "," + Arg(1, "GT", "7")) + "," +
         Rule("ioprio_set", "ALLOW",
              Arg(0, "LE", "0") + "," + Arg(1, "EQ", "2") + "," + Arg(2, "EQ", "0")),
     {"Rewritten" + kSecond},
     "as 62 rules"},
    {"CannotBeRewritten",
     Rule("ioprio_set", "ALLOW", Arg(0, "NE", "5") + "," + Arg(1, "NE", "7")) + "," +
         Rule("ioprio_set", "ALLOW", Arg(0, "EQ", "5")),
     {"TruncatedArgument" + kFirst, "UnsafeComparison" + kFirst},
     ""},
    {"MiscompiledByLibseccomp",
     Rule("ioprio_set", "ALLOW", Arg(1, "LE", "2")) + "," +
         Rule("ioprio_set", "ALLOW", Arg(1, "GT", "8589934591")),
     {"Rewritten" + kFirst, "TruncatedArgument" + kFirst},
     "as 3 rules"},
    {"CoversEverything",
     Rule("ioprio_set", "ALLOW", Arg(1, "LE", "8589934592")) + "," +
         Rule("ioprio_set", "ALLOW", Arg(1, "GT", "8589934591")),
     {"Rewritten" + kFirst},
     "as 1 rules"},
    {"ContradictsForSomeCalls",
     Rule("ioprio_set", "ALLOW", Arg(0, "EQ", "1")) + "," +
         Rule("ioprio_set", "LOG", Arg(1, "EQ", "2")),
     {"ConflictingRules" + kSecond, "OverlappingRules" + kSecond},
     "ioprio_set(a0=0x1, a1=0x2) on SCMP_ARCH_X86_64"},
    {"OneRuleMayCompareAnyWay",
     Rule("ioprio_set", "ALLOW", Arg(0, "LE", "0") + "," + Arg(1, "GT", "8589934591")),
     {"TruncatedArgument" + kFirst},
     ""},
    {"NarrowRanges",
     Rule("ioprio_set", "ALLOW", Arg(1, "LE", "2")) + "," +
         Rule("ioprio_set", "ALLOW", Arg(1, "GT", "7")),
     {"TruncatedArgument" + kSecond},
     ""},
    {"WideEqualities",
     Rule("ioprio_set", "ALLOW", Arg(0, "EQ", "8589934591") + "," + Arg(1, "EQ", "0")) + "," +
         Rule("ioprio_set", "ALLOW", Arg(1, "EQ", "1")),
     {},
     ""},
};
INSTANTIATE_TEST_SUITE_P(Together, RenderTable, testing::ValuesIn(kTogether),
                         [](const auto& row) { return row.param.name; });

TEST(RenderTest, NothingStartsWithoutExecve) {
  const Rendered none = MustRender(R"({"profile":{"defaultAction":"SCMP_ACT_KILL_PROCESS"}})");
  EXPECT_EQ(CodesAt(none.findings), (std::vector<std::string>{
                                        "CannotStart /profile/syscalls",
                                        "Clone3Unmentioned /profile/defaultAction",
                                        "MayNotStart /profile/syscalls",
                                        "ProgramsMayFail /profile/syscalls",
                                    }));
  const Rendered denied = MustRender(
      R"({"profile":{"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"names":["execve"],"action":"SCMP_ACT_TRAP"}]}})");
  EXPECT_EQ(CodesAt(denied.findings),
            (std::vector<std::string>{"CannotStart /profile/syscalls",
                                      "DangerousSyscall /profile/defaultAction",
                                      "FailOpenDefault /profile/defaultAction"}));
}

TEST(RenderTest, WarnLeavesUnknownNamesOut) {
  const Rendered rendered = MustRender(
      R"({"unknownSyscalls":"Warn","profile":{"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"names":["mkdri","mkdir"],"action":"SCMP_ACT_ERRNO"}]}})");
  EXPECT_EQ(CodesAt(rendered.findings),
            (std::vector<std::string>{"DangerousSyscall /profile/defaultAction",
                                      "FailOpenDefault /profile/defaultAction",
                                      "UnknownSyscall /profile/syscalls/0/names/0"}));
  EXPECT_EQ(
      rendered.bytes,
      R"({"architectures":["SCMP_ARCH_X86_64"],"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"action":"SCMP_ACT_ERRNO","names":["mkdir"]}]})"
      "\n");
}

TEST(RenderTest, FindsNamesEvenWhenTheFormIsWrong) {
  const Rendered rendered = MustRender(SpecWith(R"("flagz":[])", Rule("mkdri", "ALLOW")));
  EXPECT_EQ(CodesAt(rendered.findings),
            (std::vector<std::string>{"UnknownField /profile/flagz", "UnknownSyscall" + kFirst}));
}

TEST(RenderTest, ArchitecturesAreTheNodesOwn) {
  const std::string spec = SpecWith(R"("architectures":["SCMP_ARCH_X86","SCMP_ARCH_X86"])");
  EXPECT_NE(MustRender(spec).bytes.find(R"(["SCMP_ARCH_X86","SCMP_ARCH_X86_64"])"),
            std::string::npos);
  EXPECT_EQ(CodesAt(MustRender(SpecWith(R"("architectures":["SCMP_ARCH_S390X"])")).findings),
            (std::vector<std::string>{"ForeignArchitecture /profile/architectures",
                                      "NativeArchitectureAdded /profile/architectures"}));
  const Rendered arm = MustRender(SpecWith(""), "SCMP_ARCH_AARCH64");
  EXPECT_NE(arm.bytes.find(R"(["SCMP_ARCH_AARCH64"])"), std::string::npos);
  EXPECT_NE(MustRender(SpecWith(""), "SCMP_ARCH_S390X").bytes, "");
  EXPECT_EQ(
      CodesAt(
          MustRender(
              SpecWith(
                  R"("architectures":["SCMP_ARCH_X86","SCMP_ARCH_X32","SCMP_ARCH_ARM","SCMP_ARCH_AARCH64"])"))
              .findings),
      (std::vector<std::string>{
          "CompatArchitecture /profile/architectures", "FallbackBlocked /profile/defaultAction",
          "NativeArchitectureAdded /profile/architectures", "TooLarge /profile/architectures",
          "UnusedArchitecture /profile/architectures"}));
  EXPECT_FALSE(Render({SpecWith(""), {"SCMP_ARCH_NATIVE", "", {}, "both"}, {}, "none"}).ok());
}

TEST(RenderTest, ConflictThatOnlyLibseccompSees) {
  // On 32-bit x86 a condition on socket becomes socketcall(SYS_SOCKET) without it, and so does
  // connect's sibling.
  const Rendered rendered = MustRender(SpecWith(
      R"("architectures":["SCMP_ARCH_X86"])",
      Rule("socket", "ALLOW", Arg(0, "EQ", "1")) + "," + Rule("socket", "LOG", Arg(0, "EQ", "2"))));
  EXPECT_EQ(CodesAt(rendered.findings),
            (std::vector<std::string>{
                "CompatArchitecture /profile/architectures", "ConflictingRules" + kSecond,
                "FallbackBlocked /profile/defaultAction", "MultiplexedArguments" + kFirst,
                "NativeArchitectureAdded /profile/architectures"}))
      << FindingsText(rendered.findings);
}

TEST(RenderTest, TooManyInstructionsAreRefused) {
  std::string names;
  for (const std::string_view name : LinuxSyscalls()) names += ",\"" + std::string(name) + "\"";
  std::string syscalls = R"({"names":[)" + names.substr(1) + R"(],"action":"SCMP_ACT_LOG"})";
  for (int i = 0; i < 128; ++i) {
    std::string args;
    for (int a = 0; a < 6; ++a) {
      args += (a > 0 ? "," : "") + Arg(a, "EQ", std::to_string(1'000'000'000'000 + i * 64 + a));
    }
    // execve and exit_group excepted: personality has a rule in `names` already, so use ones
    // beside.
    syscalls += "," + Rule(i % 2 == 0 ? "execve" : "exit_group", "ALLOW", args);
  }
  const std::string spec =
      R"({"profile":{"defaultAction":"SCMP_ACT_ERRNO","architectures":["SCMP_ARCH_X86","SCMP_ARCH_X32","SCMP_ARCH_AARCH64"],"syscalls":[)" +
      syscalls + "]}}";
  const Rendered rendered = MustRender(spec);
  EXPECT_TRUE(HasError(rendered.findings)) << rendered.instructions;
}

TEST(EncodeTest, OrderOfTheInputIsGone) {
  const std::string spec = ReadText(TestData("profiles/everything.json"));
  const Rendered first = MustRender(spec);
  std::mt19937 random(7);  // NOLINT(cert-msc51-cpp): the same every time
  for (int i = 0; i < 50; ++i) {
    JsonValue tree = *ParseJson(spec, kMaxSpecDepth);
    for (JsonMember& member : tree.members) {
      if (member.key != "profile") continue;
      std::shuffle(member.value.members.begin(), member.value.members.end(), random);
      for (JsonMember& inner : member.value.members) {
        std::shuffle(inner.value.elements.begin(), inner.value.elements.end(), random);
        for (JsonValue& rule : inner.value.elements) {
          std::shuffle(rule.members.begin(), rule.members.end(), random);
          for (JsonMember& list : rule.members) {
            std::shuffle(list.value.elements.begin(), list.value.elements.end(), random);
          }
        }
      }
    }
    ASSERT_EQ(MustRender(WriteJson(tree)).bytes, first.bytes);
  }
}

TEST(EncodeTest, RenderingTheResultAgainChangesNothing) {
  for (const std::string name : {"docker-default", "everything"}) {
    const std::string bytes = MustRender(ReadText(TestData("profiles/" + name + ".json"))).bytes;
    EXPECT_EQ(MustRender(R"({"profile":)" + bytes + "}").bytes, bytes);
  }
}

TEST(CanonicalTest, TakesTheLongestThatIsWritten) {
  std::string names;
  for (const std::string_view name : LinuxSyscalls()) {
    if (name != "mkdir") names += (names.empty() ? "\"" : ",\"") + std::string(name) + "\"";
  }
  std::string syscalls = R"({"names":[)" + names + R"(],"action":"SCMP_ACT_ALLOW"})";
  for (int i = 0; i < 128; ++i) {
    syscalls += "," + Rule("mkdir", "LOG", Arg(0, "EQ", std::to_string(i)));
  }
  const Rendered rendered =
      MustRender(R"({"profile":{"defaultAction":"SCMP_ACT_ERRNO","syscalls":[)" + syscalls + "]}}");
  EXPECT_FALSE(HasError(rendered.findings)) << FindingsText(rendered.findings);
  // One "[" for each element and each args, and two at the top: more elements than a spec may have.
  EXPECT_GT(std::count(rendered.bytes.begin(), rendered.bytes.end(), '['), 512 + 128 + 2);
}

TEST(CanonicalTest, RefusesWhatEncodeWouldNotWrite) {
  const std::string good =
      R"({"architectures":["SCMP_ARCH_X86_64"],"defaultAction":"SCMP_ACT_ERRNO","syscalls":[{"action":"SCMP_ACT_ERRNO","errnoRet":38,"names":["clone3"]},{"action":"SCMP_ACT_ALLOW","names":["execve"]},{"action":"SCMP_ACT_ALLOW","names":["read"]}]})"
      "\n";
  ASSERT_TRUE(CheckCanonical(good).ok());
  const auto with = [&](const std::string& from, const std::string& to) {
    std::string text = good;
    const std::size_t at = text.find(from);
    EXPECT_NE(at, std::string::npos) << from;
    return text.replace(at, from.size(), to);
  };
  const std::string rows[] = {
      "",
      "{}",
      "null\n",
      good + good,
      good.substr(0, good.size() - 1),
      with(R"("architectures":["SCMP_ARCH_X86_64"],)", ""),
      with(R"({"action":"SCMP_ACT_ERRNO","errnoRet":38,"names":["clone3"]},)", ""),
      with(":[", ": ["),
      with("execve", "write"),
      with("read", "execve"),
      with(R"(["read"])", R"(["read","write"])"),
      with("ACT_ALLOW\",\"names\":[\"r", "ACT_ERRNO\",\"names\":[\"r"),
      with("SCMP_ACT_ERRNO", "SCMP_ACT_NOTIFY"),
      with(R"("SCMP_ACT_ERRNO")", R"("SCMP_ACT_ERRNO","defaultErrnoRet":1)"),
      with(R"("SCMP_ACT_ERRNO")", R"("SCMP_ACT_ERRNO","flags":[])"),
      with(R"("SCMP_ACT_ERRNO")", R"("SCMP_ACT_ERRNO","listenerPath":"/x")"),
      with(R"("SCMP_ACT_ERRNO")", R"("SCMP_ACT_ERRNO","defaultAction":"SCMP_ACT_ALLOW")"),
      with(R"("names":["read"])", R"("names":["read"],"includes":{"caps":["X"]})"),
      with(R"("names":["read"])", R"("comment":"c","names":["read"])"),
      with("SCMP_ACT_ERRNO", "SCMP_ACT_KILL"),
      std::string(kMaxCanonicalBytes + 1, ' '),
      std::string(50'000, '['),
  };
  for (const std::string& row : rows) EXPECT_FALSE(CheckCanonical(row).ok()) << row.substr(0, 300);
}

TEST(CompileTest, KnowsEveryNameThatLibseccompHas) {
  const std::uint32_t tokens[] = {
      SCMP_ARCH_X86,   SCMP_ARCH_X86_64,    SCMP_ARCH_X32,    SCMP_ARCH_ARM,   SCMP_ARCH_AARCH64,
      SCMP_ARCH_MIPS,  SCMP_ARCH_MIPS64,    SCMP_ARCH_PPC,    SCMP_ARCH_PPC64, SCMP_ARCH_S390,
      SCMP_ARCH_S390X, SCMP_ARCH_MIPS64N32, SCMP_ARCH_RISCV64};
  for (const std::uint32_t token : tokens) {
    for (int number = -11'000; number < 7000; ++number) {
      if (number == -1) continue;
      char* name = seccomp_syscall_resolve_num_arch(token, number);
      if (name == nullptr) continue;
      EXPECT_TRUE(IsLinuxSyscall(name)) << name;
      ::free(name);
    }
  }
}

// The filter of `spec` in a child of ours: what mkdir("", 0755) and getppid() answer there.
struct Verdict {
  bool is_mkdir_denied = false;
  bool is_getppid_denied = false;
};
Verdict RunUnder(const std::string& spec, Architecture native) {
  DecodedSpec decoded = DecodeSpec(spec);
  std::vector<Diagnostic> findings;
  CompleteArchitectures(decoded.profile, native, findings);
  const Profile profile = Normalize(std::move(decoded.profile), findings);
  const auto filters = Compile(profile, findings);
  EXPECT_TRUE(filters.ok() && filters->has_value()) << FindingsText(findings);
  const Filter& filter = (*filters)->by_priority;
  std::vector<sock_filter> program(filter.instructions);
  std::memcpy(program.data(), filter.program.data(), filter.program.size());
  const pid_t pid = ::fork();
  if (pid == 0) {
    const sock_fprog loaded = {static_cast<unsigned short>(program.size()),
                               program.data()};  // NOLINT
    if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) ::_exit(100);
    if (::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &loaded) != 0) ::_exit(101);
    int bits = 0;
    if (::syscall(SYS_mkdir, "", 0755) != 0 && errno == EPERM) bits |= 1;  // else ENOENT
    if (::syscall(SYS_getppid) < 0) bits |= 2;
    ::_exit(bits);
  }
  int status = 0;
  ::waitpid(pid, &status, 0);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) < 4) << status;
  return {(WEXITSTATUS(status) & 1) != 0, (WEXITSTATUS(status) & 2) != 0};
}

TEST(CompileTest, KernelTakesTheFilterAndDenies) {
#ifdef __x86_64__
  const Architecture native = Architecture::kX8664;
#else
  const Architecture native = Architecture::kAarch64;
#endif
  const std::string denied =
      R"({"profile":{"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"names":["mkdir","mkdirat"],"action":"SCMP_ACT_ERRNO"}]}})";
  const Verdict one = RunUnder(denied, native);
  EXPECT_TRUE(one.is_mkdir_denied);
  EXPECT_FALSE(one.is_getppid_denied);
  const std::string by_mode =
      R"({"profile":{"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"names":["mkdir"],"action":"SCMP_ACT_ERRNO","args":[{"index":1,"value":"0x1ff","valueTwo":493,"op":"SCMP_CMP_MASKED_EQ"}]}]}})";
  EXPECT_TRUE(RunUnder(by_mode, native).is_mkdir_denied);
  const std::string by_other_mode =
      R"({"profile":{"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"names":["mkdir"],"action":"SCMP_ACT_ERRNO","args":[{"index":1,"value":494,"op":"SCMP_CMP_EQ"}]}]}})";
  EXPECT_FALSE(RunUnder(by_other_mode, native).is_mkdir_denied);
}

TEST(CompileTest, KernelTakesTheFilterOfThreeArchitectures) {
  const std::string spec =
      R"({"profile":{"defaultAction":"SCMP_ACT_ERRNO","architectures":["SCMP_ARCH_X86","SCMP_ARCH_X32"],"syscalls":[{"names":["exit_group","getppid"],"action":"SCMP_ACT_ALLOW"}]}})";
  const Verdict verdict = RunUnder(spec, Architecture::kX8664);
  EXPECT_TRUE(verdict.is_mkdir_denied);
  EXPECT_FALSE(verdict.is_getppid_denied);
}

}  // namespace
}  // namespace seccompd::profile
