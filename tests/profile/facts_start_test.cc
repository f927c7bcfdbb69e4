// SPDX-License-Identifier: Apache-2.0
// seccomp-facts.md, section 3: what the runtimes themselves need, and the four seed profiles. Each
// row of its table is typed here again; taking one call away must be noticed, with the severity
// that the runtime earns.
//
// Proven elsewhere:
// - the seed's outcomes under the real runc and crun: tests/differential (SEEDS); that containers
// start under
//   builtin/runtime-start-v1 and programs run: tests/builtins/run.sh
// - the seed's findings word by word: RenderTest.SeedProfilesHaveTheirKnownFindings,
// LintTest.TellsPeopleWhatIsWrongWithTheSeeds
// - no name of the seed is unknown: the goldens of the two, which have no UnknownSyscall
// - the recorded sets of another project are not taken: ARCHITECTURE.md's decisions
#include <algorithm>
#include <sstream>

#include "seccompd/profile/decode.h"
#include "seccompd/profile/lint.h"

#include "profile/facts.h"

namespace seccompd::profile {
namespace {

using Names = std::vector<std::string>;

Names Words(const std::string& text) {
  std::istringstream in(text);
  return {std::istream_iterator<std::string>(in), {}};
}

struct Need {
  std::string name;
  RuntimeChoice runtime;
  bool no_new_privs;
  std::string default_action;
  std::string certain;   // without one of these no container starts: CannotStart
  std::string possible;  // only some starts, or versions, need them: MayNotStart
};

const std::string kBoth11And15 = "close execve fstatfs getdents64 openat write";
const std::string kPrivileges =
    " capget capset chdir getcwd getppid newfstatat prctl read setgid setgroups setuid";
const std::string kGoUnderKill =
    " epoll_ctl getpid tgkill nanosleep sched_yield epoll_pwait mmap madvise rt_sigprocmask "
    "sigaltstack clone exit";
const std::string kCrunPrivileges =
    "capset execve prctl read rt_sigaction rt_sigprocmask setresgid setresuid write";

// exit_group is in each: without it a runtime that fails hangs. Possible: what not every version
// needs (crun 1.21 close_range where the default kills, and no pselect6), or not each time.
const Need kNeeds[] = {
    {"RuncNnp", RuntimeChoice::kRunc, true, "ERRNO", kBoth11And15,
     "futex rt_sigreturn fstat openat2 statx"},
    {"Runc", RuntimeChoice::kRunc, false, "ERRNO", kBoth11And15 + kPrivileges + " fstat",
     "futex rt_sigreturn openat2 statx"},
    {"RuncNnpKill", RuntimeChoice::kRunc, true, "KILL_PROCESS", kBoth11And15,
     "futex rt_sigreturn fstat openat2 statx fcntl" + kGoUnderKill},  // fcntl: runc 1.1.15
    {"RuncKill", RuntimeChoice::kRunc, false, "KILL_PROCESS", kBoth11And15 + kPrivileges + " fstat",
     "futex rt_sigreturn openat2 statx fcntl fchown" + kGoUnderKill},
    {"CrunNnp", RuntimeChoice::kCrun, true, "ERRNO", "execve", ""},
    {"CrunNnpKill", RuntimeChoice::kCrun, true, "KILL_PROCESS", "execve close", "close_range"},
    {"Crun", RuntimeChoice::kCrun, false, "ERRNO", kCrunPrivileges, "pselect6"},
    {"CrunKill", RuntimeChoice::kCrun, false, "KILL_PROCESS", kCrunPrivileges + " close",
     "pselect6 close_range"},
};

class StartTable : public testing::TestWithParam<Need> {
 protected:
  // The codes about starting that a profile with exactly `names` has.
  Names CodesOf(const Names& names) const {
    std::string list;
    for (const std::string& name : names) list += (list.empty() ? "\"" : ",\"") + name + "\"";
    DecodedSpec decoded =
        DecodeSpec(R"({"profile":{"defaultAction":"SCMP_ACT_)" + GetParam().default_action +
                   R"(","syscalls":[{"names":[)" + list + R"(],"action":"SCMP_ACT_ALLOW"}]}})");
    decoded.profile.architectures = {Architecture::kX8664};
    std::vector<Diagnostic> findings;
    const Profile profile = Normalize(std::move(decoded.profile), findings);
    Lint(profile, {GetParam().runtime, GetParam().no_new_privs, {}}, findings);
    Names codes;
    for (const Diagnostic& finding : findings) {
      if (finding.code.ends_with("Start")) codes.push_back(finding.code);
    }
    return codes;
  }
};

TEST_P(StartTable, EachCallTakenAwayIsNoticed) {
  const Names certain = Words(GetParam().certain + " exit_group");
  const Names possible = Words(GetParam().possible);
  Names all = certain;
  all.insert(all.end(), possible.begin(), possible.end());
  if (std::find(all.begin(), all.end(), "faccessat") == all.end()) all.push_back("faccessat");
  EXPECT_EQ(CodesOf(all), Names{});
  for (const Names* part : {&certain, &possible}) {
    for (const std::string& name : *part) {
      Names rest = all;
      std::erase(rest, name);
      EXPECT_EQ(CodesOf(rest), Names{part == &certain ? "CannotStart" : "MayNotStart"}) << name;
    }
  }
}
INSTANTIATE_TEST_SUITE_P(Section3, StartTable, testing::ValuesIn(kNeeds),
                         [](const auto& row) { return row.param.name; });

