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
  Report(Code::kErrnoZero, first->pointer,
         "errnoRet 0: " + ListNames(names) +
             (names.size() == 1 ? " looks as if it" : " look as if they") +
             " had worked, though nothing was done; write 1 (EPERM) or 38 (ENOSYS) unless the "
             "program is to be deceived",
         findings);
}

void LintFallback(const Profile& profile, std::vector<Diagnostic>& findings) {
  const std::uint32_t enosys = EnosysOf(profile);
  if (profile.default_action != Action::kErrno || profile.default_errno == enosys) return;
  std::vector<std::string_view> names;
  for (const std::string_view name : kWithFallback) {
    if (RulesOf(profile, name).empty()) names.push_back(name);
  }
  if (names.empty()) return;
  Report(Code::kFallbackBlocked, kDefaultPointer,
         ListNames(names) + (names.size() == 1 ? " fails" : " fail") + " with errno " +
             std::to_string(profile.default_errno) +
             " here; programs use the older calls in their place only at ENOSYS; write "
             "defaultErrnoRet: " +
             std::to_string(enosys) + ", or a rule for them",
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
  LintFallback(profile, findings);
}

}  // namespace seccompd::profile
