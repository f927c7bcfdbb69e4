// SPDX-License-Identifier: Apache-2.0
// What a profile's rules mean: every lint with a profile that has it and near misses that have not,
// through Render; and what the options change.
#include "seccompd/profile/lint.h"

#include <set>

#include <gtest/gtest.h>

#include "seccompd/profile/codes.h"
#include "seccompd/profile/decode.h"
#include "seccompd/profile/render.h"

#include "profile/support.h"

namespace seccompd::profile {
namespace {

struct Row {
  std::string name;
  std::string code;
  std::string spec;
  bool is_found;
  std::string in_message;  // of the finding, or of none
  std::string architecture = std::string(kNode);
};

std::string Rule(const std::string& name, const std::string& action, const std::string& args = "",
                 const std::string& more = "") {
  return R"({"names":[")" + name + R"("],"action":"SCMP_ACT_)" + action + R"(","args":[)" + args +
         "]" + more + "}";
}
std::string Arg(int index, const std::string& op, const std::string& value,
                const std::string& value_two = "0") {
  return R"({"index":)" + std::to_string(index) + R"(,"op":"SCMP_CMP_)" + op + R"(","value":")" +
         value + R"(","valueTwo":")" + value_two + R"("})";
}
// Default `action`, the names that runtimes and programs need allowed, and `rules`.
std::string Default(const std::string& action, const std::string& rules = "") {
  return R"({"profile":{"defaultAction":"SCMP_ACT_)" + action + R"(","syscalls":[{"names":[)" +
         std::string(kStartNames) + R"(],"action":"SCMP_ACT_ALLOW"})" +
         (rules.empty() ? "" : "," + rules) + "]}}";
}
// SpecWith without one of the start names.
std::string Without(const std::string& name, const std::string& rules = "") {
  std::string spec = SpecWith("", rules);
  const std::string quoted = "\"" + name + "\",";
  const std::size_t at = spec.find(quoted);
  EXPECT_NE(at, std::string::npos) << name;
  return spec.erase(at, quoted.size());
}
std::string Listing(const std::string& architectures, const std::string& rules = "") {
  return SpecWith(R"("architectures":[)" + architectures + "]", rules);
}
std::string Allowed(const std::string& rules) {  // default ALLOW
  return R"({"profile":{"defaultAction":"SCMP_ACT_ALLOW","syscalls":[)" + rules + "]}}";
}
const std::string kSparse =
    R"({"profile":{"defaultAction":"SCMP_ACT_ERRNO","defaultErrnoRet":38,"syscalls":[{"names":["execve","exit_group"],"action":"SCMP_ACT_ALLOW"}]}})";

