// SPDX-License-Identifier: Apache-2.0
// seccomp-facts.md, section 6: the list of what a profile should be told.
//
// Each lint has near misses in LintTable (lint_test.cc). Decided otherwise (ARCHITECTURE.md):
// dangerous calls are warnings, and errors only where a ceiling denies them (CeilingTable);
// name_to_handle_at alone is none.
#include "profile/facts.h"

namespace seccompd::profile {
namespace {

constexpr const char* kDangerous[] = {
    // of the error class
    "bpf", "mount", "umount2", "fsopen", "fsconfig", "fsmount", "move_mount", "open_tree",
    "mount_setattr", "pivot_root", "setns", "unshare", "init_module", "finit_module",
    "delete_module", "create_module", "kexec_load", "kexec_file_load", "reboot",
    "open_by_handle_at", "iopl", "ioperm", "swapon", "swapoff", "acct", "quotactl", "settimeofday",
    "clock_settime", "process_vm_writev", "process_vm_readv", "ptrace", "pidfd_getfd", "kcmp",
    "process_madvise",
    // to warn of
    "keyctl", "add_key", "request_key", "userfaultfd", "perf_event_open", "io_uring_setup",
    "io_uring_enter", "io_uring_register", "syslog", "lookup_dcookie", "move_pages", "mbind",
    "set_mempolicy", "modify_ldt",
    // newer than the list
    "open_tree_attr"};

TEST(FactsSection6, EachDangerousCallIsToldAlone) {
  for (const std::string name : kDangerous) {
    const bool is_known = name != "open_tree_attr";  // to this libseccomp
    ExpectFact({"", name, SpecWith("", RuleText(name, "ALLOW")),
                is_known ? "DangerousSyscall" : "SyscallNotInLibseccomp",
                name + (is_known ? " is allowed and can" : "")});
    ExpectFact({"", name + ", logged", SpecWith("", RuleText(name, "LOG")),
                is_known ? "DangerousSyscall" : "", ""});
    ExpectFact(
        {"", name + ", denied", SpecWith("", RuleText(name, "TRAP")), "-DangerousSyscall", ""});
  }
  // Not on x86_64: there, the name has no effect.
  for (const std::string name : {"vm86", "vm86old"}) {
    ExpectFact({"", name, SpecWith(R"("architectures":["SCMP_ARCH_X86"])", RuleText(name, "ALLOW")),
                "DangerousSyscall", "x86"});
  }
  ExpectFact({"", "decided otherwise", SpecWith("", RuleText("name_to_handle_at", "ALLOW")),
              "-DangerousSyscall", ""});
}

TEST(FactsSection6, PersonalitiesButDockersAreTold) {
  for (const char* value : {"0", "8", "131072", "131080", "4294967295"}) {
    ExpectFact({"", value, SpecWith("", RuleText("personality", "ALLOW", ArgText(0, "EQ", value))),
                "-UnfilteredArgument", ""});
  }
  // READ_IMPLIES_EXEC, ADDR_NO_RANDOMIZE, with PER_LINUX32 beside it, PER_SVR4, and 0 with a bit
  // that nobody looks at.
  for (const char* value : {"4194304", "262144", "262152", "1"}) {
    ExpectFact({"", value, SpecWith("", RuleText("personality", "ALLOW", ArgText(0, "EQ", value))),
                "UnfilteredArgument", "personality"});
  }
  const auto masked = [](const std::string& mask, const std::string& value) {
    return SpecWith("", RuleText("personality", "ALLOW", ArgText(0, "MASKED_EQ", mask, value)));
  };
  ExpectFact({"", "0, 8, 0x20000, 0x20008", masked("4294836215", "0"), "-UnfilteredArgument", ""});
  ExpectFact({"", "0, 1", masked("4294967294", "0"), "UnfilteredArgument", "personality"});
  ExpectFact({"", "any flag", masked("255", "0"), "UnfilteredArgument", "personality"});
  ExpectFact({"", "at most 0",
              SpecWith("", RuleText("personality", "ALLOW", ArgText(0, "LE", "0"))),
              "-UnfilteredArgument", ""});
  ExpectFact({"", "at most 8",
              SpecWith("", RuleText("personality", "ALLOW", ArgText(0, "LE", "8"))),
              "UnfilteredArgument", "personality"});
  ExpectFact({"", "all but one",
              SpecWith("", RuleText("personality", "ALLOW", ArgText(0, "NE", "4194304"))),
              "UnfilteredArgument", "personality"});
}

// The kernel takes them as 32 bits; a deny rule with EQ is passed by with a higher one.
TEST(FactsSection6, ArgumentsOf32BitsAreComparedWithAMask) {
  const struct {
    const char* name;
    int index;
  } kArguments[] = {{"ioctl", 1},
                    {"socket", 0},
                    {"socket", 1},
                    {"prctl", 0},
                    {"personality", 0},
                    {"fcntl", 1},
                    {"setsockopt", 1},
                    {"setsockopt", 2},
                    {"getsockopt", 2},
                    {"clone", 0},
                    {"bpf", 0},
                    {"keyctl", 0},
                    {"kill", 1},
                    {"tgkill", 2},
                    {"open", 1},
                    {"openat", 2},
                    {"socketpair", 0},
                    {"seccomp", 0},
                    {"setns", 1},
                    {"syslog", 0},
                    {"setuid", 0},
                    {"setresuid", 2},
                    {"quotactl", 0},
                    {"arch_prctl", 0},
                    {"dup2", 1},
                    {"write", 0},
                    {"fchmodat", 2},
                    {"accept4", 3},
                    {"msgctl", 1},
                    {"inotify_init1", 0},
                    {"sched_setscheduler", 1},
                    {"perf_event_open", 1},
                    {"landlock_add_rule", 1}};
  for (const auto& [name, index] : kArguments) {
    ExpectFact({"", name, OpenFile(RuleText(name, "ERRNO", ArgText(index, "EQ", "5"))),
                "TruncatedArgument", "argument " + std::to_string(index) + " of " + name});
    ExpectFact({"", std::string(name) + ", masked",
                OpenFile(RuleText(name, "ERRNO", ArgText(index, "MASKED_EQ", "4294967295", "5"))),
                "-TruncatedArgument", ""});
    ExpectFact({"", std::string(name) + ", allowed",
                SpecWith("", RuleText(name, "ALLOW", ArgText(index, "EQ", "5"))),
                "-TruncatedArgument", ""});
  }
  const std::pair<const char*, int> kWide[] = {
      {"mmap", 2}, {"lseek", 1}, {"mprotect", 2}, {"ptrace", 0}};
  for (const auto& [name, index] : kWide) {
    ExpectFact({"", name, OpenFile(RuleText(name, "ERRNO", ArgText(index, "EQ", "5"))),
                "-TruncatedArgument", ""});
  }
}

const std::string kTiocsti = OpenFile(RuleText("ioctl", "ERRNO", ArgText(1, "EQ", "21522")));
const std::string kTiocstiMasked =
    OpenFile(RuleText("ioctl", "ERRNO", ArgText(1, "MASKED_EQ", "4294967295", "21522")));
const std::string kEnosys = R"({"defaultAction":"SCMP_ACT_ERRNO","defaultErrnoRet":38})";

const Fact kFacts[] = {
    {"Clone", "clone without the mask on argument 0", SpecWith("", RuleText("clone", "ALLOW")),
     "UnfilteredClone", "index 0"},
    {"CloneOfS390", "on s390 it is argument 1", SpecWith(""), "UnfilteredClone", "index 1",
     "SCMP_ARCH_S390X"},
    {"CloneMasked", "with it, fine", SpecWith(""), "-UnfilteredClone", ""},
    {"Clone3", "clone3 cannot be filtered", SpecWith("", RuleText("clone3", "ALLOW")),
     "Clone3Allowed", "errnoRet 38"},
    {"Clone3Eperm", "clone3 must be ERRNO 38", OpenFile(RuleText("clone3", "ERRNO")),
     "FallbackBlocked", "makes no thread"},
    {"Clone3Killed", "clone3 must be ERRNO 38", OpenFile(RuleText("clone3", "KILL_PROCESS")),
     "FallbackBlocked", "clone3"},
    {"Clone3Enosys", "clone3 must be ERRNO 38",
     OpenFile(RuleText("clone3", "ERRNO", "", R"(,"errnoRet":38)")), "-FallbackBlocked", ""},
    {"Clone3Unnamed", "a default of ERRNO other than 38 must mention clone3",
     R"({"defaultAction":"SCMP_ACT_ERRNO"})", "Clone3Added", "ENOSYS"},
    {"Clone3UnderKill", "left to the runtime", R"({"defaultAction":"SCMP_ACT_KILL_PROCESS"})",
     "Clone3Unmentioned", "crun"},
    {"AfAlg", "AF_ALG 38", SpecWith("", RuleText("socket", "ALLOW", ArgText(0, "EQ", "38"))),
     "UnfilteredArgument", "AF_ALG"},
    {"AfVsock", "AF_VSOCK 40", SpecWith("", RuleText("socket", "ALLOW", ArgText(0, "EQ", "40"))),
     "UnfilteredArgument", "AF_VSOCK"},
    {"AfInet", "others are fine", SpecWith("", RuleText("socket", "ALLOW", ArgText(0, "EQ", "2"))),
     "-UnfilteredArgument", ""},
    {"Tiocsti", "TIOCSTI", SpecWith("", RuleText("ioctl", "ALLOW")), "TerminalIoctl", "0x5412"},
    {"Tioclinux", "TIOCLINUX", SpecWith("", RuleText("ioctl", "ALLOW", ArgText(1, "EQ", "21532"))),
     "TerminalIoctl", "0x541C"},
    {"Pointer", "pointers: never trust them",
     SpecWith("", RuleText("connect", "ALLOW", ArgText(1, "EQ", "4096"))), "PointerArgument",
     "address"},
    {"OnlyX8664", "recommended: x86_64 alone", SpecWith(R"("architectures":["SCMP_ARCH_X86_64"])"),
     "-CompatArchitecture", ""},
    {"X86", "x86: socketcall, three times the size",
     SpecWith(R"("architectures":["SCMP_ARCH_X86_64","SCMP_ARCH_X86"])"), "CompatArchitecture",
     "SCMP_ARCH_X86 lets"},
    {"X32", "x32 as well", SpecWith(R"("architectures":["SCMP_ARCH_X86_64","SCMP_ARCH_X32"])"),
     "CompatArchitecture", "X32"},
    {"NodesOwn", "without the node's own it still holds",
     SpecWith(R"("architectures":["SCMP_ARCH_AARCH64"])"), "NativeArchitectureAdded",
     "runtimes always add it"},
    {"Faccessat2", "EPERM breaks the fallback", R"({"defaultAction":"SCMP_ACT_ERRNO"})",
     "FallbackBlocked",
     "close_range, epoll_pwait2, faccessat2, fchmodat2, futex_waitv, openat2 and statx fail with "
     "errno 1"},
    {"Rseq", "rseq may fail", R"({"defaultAction":"SCMP_ACT_ERRNO"})", "-FallbackBlocked", "rseq"},
    {"Enosys", "offered: defaultErrnoRet 38", kEnosys, "-FallbackBlocked", ""},
    {"AllEnosys", "or an explicit list with ENOSYS",
     R"({"defaultAction":"SCMP_ACT_ERRNO","syscalls":[{"names":["clone3","close_range","epoll_pwait2","faccessat2",)"
     R"("fchmodat2","futex_waitv","openat2","statx"],"action":"SCMP_ACT_ERRNO","errnoRet":38}]})",
     "-FallbackBlocked", ""},
    {"StatxEperm", "an explicit EPERM is no fallback", OpenFile(RuleText("statx", "ERRNO")),
     "FallbackBlocked", "statx"},
    {"Time64", "time64 calls, where there are 32-bit programs",
     SpecWith(R"("architectures":["SCMP_ARCH_X86"])"), "FallbackBlocked",
     "clock_getres_time64, clock_gettime64"},
    {"NoTime64", "none on x86_64", SpecWith(""), "-FallbackBlocked", ""},
    {"NoTime64OnX32", "none on x32", SpecWith(R"("architectures":["SCMP_ARCH_X32"])"),
     "-FallbackBlocked", ""},
    {"Allow", "a deny-list", R"({"defaultAction":"SCMP_ACT_ALLOW"})", "FailOpenDefault",
     "later kernels"},
    {"Log", "a deny-list", R"({"defaultAction":"SCMP_ACT_LOG"})", "FailOpenDefault",
     "later kernels"},
    {"NoNames", "names: [] makes no rule", OpenFile(R"({"names":[],"action":"SCMP_ACT_ERRNO"})"),
     "EmptyNames", ""},
    {"Shadowed", "a rule behind one that says the same",
     OpenFile(RuleText("mkdir", "ERRNO") + "," + RuleText("mkdir", "ERRNO")), "ShadowedRule", ""},
    {"Dead", "action == default", OpenFile(RuleText("mkdir", "ALLOW")), "DeadRule", ""},
    {"KillThread", "KILL_THREAD by default", R"({"defaultAction":"SCMP_ACT_KILL_THREAD"})",
     "KillThreadDefault", "KILL_PROCESS"},
    {"KillProcess", "better: KILL_PROCESS", R"({"defaultAction":"SCMP_ACT_KILL_PROCESS"})",
     "-KillThreadDefault", ""},
    {"Execve", "missing execve: never starts", kEnosys, "CannotStart", "execve"},
    {"ExitGroup", "missing exit_group: hang", kEnosys, "CannotStart", "exit_group"},
};
INSTANTIATE_TEST_SUITE_P(Section6, FactTable, testing::ValuesIn(kFacts),
                         [](const auto& row) { return row.param.name; });

const Answer kAnswers[] = {
    {"Truncation", "a higher bit passes EQ", kTiocsti, "ioctl", {{1, 0x100005412}}, "ALLOW"},
    {"Mask", "but not MASKED_EQ", kTiocstiMasked, "ioctl", {{1, 0x100005412}}, "ERRNO 1 (EPERM)"},
    {"AllowEq",
     "an allow rule with EQ is safe",
     SpecWith("", RuleText("socket", "ALLOW", ArgText(0, "EQ", "2"))),
     "socket",
     {{0, 0x100000002}},
     "ERRNO 1 (EPERM)"},
    {"I386",
     "not listed: the thread dies, even where the default is ALLOW",
     OpenFile(""),
     "read",
     {},
     "KILL_THREAD",
     Runtime::kRunc,
     Architecture::kX86},
    {"X32",
     "x32 as well",
     OpenFile(""),
     "read",
     {},
     "KILL_THREAD",
     Runtime::kRunc,
     Architecture::kX32},
};
INSTANTIATE_TEST_SUITE_P(Section6, AnswerTable, testing::ValuesIn(kAnswers),
                         [](const auto& row) { return row.param.name; });

// Before main(), or in almost every program.
TEST(FactsSection6, WhatEveryProgramNeedsIsTold) {
  for (const std::string name :
       {"arch_prctl", "mmap", "mprotect", "brk", "set_tid_address", "rt_sigreturn", "futex"}) {
    std::string spec = SpecWith("");
    spec.erase(spec.find("\"" + name + "\","), name.size() + 3);
    ExpectFact({"", name, spec, "ProgramsMayFail", name + " is not allowed"});
  }
}

// -1, which a tracer writes to skip a call, gets the default.
TEST(FactsSection6, NoNumberIsNoX32Call) {
  const Meaning meaning(Prepared(R"({"defaultAction":"SCMP_ACT_ERRNO"})"));
  CallData call{~0U, AuditArchitecture(Architecture::kX8664), 0, {}};
  EXPECT_EQ(VerdictText(meaning.Decide(call).verdict), "ERRNO 1 (EPERM)");
  call.number = 0x40000000;
  EXPECT_EQ(VerdictText(meaning.Decide(call).verdict), "KILL_THREAD");
}

}  // namespace
}  // namespace seccompd::profile
