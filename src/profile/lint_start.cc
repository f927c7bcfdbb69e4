// SPDX-License-Identifier: Apache-2.0
// What the runtimes do between loading the filter and the container's program, and what programs do
// before main(). Measured: each call removed in turn from a profile that starts (runc 1.1.5, 1.1.15
// and 1.5.0-rc, crun 1.8.1 and 1.21, on x86_64). Recorded profiles of other projects are no source:
// they hold what the runtime does before the filter is there, mount and pivot_root among it.
#include <algorithm>
#include <array>
#include <utility>

#include "profile/lint_rules.h"

namespace seccompd::profile {
namespace {

enum Variant : unsigned int { kNo = 0, kRunc11 = 1, kRunc15 = 2, kCrun = 4 };
constexpr unsigned int kRuncAll = kRunc11 | kRunc15;
constexpr unsigned int kAll = kRuncAll | kCrun;

enum class When {
  kAlways,
  kSometimes,  // some versions, or Go's runtime at times: some starts fail without it
  kKill,       // only a default that kills is noticed
};

struct NeedRow {
  std::string_view name;
  unsigned int always;       // by these
  unsigned int without_nnp;  // and by these when the filter is loaded before the privileges go
  When when = When::kAlways;
  std::array<std::string_view, 2> instead = {};  // either does as well
  unsigned int on_kill = kNo;                    // and by these where the default kills
};
constexpr auto kNeeds = std::to_array<NeedRow>({
    {"execve", kAll, kNo},
    {"close", kRuncAll, kNo, When::kAlways, {}, kCrun},
    {"fstatfs", kRuncAll, kNo},
    {"getdents64", kRuncAll, kNo},
    {"openat", kRuncAll, kNo},
    {"write", kRuncAll, kCrun},
    {"futex", kRuncAll, kNo, When::kSometimes},
    {"rt_sigreturn", kRuncAll, kNo, When::kSometimes},
    {"fstat", kRunc15, kRunc11},
    {"openat2", kRunc15, kNo},
    {"statx", kRunc15, kNo},
    {"capget", kNo, kRuncAll},
    {"chdir", kNo, kRuncAll},
    {"faccessat2", kNo, kRunc11, When::kAlways, {"faccessat", "geteuid"}},
    {"getcwd", kNo, kRuncAll},
    {"getppid", kNo, kRuncAll},
    {"newfstatat", kNo, kRuncAll},
    {"setgid", kNo, kRuncAll},
    {"setgroups", kNo, kRuncAll},
    {"setuid", kNo, kRuncAll},
    {"capset", kNo, kAll},
    {"prctl", kNo, kAll},
    {"read", kNo, kAll},
    {"pselect6", kNo, kCrun, When::kSometimes},              // crun 1.21 needs it no more
    {"close_range", kNo, kNo, When::kSometimes, {}, kCrun},  // crun 1.21
    {"rt_sigaction", kNo, kCrun},
    {"rt_sigprocmask", kNo, kCrun, When::kAlways, {}, kRuncAll},
    {"setresgid", kNo, kCrun},
    {"setresuid", kNo, kCrun},
    {"epoll_ctl", kRuncAll, kNo, When::kKill},
    {"getpid", kRuncAll, kNo, When::kKill},
    {"fcntl", kRuncAll, kNo, When::kKill},
    {"fchown", kNo, kRuncAll, When::kKill},  // for a user other than root
    {"clone", kRuncAll, kNo, When::kKill},
    {"epoll_pwait", kRuncAll, kNo, When::kKill},
    {"exit", kRuncAll, kNo, When::kKill},
    {"madvise", kRuncAll, kNo, When::kKill},
    {"mmap", kRuncAll, kNo, When::kKill},
    {"nanosleep", kRuncAll, kNo, When::kKill},
    {"sched_yield", kRuncAll, kNo, When::kKill},
    {"sigaltstack", kRuncAll, kNo, When::kKill},
    {"tgkill", kRuncAll, kNo, When::kKill},
});

// For kubectl exec and exec probes, beside what a start needs; runc needs nothing more.
constexpr std::string_view kExecOfCrun[] = {"openat", "setgroups", "statx"};

// By the C library before main(), or by almost every program.
constexpr std::string_view kPrograms[] = {"brk",      "futex",        "mmap",
                                          "mprotect", "rt_sigreturn", "set_tid_address"};

bool Kills(const Profile& profile) {
  return !LetsThrough(profile.default_action) && !HasErrno(profile.default_action);
}

unsigned int ChosenVariants(RuntimeChoice runtime) {
  switch (runtime) {
    case RuntimeChoice::kBoth:
      return kAll;
    case RuntimeChoice::kRunc:
      return kRuncAll;
    case RuntimeChoice::kCrun:
      return kCrun;
  }
  return kAll;
}

std::string VariantNames(unsigned int variants) {
  std::string names;
  if ((variants & kRuncAll) == kRuncAll) {
    names = "runc";
  } else if ((variants & kRuncAll) != 0) {
    names = (variants & kRunc11) != 0 ? "runc 1.1" : "runc 1.5";
  }
  if ((variants & kCrun) != 0) names += names.empty() ? "crun" : " and crun";
  return names;
}

// What is missing, by who needs it: each call is named once.
class Missing {
 public:
  Missing(const Profile& profile, const LintOptions& options)
      : options_(options), chosen_(ChosenVariants(options.runtime)), kills_(Kills(profile)) {
    for (const NeedRow& row : kNeeds) {
      if (row.when == When::kKill && !kills_) continue;
      if (MayRun(profile, row.name)) continue;
      const auto may_run = [&](std::string_view n) { return !n.empty() && MayRun(profile, n); };
      if (std::any_of(row.instead.begin(), row.instead.end(), may_run)) continue;
      Add(row);
    }
  }

