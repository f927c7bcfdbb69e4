// SPDX-License-Identifier: Apache-2.0
// Default actions and error numbers that surprise.
#include <algorithm>
#include <utility>

#include "profile/lint_rules.h"

namespace seccompd::profile {
namespace {

// Where the C library, or the program, tries the older call when the kernel says ENOSYS, and gives
// up at EPERM. (rseq is not among them: its failure is ignored.)
constexpr std::string_view kWithFallback[] = {
    "close_range", "epoll_pwait2", "faccessat2", "fchmodat2", "futex_waitv", "openat2", "statx"};

// The same, where long has 32 bits: the C library takes the calls with a 32-bit time_t instead.
constexpr std::string_view kTime64[] = {"clock_adjtime64",        "clock_getres_time64",
                                        "clock_gettime64",        "clock_nanosleep_time64",
                                        "clock_settime64",        "futex_time64",
                                        "io_pgetevents_time64",   "mq_timedreceive_time64",
                                        "mq_timedsend_time64",    "ppoll_time64",
                                        "pselect6_time64",        "recvmmsg_time64",
                                        "rt_sigtimedwait_time64", "sched_rr_get_interval_time64",
                                        "semtimedop_time64",      "timer_gettime64",
                                        "timer_settime64",        "timerfd_gettime64",
                                        "timerfd_settime64",      "utimensat_time64"};

// Those of which programs have both kinds of calls. (x32 is 64-bit in this: it has none of these.)
constexpr Architecture kWithTime64[] = {Architecture::kX86, Architecture::kArm, Architecture::kMips,
                                        Architecture::kMipsel, Architecture::kPpc};

void LintFailOpen(const Profile& profile, std::vector<Diagnostic>& findings) {
  if (!LetsThrough(profile.default_action)) return;
  Report(Code::kFailOpenDefault, kDefaultPointer,
         std::string(ActionName(profile.default_action)) +
             " by default lets through whatever the profile does not name, system calls of later "
             "kernels included; deny by default and list what is needed",
         findings);
}

void LintErrnoZero(const Profile& profile, std::vector<Diagnostic>& findings) {
  if (profile.default_action == Action::kErrno && profile.default_errno == 0) {
    Report(Code::kErrnoZero, kDefaultPointer,
           "with defaultErrnoRet 0 every call that is not named looks as if it had worked, though "
           "it was not made; write 1 (EPERM) or 38 (ENOSYS)",
           findings);
  }
  std::vector<std::string_view> names;
  const Rule* first = nullptr;
  for (const Rule& rule : profile.rules) {
    if (rule.action != Action::kErrno || rule.errno_ret != 0) continue;
    if (first == nullptr) first = &rule;
    if (names.empty() || names.back() != rule.name) names.push_back(rule.name);
  }
  if (first == nullptr) return;
  Report(Code::kErrnoZero, first->place.Text(),
         "errnoRet 0: " + ListNames(names) +
             (names.size() == 1 ? " looks as if it" : " look as if they") +
             " had worked, though nothing was done; write 1 (EPERM) or 38 (ENOSYS) unless the "
             "program is to be deceived",
         findings);
}

bool HasTime64(const Profile& profile) {
  return std::any_of(profile.architectures.begin(), profile.architectures.end(),
                     [](Architecture a) {
                       return std::find(std::begin(kWithTime64), std::end(kWithTime64), a) !=
                              std::end(kWithTime64);
                     });
}

std::vector<std::string_view> Unmentioned(const Profile& profile) {
  std::vector<std::string_view> names;
  const auto add = [&](std::string_view name) {
    if (RulesOf(profile, name).empty()) names.push_back(name);
  };
  std::for_each(std::begin(kWithFallback), std::end(kWithFallback), add);
  if (HasTime64(profile)) std::for_each(std::begin(kTime64), std::end(kTime64), add);
  return names;
}

void LintFallbackByDefault(const Profile& profile, std::vector<Diagnostic>& findings) {
  const std::uint32_t enosys = EnosysOf(profile);
  if (profile.default_action != Action::kErrno || profile.default_errno == enosys) return;
  const std::vector<std::string_view> names = Unmentioned(profile);
  if (names.empty()) return;
  Report(Code::kFallbackBlocked, kDefaultPointer,
         ListNames(names) + (names.size() == 1 ? " fails" : " fail") + " with errno " +
             std::to_string(profile.default_errno) +
             " here (runc makes ENOSYS of it for calls newer than all that are named, crun never); "
             "programs use the older calls in their place only at ENOSYS; write defaultErrnoRet: " +
             std::to_string(enosys) + ", or a rule for them",
         findings);
}

// A rule that denies one of them for all arguments, in a way at which nobody falls back. What kills
// is meant; but without clone3 no thread can be made, whatever the way.
bool BlocksFallback(const Rule& rule, std::uint32_t enosys) {
  if (!rule.args.empty() || LetsThrough(rule.action) || rule.action == Action::kTrace) return false;
  if (rule.action == Action::kErrno) return rule.errno_ret != enosys;
  return rule.name == "clone3";
}

void LintFallbackOfRules(const Profile& profile, std::vector<Diagnostic>& findings) {
  const std::uint32_t enosys = EnosysOf(profile);
  std::vector<std::string_view> names;
  const Rule* first = nullptr;
  const auto judge = [&](std::string_view name) {
    for (const Rule& rule : RulesOf(profile, name)) {
      if (!BlocksFallback(rule, enosys)) continue;
      if (first == nullptr) first = &rule;
      names.push_back(rule.name);
    }
  };
  judge("clone3");
  std::for_each(std::begin(kWithFallback), std::end(kWithFallback), judge);
  if (HasTime64(profile)) std::for_each(std::begin(kTime64), std::end(kTime64), judge);
  if (first == nullptr) return;
  Report(Code::kFallbackBlocked, first->place.Text(),
         "the rule for " + ListNames(names) + " denies in a way at which " +
             (names.front() == "clone3" ? "the C library (glibc from 2.34 on) makes no thread"
                                        : "programs give up") +
             ", instead of using the older call; write SCMP_ACT_ERRNO with errnoRet " +
             std::to_string(enosys) + " (ENOSYS)",
         findings);
}

}  // namespace

void LintVerdicts(const Profile& profile, std::vector<Diagnostic>& findings) {
  LintFailOpen(profile, findings);
  if (profile.default_action == Action::kKillThread) {
    Report(Code::kKillThreadDefault, kDefaultPointer,
           "a call that is not named kills the thread that made it, and leaves the rest of the "
           "program running without it; Go and Java programs then hang; use SCMP_ACT_ERRNO or "
           "SCMP_ACT_KILL_PROCESS",
           findings);
  }
  LintErrnoZero(profile, findings);
  LintFallbackByDefault(profile, findings);
  LintFallbackOfRules(profile, findings);
}

}  // namespace seccompd::profile