const Row kRows[] = {
    // DangerousSyscall
    {"Mount", "DangerousSyscall", SpecWith("", Rule("mount", "ALLOW")), true, "CAP_SYS_ADMIN"},
    {"Unshare", "DangerousSyscall", SpecWith("", Rule("unshare", "ALLOW")), true, "user namesp"},
    {"Modules", "DangerousSyscall", SpecWith("", Rule("init_module", "ALLOW")), true, "_MODULE,"},
    {"Kexec", "DangerousSyscall", SpecWith("", Rule("kexec_load", "LOG")), true, "CAP_SYS_BOOT"},
    {"Bpf", "DangerousSyscall", SpecWith("", Rule("bpf", "ALLOW")), true, "bpf is allowed"},
    {"Shocker", "DangerousSyscall", SpecWith("", Rule("open_by_handle_at", "ALLOW")), true,
     "SEARC"},
    {"Ports", "DangerousSyscall", SpecWith("", Rule("iopl", "ALLOW")), true, "CAP_SYS_RAWIO"},
    {"Clock", "DangerousSyscall", SpecWith("", Rule("settimeofday", "ALLOW")), true, "SYS_TIME"},
    {"Swap", "DangerousSyscall", SpecWith("", Rule("swapon", "ALLOW")), true, "CAP_SYS_ADMIN"},
    {"Acct", "DangerousSyscall", SpecWith("", Rule("acct", "ALLOW")), true, "CAP_SYS_PACCT"},
    {"Ptrace", "DangerousSyscall", SpecWith("", Rule("ptrace", "ALLOW")), true, "other processes"},
    {"Keys", "DangerousSyscall", SpecWith("", Rule("keyctl", "ALLOW")), true, "keys"},
    {"Uffd", "DangerousSyscall", SpecWith("", Rule("userfaultfd", "ALLOW")), true, "races"},
    {"Perf", "DangerousSyscall", SpecWith("", Rule("perf_event_open", "ALLOW")), true, "PERFMON"},
    {"Uring", "DangerousSyscall", SpecWith("", Rule("io_uring_setup", "ALLOW")), true, "filter"},
    {"Syslog", "DangerousSyscall", SpecWith("", Rule("syslog", "ALLOW")), true, "CAP_SYSLOG"},
    {"Numa", "DangerousSyscall", SpecWith("", Rule("mbind", "ALLOW")), true, "move memory"},
    {"OldX86", "DangerousSyscall", SpecWith("", Rule("modify_ldt", "ALLOW")), true, "x86"},
    {"ByDefault", "DangerousSyscall", Allowed(Rule("mount", "ERRNO")), true, "fsconfig"},
    {"MountDenied", "DangerousSyscall", SpecWith("", Rule("mount", "TRAP")), false, ""},
    {"PtraceWithArgs", "DangerousSyscall", SpecWith("", Rule("ptrace", "ALLOW", Arg(0, "EQ", "0"))),
     false, ""},
    // UnfilteredArgument
    {"Socket", "UnfilteredArgument", SpecWith("", Rule("socket", "ALLOW")), true, "AF_ALG"},
    {"SocketBut40", "UnfilteredArgument", SpecWith("", Rule("socket", "ALLOW", Arg(0, "NE", "40"))),
     true, "AF_ALG"},
    {"SocketRange", "UnfilteredArgument",
     SpecWith("", Rule("socket", "ALLOW", Arg(0, "LE", "40") + "," + Arg(1, "EQ", "1"))), true,
     "AF_VSOCK"},
    {"SocketBelow", "UnfilteredArgument", SpecWith("", Rule("socket", "ALLOW", Arg(0, "LT", "38"))),
     false, ""},
    {"SocketByMask", "UnfilteredArgument",
     SpecWith("", Rule("socket", "ALLOW", Arg(0, "MASKED_EQ", "0xffffffe0"))), false, ""},
    {"Personality", "UnfilteredArgument", SpecWith("", Rule("personality", "ALLOW")), true, "READ"},
    {"PersonalityLinux", "UnfilteredArgument",
     SpecWith("", Rule("personality", "ALLOW", Arg(0, "EQ", "0"))), false, ""},
    // TerminalIoctl
    {"Ioctl", "TerminalIoctl", SpecWith("", Rule("ioctl", "ALLOW")), true, "legacy_tiocsti"},
    {"IoctlOne", "TerminalIoctl", SpecWith("", Rule("ioctl", "ALLOW", Arg(1, "EQ", "0x5401"))),
     false, ""},
    // clone and clone3
    {"Clone", "UnfilteredClone", Default("ERRNO", Rule("clone", "ALLOW")), true, "0x7E020000"},
    {"CloneHalf", "UnfilteredClone",
     Default("ERRNO", Rule("clone", "ALLOW", Arg(0, "MASKED_EQ", "0x7C020000"))), true, "index 0"},
    {"CloneMasked", "UnfilteredClone", SpecWith(""), false, ""},
    {"CloneExact", "UnfilteredClone",
     Default("ERRNO", Rule("clone", "ALLOW", Arg(0, "EQ", "0x1200011"))), false, ""},
    {"CloneOnS390", "UnfilteredClone", SpecWith(""), true, "index 1", "SCMP_ARCH_S390X"},
    {"Clone3", "Clone3Allowed", Default("ERRNO", Rule("clone3", "ALLOW")), true, "errnoRet 38"},
    {"Clone3Denied", "Clone3Allowed", SpecWith(""), false, ""},
    {"Clone3Killed", "Clone3Unmentioned", Default("KILL_PROCESS"), true, "crun"},
    {"Clone3Trapped", "Clone3Unmentioned", Default("TRAP"), true, "SCMP_ACT_TRAP"},
    {"Clone3Said", "Clone3Unmentioned", Default("TRAP", Rule("clone3", "ERRNO")), false, ""},
    {"Clone3ByErrno", "Clone3Unmentioned", Default("ERRNO"), false, ""},
    {"Clone3Added", "Clone3Added", Default("ERRNO"), true, "ENOSYS"},
    {"Clone3NotAdded", "Clone3Added", SpecWith(""), false, ""},
    {"Clone3Enosys", "Clone3Added", kSparse, false, ""},
    {"Clone3KillStays", "Clone3Added", Default("KILL_PROCESS"), false, ""},
    {"Clone3OnMips", "Clone3Added", Default("ERRNO"), true, "errno 89", "SCMP_ARCH_MIPSEL64"},
    // Starting
    {"NoExecve", "CannotStart", Without("execve"), true, "execve is not allowed"},
    {"NoExit", "CannotStart", Without("exit_group"), true, "hangs"},
    {"Starts", "CannotStart", SpecWith(""), false, ""},
    {"NoFstatfs", "CannotStart", Without("fstatfs"), false, ""},
    {"Runc", "MayNotStart", Without("fstatfs"), true, "fstatfs (runc);"},
    {"NewRunc", "MayNotStart", Without("openat2"), true, "openat2 (runc 1.5);"},
    {"Both", "MayNotStart", Without("capset"), true, "(runc and crun without no_new_privs)"},
    {"Mixed", "MayNotStart", Without("fstat"), true, "(runc 1.5, and runc 1.1 without no_new"},
    {"CrunOnly", "MayNotStart", Without("pselect6"), true, "pselect6 (crun without no_new_privs)"},
    {"OlderAccess", "MayNotStart", Without("faccessat2", Rule("faccessat", "ALLOW")), false, ""},
    {"Kill", "MayNotStart", Default("KILL_PROCESS"), true, "epoll_ctl, getpid"},
    {"KillNewCrun", "MayNotStart",
     R"({"profile":{"defaultAction":"SCMP_ACT_KILL_PROCESS","syscalls":[{"names":["execve","exit_group"],"action":"SCMP_ACT_ALLOW"}]}})",
     true, "close_range (crun)"},
    {"StartsAll", "MayNotStart", SpecWith(""), false, ""},
    {"ExecOfCrun", "ExecMayFail", Without("setgroups"), true, "setgroups is not allowed"},
    {"ExecAllowed", "ExecMayFail", SpecWith(""), false, ""},
    {"ExecAlone", "ExecMayFail", kSparse, true, "openat, setgroups and statx"},
    {"NoMmap", "ProgramsMayFail", Without("mmap"), true, "mmap is not allowed"},
    {"NoArchPrctl", "ProgramsMayFail", Without("arch_prctl"), true, "arch_prctl"},
    {"NoArchPrctlOnArm", "ProgramsMayFail", Without("arch_prctl"), false, "", "SCMP_ARCH_AARCH64"},
    {"NoClone", "ProgramsMayFail", Default("ERRNO"), true, "no thread"},
    {"Runs", "ProgramsMayFail", SpecWith(""), false, ""},
    // Default actions and error numbers
    {"OpenDefault", "FailOpenDefault", Allowed(""), true, "later kernels"},
    {"ClosedDefault", "FailOpenDefault", SpecWith(""), false, ""},
    {"Eperm", "FallbackBlocked", Without("epoll_pwait2"), true, "epoll_pwait2 fails with errno 1"},
    {"Enosys", "FallbackBlocked", kSparse, false, ""},
    {"Clone3Eperm", "FallbackBlocked", Default("TRAP", Rule("clone3", "ERRNO")), true, "no thread"},
    {"Clone3Sigsys", "FallbackBlocked", Default("ERRNO", Rule("clone3", "TRAP")), true,
     "no thread"},
    {"StatxTraps", "FallbackBlocked", Allowed(Rule("statx", "TRAP")), false, ""},
    {"StatxEperm", "FallbackBlocked", Allowed(Rule("statx", "ERRNO")), true, "programs give up"},
    {"StatxOfSome", "FallbackBlocked", Allowed(Rule("statx", "ERRNO", Arg(2, "EQ", "1"))), false,
     ""},
    {"Time64", "FallbackBlocked", Listing(R"("SCMP_ARCH_X86")"), true, "and 13 more fail"},
    {"AllSaid", "FallbackBlocked", SpecWith(""), false, ""},
    {"Killing", "FallbackBlocked", Default("KILL_PROCESS"), false, ""},
    {"DefaultZero", "ErrnoZero", SpecWith(R"("defaultErrnoRet":0)"), true, "defaultErrnoRet 0"},
    {"RuleZero", "ErrnoZero", SpecWith("", Rule("chown", "ERRNO", "", R"(,"errnoRet":0)")), true,
     "chown looks"},
    {"RuleOne", "ErrnoZero", SpecWith("", Rule("chown", "ERRNO", "", R"(,"errnoRet":2)")), false,
     ""},
    {"Thread", "KillThreadDefault", Default("KILL"), true, "Go and Java"},
    {"Process", "KillThreadDefault", Default("KILL_PROCESS"), false, ""},
    // Arguments
    {"DenyEq", "TruncatedArgument", Allowed(Rule("ioctl", "ERRNO", Arg(1, "EQ", "0x5412"))), true,
     "argument 1 of ioctl"},
    {"DenyBesideAllow", "TruncatedArgument",
     SpecWith("", Rule("socket", "ERRNO", Arg(0, "EQ", "40"), R"(,"errnoRet":97)") + "," +
                      Rule("socket", "ALLOW", Arg(1, "EQ", "1"))),
     true, "argument 0 of socket"},
    {"DenyMasked", "TruncatedArgument",
     Allowed(Rule("ioctl", "ERRNO", Arg(1, "MASKED_EQ", "0xffffffff", "0x5412"))), false, ""},
    {"DenyWideMask", "TruncatedArgument",
     Allowed(Rule("ioctl", "ERRNO", Arg(1, "MASKED_EQ", "0xffffffffffffffff", "0x5412"))), true,
     "valueTwo"},
    {"DenyGreater", "TruncatedArgument", Allowed(Rule("socket", "ERRNO", Arg(0, "GT", "16"))),
     false, ""},
    {"AllowNe", "TruncatedArgument", SpecWith("", Rule("socket", "ALLOW", Arg(0, "NE", "38"))),
     true, "SCMP_CMP_EQ"},
    {"AllowEq", "TruncatedArgument", SpecWith("", Rule("socket", "ALLOW", Arg(0, "EQ", "2"))),
     false, ""},
    {"WideArgument", "TruncatedArgument", Allowed(Rule("mmap", "ERRNO", Arg(2, "EQ", "7"))), false,
     ""},
    {"DeniedAnyway", "TruncatedArgument",
     SpecWith("", Rule("fcntl", "ERRNO", Arg(1, "EQ", "5"), R"(,"errnoRet":22)")), false, ""},
    {"Path", "PointerArgument", SpecWith("", Rule("open", "ALLOW", Arg(0, "EQ", "4096"))), true,
     "argument 0 of open"},
    {"Null", "PointerArgument", SpecWith("", Rule("connect", "ALLOW", Arg(1, "NE", "0"))), false,
     ""},
    {"OpenFlags", "PointerArgument", SpecWith("", Rule("open", "ALLOW", Arg(1, "EQ", "0"))), false,
     ""},
    // Rules against each other
    {"RangesMeet", "OverlappingRules",
     SpecWith("", Rule("ioprio_set", "LOG", Arg(1, "GT", "5")) + "," +
                      Rule("ioprio_set", "ALLOW", Arg(1, "GT", "7"))),
     true, "exclude each other"},
    {"RangesApart", "OverlappingRules",
     SpecWith("", Rule("ioprio_set", "LOG", Arg(1, "LE", "7")) + "," +
                      Rule("ioprio_set", "ALLOW", Arg(1, "GT", "7"))),
     false, ""},
    {"OtherArguments", "OverlappingRules",
     SpecWith("", Rule("ioprio_set", "LOG", Arg(0, "EQ", "1")) + "," +
                      Rule("ioprio_set", "ALLOW", Arg(1, "EQ", "1"))),
     true, ""},
    {"ApartByOne", "OverlappingRules",
     SpecWith("", Rule("ioprio_set", "LOG", Arg(0, "EQ", "1") + "," + Arg(1, "EQ", "1")) + "," +
                      Rule("ioprio_set", "ALLOW", Arg(1, "EQ", "2"))),
     false, ""},
    {"MasksMeet", "OverlappingRules",
     SpecWith("", Rule("ioprio_set", "LOG", Arg(0, "MASKED_EQ", "0xf0", "0x10")) + "," +
                      Rule("ioprio_set", "ALLOW", Arg(0, "MASKED_EQ", "0x0f", "0x01"))),
     true, ""},
    {"MasksApart", "OverlappingRules",
     SpecWith("", Rule("ioprio_set", "LOG", Arg(0, "MASKED_EQ", "0xf0", "0x10")) + "," +
                      Rule("ioprio_set", "ALLOW", Arg(0, "MASKED_EQ", "0xff", "0x20"))),
     false, ""},
    {"MaskMeetsRange", "OverlappingRules",
     SpecWith("", Rule("ioprio_set", "LOG", Arg(0, "MASKED_EQ", "0xff", "0x10")) + "," +
                      Rule("ioprio_set", "ALLOW", Arg(0, "GE", "0x11"))),
     true, ""},
    {"MaskAboveRange", "OverlappingRules",
     SpecWith("", Rule("ioprio_set", "LOG", Arg(0, "MASKED_EQ", "0xff", "0x10")) + "," +
                      Rule("ioprio_set", "ALLOW", Arg(0, "LT", "0x10"))),
     false, ""},
    {"SameAction", "OverlappingRules",
     SpecWith("", Rule("ioprio_set", "ALLOW", Arg(1, "GT", "5")) + "," +
                      Rule("ioprio_set", "ALLOW", Arg(1, "GT", "7"))),
     false, ""},
    {"TwoExceptions", "RulesCoverAll",
     SpecWith("", Rule("ioprio_set", "ALLOW", Arg(0, "NE", "38")) + "," +
                      Rule("ioprio_set", "ALLOW", Arg(0, "NE", "40"))),
     true, "rules are alternatives"},
    {"TwoHalves", "RulesCoverAll",
     SpecWith("", Rule("ioprio_set", "ALLOW", Arg(0, "LE", "38")) + "," +
                      Rule("ioprio_set", "ALLOW", Arg(0, "GT", "38"))),
     true, ""},
    {"Gap", "RulesCoverAll",
     SpecWith("", Rule("ioprio_set", "ALLOW", Arg(0, "LT", "38")) + "," +
                      Rule("ioprio_set", "ALLOW", Arg(0, "GT", "38"))),
     false, ""},
    {"AlwaysTrue", "RulesCoverAll", SpecWith("", Rule("ioprio_set", "ALLOW", Arg(0, "GE", "0"))),
     true, "every value of argument 0"},
    {"EmptyMask", "RulesCoverAll",
     SpecWith("", Rule("ioprio_set", "ALLOW", Arg(0, "MASKED_EQ", "0"))), true, ""},
    {"OtherIndex", "RulesCoverAll",
     SpecWith("", Rule("ioprio_set", "ALLOW", Arg(0, "NE", "38")) + "," +
                      Rule("ioprio_set", "ALLOW", Arg(1, "NE", "40"))),
     false, ""},
    // Architectures
    {"I386Socket", "MultiplexedArguments",
     Listing(R"("SCMP_ARCH_X86_64","SCMP_ARCH_X86")", Rule("socket", "ALLOW", Arg(0, "EQ", "2"))),
     true, "socketcall"},
    {"I386Plain", "MultiplexedArguments",
     Listing(R"("SCMP_ARCH_X86_64","SCMP_ARCH_X86")", Rule("socket", "ALLOW")), false, ""},
    {"X32Socket", "MultiplexedArguments",
     Listing(R"("SCMP_ARCH_X86_64","SCMP_ARCH_X32")", Rule("socket", "ALLOW", Arg(0, "EQ", "2"))),
     false, ""},
    {"I386Prctl", "MultiplexedArguments",
     Listing(R"("SCMP_ARCH_X86_64","SCMP_ARCH_X86")", Rule("ioctl", "ALLOW", Arg(1, "EQ", "2"))),
     false, ""},
    {"I386", "CompatArchitecture", Listing(R"("SCMP_ARCH_X86_64","SCMP_ARCH_X86")"), true, "three"},
    {"Native", "CompatArchitecture", Listing(R"("SCMP_ARCH_X86_64")"), false, ""},
    {"ArmOnArm64", "CompatArchitecture", Listing(R"("SCMP_ARCH_AARCH64","SCMP_ARCH_ARM")"), false,
     "", "SCMP_ARCH_AARCH64"},
    {"ArmOnX86", "UnusedArchitecture", Listing(R"("SCMP_ARCH_X86_64","SCMP_ARCH_AARCH64")"), true,
     "SCMP_ARCH_AARCH64 has no effect"},
    {"X86OnX86", "UnusedArchitecture", Listing(R"("SCMP_ARCH_X86_64","SCMP_ARCH_X86")"), false, ""},
    {"NotListed", "NativeArchitectureAdded", Listing(R"("SCMP_ARCH_AARCH64")"), true, "always add"},
    {"NoneListed", "NativeArchitectureAdded", SpecWith(""), false, ""},
};