  const std::vector<std::string_view>& certain() const { return certain_; }

  // "close and openat (runc), read (crun without no_new_privs)"; a few of many names, which
  // builtin/runtime-start-v1 has all.
  std::string PossibleText() const {
    std::string text;
    for (const Group& group : groups_) {
      text += (text.empty() ? "" : ", ") + ListNames(group.names, kNamed) + " (";
      text += VariantNames(group.always);
      if (group.without_nnp != kNo) {
        text += (group.always != kNo ? ", and " : "") + VariantNames(group.without_nnp) +
                (options_.no_new_privs.has_value() ? "" : " without no_new_privs");
      }
      text += ")";
    }
    return text;
  }

 private:
  static constexpr std::size_t kNamed = 4;

  struct Group {
    unsigned int always;
    unsigned int without_nnp;
    std::vector<std::string_view> names;
  };

  void Add(const NeedRow& row) {
    const unsigned int always = (row.always | (kills_ ? row.on_kill : kNo)) & chosen_;
    const bool may_lack_nnp = !options_.no_new_privs.value_or(false);
    const unsigned int without = may_lack_nnp ? row.without_nnp & chosen_ : kNo;
    if ((always | without) == kNo) return;
    const bool lacks_nnp = !options_.no_new_privs.value_or(true);
    // What a kill adds for runc is Go's runtime, which makes the call or not.
    const unsigned int surely = always & (row.always | ~kRuncAll);
    const unsigned int certain = lacks_nnp ? surely | without : surely;
    if (row.when == When::kAlways && certain == chosen_) return certain_.push_back(row.name);
    auto group = std::find_if(groups_.begin(), groups_.end(), [&](const Group& g) {
      return g.always == always && g.without_nnp == without;
    });
    if (group == groups_.end()) group = groups_.insert(group, Group{always, without, {}});
    group->names.push_back(row.name);
  }

  const LintOptions& options_;
  unsigned int chosen_;
  bool kills_;
  std::vector<std::string_view> certain_;
  std::vector<Group> groups_;
};

void ReportCannotStart(std::span<const std::string_view> missing, bool can_end,
                       std::vector<Diagnostic>& findings) {
  if (missing.empty() && can_end) return;
  std::string what;
  if (!missing.empty()) {
    what = ListNames(missing) + " " + std::string(IsOrAre(missing.size())) +
           " not allowed, with which the runtime gets to the container's program";
  }
  if (!can_end) {
    what += std::string(what.empty() ? "" : "; ") +
            "exit_group is not allowed, without which a runtime that fails hangs instead of ending";
  }
  Report(Code::kCannotStart, kSyscallsPointer,
         "no container can start: " + what +
             "; allow what is named, or build on builtin/runtime-start-v1",
         findings);
}

void LintExec(const Profile& profile, RuntimeChoice runtime, std::vector<Diagnostic>& findings) {
  if (runtime == RuntimeChoice::kRunc) return;
  const std::vector<std::string_view> missing = Denied(profile, kExecOfCrun);
  if (missing.empty()) return;
  Report(Code::kExecMayFail, kSyscallsPointer,
         "with crun, kubectl exec and exec probes fail in a container that runs: " +
             ListNames(missing) + " " + std::string(IsOrAre(missing.size())) +
             " not allowed, with which crun enters it; allow what is named",
         findings);
}

void LintPrograms(const Profile& profile, std::vector<Diagnostic>& findings) {
  std::vector<std::string_view> missing = Denied(profile, kPrograms);
  const bool is_x86_64 = std::find(profile.architectures.begin(), profile.architectures.end(),
                                   Architecture::kX8664) != profile.architectures.end();
  if (is_x86_64 && !MayRun(profile, "arch_prctl")) missing.insert(missing.begin(), "arch_prctl");
  std::string text;
  if (!missing.empty()) {
    text = ListNames(missing) + " " + std::string(IsOrAre(missing.size())) +
           " not allowed, which almost every program needs, most before its first line";
  }
  if (!MayRun(profile, "clone") && !MayRun(profile, "clone3")) {
    text += std::string(text.empty() ? "" : "; ") +
            "clone is not allowed, without which no thread and no child process can be made";
  }
  if (text.empty()) return;
  Report(Code::kProgramsMayFail, kSyscallsPointer,
         "programs may fail: " + text + "; allow what the container's programs need", findings);
}

}  // namespace

void LintStart(const Profile& profile, const LintOptions& options,
               std::vector<Diagnostic>& findings) {
  const Missing missing(profile, options);
  ReportCannotStart(missing.certain(), MayRun(profile, "exit_group"), findings);
  const std::string possible = missing.PossibleText();
  if (!possible.empty()) {
    Report(Code::kMayNotStart, kSyscallsPointer,
           "containers may not start: not allowed, but needed to start one, are " + possible +
               "; build on builtin/runtime-start-v1, which has them" +
               (possible.find("no_new_privs") == std::string::npos
                    ? ""
                    : " (no_new_privs: what allowPrivilegeEscalation: false in a pod sets)"),
           findings);
  }
  if (missing.certain().empty()) LintExec(profile, options.runtime, findings);
  LintPrograms(profile, findings);
}

}  // namespace seccompd::profile