// SpecWith without some of the start's names.
std::string Without(const std::string& names) {
  std::string spec = SpecWith("");
  for (const std::string& name : Words(names)) {
    const std::string quoted = "\"" + name + "\",";
    const std::size_t at = spec.find(quoted);
    EXPECT_NE(at, std::string::npos) << name;
    spec.erase(at, quoted.size());
  }
  return spec;
}

std::string Seed(const std::string& name) { return ReadText(TestData("seed/" + name + ".json")); }

const Fact kFacts[] = {
    {"SetByVersion", "the start set is a table by runtime and version", Without("openat2"),
     "MayNotStart", "openat2 (runc 1.5)"},
    {"Faccessat2", "faccessat2 may be replaced by its fallbacks", Without("faccessat2"),
     "MayNotStart", "faccessat2 (runc 1.1 without no_new_privs)"},
    {"Hang", "with exit_group denied a failing runc hangs", Without("exit_group"), "CannotStart",
     "hangs"},
    {"ExecOfCrun", "exec with crun: openat, setgroups and statx as well",
     Without("openat setgroups statx"), "ExecMayFail",
     "openat, setgroups and statx are not allowed"},
    {"ExecNeedsNoMore", "exec with runc: nothing beyond the start set", SpecWith(""),
     "-ExecMayFail", ""},
    {"BasicFutex", "2.1 lacks futex: runc dies", Seed("basic"), "MayNotStart", "futex (runc)"},
    {"BasicArchPrctl", "2.1: any glibc program dies", Seed("basic"), "ProgramsMayFail",
     "arch_prctl and futex"},
    {"BasicClone", "2.1: can't fork", Seed("basic"), "ProgramsMayFail", "no child process"},
    {"BasicPtrace", "2.1 allows ptrace", Seed("basic"), "DangerousSyscall", "ptrace is allowed"},
    {"BasicKeyctl", "2.1 allows keyctl", Seed("basic"), "DangerousSyscall", "keyctl is allowed"},
    {"BasicSyslog", "2.1 allows syslog", Seed("basic"), "DangerousSyscall", "syslog is allowed"},
    {"BasicX32", "2.1 lists x32", Seed("basic"), "CompatArchitecture", "SCMP_ARCH_X32"},
    {"BasicPseudo", "2.1 has names that x86_64 has not", Seed("basic"), "-UnknownSyscall", ""},
    {"Restrictive", "2.2 lacks statx and openat2: no start with runc 1.5", Seed("restrictive"),
     "MayNotStart", "openat2 and statx (runc 1.5)"},
    {"RestrictiveClone", "2.2: unrestricted clone", Seed("restrictive"), "UnfilteredClone", ""},
    {"RestrictivePersonality", "2.2: personality", Seed("restrictive"), "UnfilteredArgument",
     "personality"},
    {"Web", "WEB cannot start at all", Seed("web-server"), "CannotStart", "execve"},
    {"WebHang", "WEB has no exit_group", Seed("web-server"), "CannotStart", "hangs"},
    {"WebPrograms", "WEB: no arch_prctl, mprotect", Seed("web-server"), "ProgramsMayFail",
     "arch_prctl"},
    {"Db", "DB cannot start at all", Seed("database"), "CannotStart", "execve"},
    {"DbHang", "DB has no exit_group", Seed("database"), "CannotStart", "hangs"},
    {"DbPrograms", "DB: no arch_prctl, mprotect", Seed("database"), "ProgramsMayFail", "mprotect"},
};
INSTANTIATE_TEST_SUITE_P(Section3, FactTable, testing::ValuesIn(kFacts),
                         [](const auto& row) { return row.param.name; });

const Answer kAnswers[] = {
    {"BasicFutexDenied",
     "futexwakeup returned -1",
     Seed("basic"),
     "futex",
     {},
     "ERRNO 1 (EPERM)",
     Runtime::kRunc},
    {"WebExecveDenied",
     "exec container process: operation not permitted",
     Seed("web-server"),
     "execve",
     {},
     "ERRNO 1 (EPERM)"},
    {"DbPrctlDenied",
     "prctl drop bounding: operation not permitted",
     Seed("database"),
     "prctl",
     {},
     "ERRNO 1 (EPERM)"},
    {"RestrictiveStatx",
     "no start with runc 1.5",
     Seed("restrictive"),
     "openat2",
     {},
     "ERRNO 38 (ENOSYS)",
     Runtime::kRunc},
};
INSTANTIATE_TEST_SUITE_P(Section3, AnswerTable, testing::ValuesIn(kAnswers),
                         [](const auto& row) { return row.param.name; });

// "Restrictive in name only": each of these is told of.
TEST(FactsSection3, TheRestrictiveSeedIsToldAllThatItAllows) {
  const std::string text = FindingsText(Linted(Seed("restrictive")));
  for (const char* name : {"mount",
                           "pivot_root",
                           "setns",
                           "unshare",
                           "clone",
                           "bpf",
                           "init_module",
                           "finit_module",
                           "kexec_load",
                           "kexec_file_load",
                           "ptrace",
                           "process_vm_readv",
                           "process_vm_writev",
                           "perf_event_open",
                           "userfaultfd",
                           "open_by_handle_at",
                           "add_key",
                           "keyctl",
                           "request_key",
                           "reboot",
                           "swapon",
                           "iopl",
                           "ioperm",
                           "personality",
                           "syslog",
                           "acct"}) {
    EXPECT_NE(text.find(name), std::string::npos) << name;
  }
}

}  // namespace
}  // namespace seccompd::profile