class LintTable : public testing::TestWithParam<Row> {};

TEST_P(LintTable, Finds) {
  const Row& row = GetParam();
  const Result<Rendered> rendered = RenderOn(row.architecture, row.spec);
  ASSERT_TRUE(rendered.ok());
  std::vector<Diagnostic> found;
  for (const Diagnostic& finding : rendered->findings) {
    if (finding.code == row.code) found.push_back(finding);
  }
  ASSERT_EQ(found.size(), row.is_found ? 1U : 0U) << FindingsText(rendered->findings);
  if (!row.is_found) return;
  EXPECT_NE(found[0].message.find(row.in_message), std::string::npos) << found[0].message;
  EXPECT_TRUE(found[0].pointer.starts_with("/profile/")) << found[0].pointer;
}

INSTANTIATE_TEST_SUITE_P(Lint, LintTable, testing::ValuesIn(kRows),
                         [](const auto& row) { return row.param.name; });

TEST(LintTest, EveryLintHasARowThatHasItAndOneThatHasNot) {
  std::set<std::string> found;
  std::set<std::string> missed;
  for (const Row& row : kRows) (row.is_found ? found : missed).insert(row.code);
  EXPECT_EQ(found, missed);
  for (const CodeRow& row : CodeTable()) {
    if (row.code < Code::kDangerousSyscall || row.code > Code::kNativeArchitectureAdded) continue;
    EXPECT_TRUE(found.contains(std::string(row.name))) << row.name;
  }
}

TEST(LintTest, ASoundProfileHasNoFinding) {
  const Result<Rendered> rendered = RenderOn(kNode, SpecWith(""));
  ASSERT_TRUE(rendered.ok());
  EXPECT_EQ(FindingsText(rendered->findings), "");
}

TEST(LintTest, OneFindingOfACodeAtOnePlace) {
  for (const std::string name : {"basic", "restrictive", "web-server", "database"}) {
    const std::string spec = R"({"profile":)" + ReadText(TestData("seed/" + name + ".json")) + "}";
    const Result<Rendered> rendered = RenderOn(kNode, spec);
    ASSERT_TRUE(rendered.ok());
    const std::vector<std::string> codes = CodesAt(rendered->findings);
    EXPECT_EQ(std::set<std::string>(codes.begin(), codes.end()).size(), codes.size()) << name;
  }
}

TEST(LintTest, Clone3IsWrittenTheSameForEveryRuntime) {
  const auto bytes = [](const std::string& spec) {
    const Result<Rendered> rendered = RenderOn(kNode, spec);
    return rendered.ok() ? rendered->bytes : "";
  };
  const std::string enosys = Rule("clone3", "ERRNO", "", R"(,"errnoRet":38)");
  EXPECT_NE(bytes(Default("ERRNO")), "");
  EXPECT_EQ(bytes(Default("ERRNO")), bytes(Default("ERRNO", enosys)));
  // What else the profile may mean stays.
  EXPECT_NE(bytes(Default("ERRNO")), bytes(Default("ERRNO", Rule("clone3", "TRAP"))));
  EXPECT_EQ(bytes(Default("KILL_PROCESS")).find("clone3"), std::string::npos);
  EXPECT_EQ(bytes(kSparse).find("clone3"), std::string::npos);
}

// The codes that Lint finds in `spec` with `options`.
std::vector<std::string> CodesWith(const std::string& spec, const LintOptions& options) {
  DecodedSpec decoded = DecodeSpec(spec);
  EXPECT_FALSE(HasError(decoded.findings)) << FindingsText(decoded.findings);
  decoded.profile.architectures = {Architecture::kX8664};
  std::vector<Diagnostic> findings;
  const Profile profile = Normalize(std::move(decoded.profile), findings);
  findings.clear();
  Lint(profile, options, findings);
  std::vector<std::string> codes;
  for (const Diagnostic& finding : findings) codes.push_back(finding.code);
  return codes;
}

TEST(LintTest, RuntimeDecidesWhatMustStart) {
  const std::vector<std::string> cannot = {"CannotStart"};
  const std::vector<std::string> may_not = {"MayNotStart"};
  const std::vector<std::string> none;
  const LintOptions runc{RuntimeChoice::kRunc, std::nullopt, {}};
  const LintOptions crun{RuntimeChoice::kCrun, std::nullopt, {}};
  EXPECT_EQ(CodesWith(Without("fstatfs"), {}), may_not);
  EXPECT_EQ(CodesWith(Without("fstatfs"), runc), cannot);
  EXPECT_EQ(CodesWith(Without("fstatfs"), crun), none);
  // Not every start under runc needs it, and no start without newer versions.
  const std::vector<std::string> both = {"MayNotStart", "ProgramsMayFail"};
  EXPECT_EQ(CodesWith(Without("rt_sigreturn"), runc), both);
  EXPECT_EQ(CodesWith(Without("openat2"), runc),
            (std::vector<std::string>{"MayNotStart", "FallbackBlocked"}));
}

TEST(LintTest, NoNewPrivsDecidesWhatMustStart) {
  const LintOptions with{RuntimeChoice::kBoth, true, {}};
  const LintOptions without{RuntimeChoice::kBoth, false, {}};
  EXPECT_EQ(CodesWith(Without("capset"), with), std::vector<std::string>{});
  EXPECT_EQ(CodesWith(Without("capset"), {}), std::vector<std::string>{"MayNotStart"});
  EXPECT_EQ(CodesWith(Without("capset"), without), std::vector<std::string>{"CannotStart"});
}

TEST(LintTest, CapabilitiesHeldAreMeant) {
  const std::string mount = SpecWith("", Rule("mount", "ALLOW"));
  const std::string clone =
      Default("ERRNO", Rule("clone", "ALLOW") + "," + Rule("clone3", "ALLOW"));
  const LintOptions admin{RuntimeChoice::kBoth, std::nullopt, {"CAP_SYS_ADMIN"}};
  const LintOptions other{RuntimeChoice::kBoth, std::nullopt, {"CAP_NET_ADMIN"}};
  EXPECT_EQ(CodesWith(mount, other), std::vector<std::string>{"DangerousSyscall"});
  EXPECT_EQ(CodesWith(mount, admin), std::vector<std::string>{});
  EXPECT_EQ(CodesWith(clone, other),
            (std::vector<std::string>{"UnfilteredClone", "Clone3Allowed"}));
  EXPECT_EQ(CodesWith(clone, admin), std::vector<std::string>{});
}

TEST(CodesTest, EveryRowIsComplete) {
  std::set<std::string_view> names;
  for (const CodeRow& row : CodeTable()) {
    EXPECT_TRUE(names.insert(row.name).second) << row.name;
    for (const std::string_view text : {row.name, row.title, row.what_to_do, row.example}) {
      EXPECT_FALSE(text.empty()) << row.name;
      EXPECT_EQ(text.find('\n'), std::string_view::npos) << row.name;
      EXPECT_EQ(text.find('|'), std::string_view::npos) << row.name;  // of the README's table
    }
    EXPECT_EQ(&RowOf(row.code), &row);
  }
}

}  // namespace
}  // namespace seccompd::profile
