// SPDX-License-Identifier: Apache-2.0
// What libseccomp knows of a profile's architectures and names.
#include <seccomp.h>

#include <algorithm>
#include <set>
#include <string>
#include <vector>

#include "seccompd/profile/codes.h"
#include "seccompd/profile/compile.h"
#include "seccompd/profile/syscalls.h"
#include "seccompd/profile/text.h"

#include "profile/lint_rules.h"
#include "profile/tokens.h"

namespace seccompd::profile {
namespace {

constexpr std::string_view kArchitecturesPointer = "/profile/architectures";

constexpr std::size_t kMaxNamesShown = 8;

// One finding for all: a list that is made for several architectures has dozens.
void ReportWithoutEffect(const std::set<std::string>& names, std::vector<Diagnostic>& findings) {
  if (names.empty()) return;
  std::string shown;
  std::size_t count = 0;
  for (const std::string& name : names) {
    if (++count > kMaxNamesShown) break;
    shown += (shown.empty() ? "" : ", ") + name;
  }
  if (names.size() > kMaxNamesShown)
    shown += ", and " + std::to_string(names.size() - kMaxNamesShown) + " more";
  findings.push_back(MakeFinding(Code::kSyscallNotOnArchitecture, "/profile/syscalls",
                                 "without effect on this node, where none of the profile's "
                                 "architectures has them: " +
                                     shown));
}

}  // namespace

void CompleteArchitectures(Profile& profile, Architecture native,
                           std::vector<Diagnostic>& findings) {
  auto& list = profile.architectures;
  for (const Architecture architecture : list) {
    if (IsBigEndian(architecture) == IsBigEndian(native)) continue;
    findings.push_back(MakeFinding(Code::kForeignArchitecture, std::string(kArchitecturesPointer),
                                   std::string(ArchitectureName(architecture)) +
                                       " has another byte order than the node's " +
                                       std::string(ArchitectureName(native)) +
                                       ", and no runtime starts a container with both; remove it"));
  }
  LintArchitectures(list, native, findings);
  list.push_back(native);
  std::sort(list.begin(), list.end());
  list.erase(std::unique(list.begin(), list.end()), list.end());
  if (list.size() > kMaxArchitectures) {
    findings.push_back(MakeFinding(Code::kTooLarge, std::string(kArchitecturesPointer),
                                   "more than " + std::to_string(kMaxArchitectures) +
                                       " architectures, the node's own included"));
  }
}

bool HasOurs(const std::vector<Architecture>& architectures) {
  return std::any_of(architectures.begin(), architectures.end(),
                     [](Architecture a) { return TokenOf(a) == seccomp_arch_native(); });
}

bool IsCallOfAny(const std::vector<Architecture>& architectures, const std::string& name) {
  return std::any_of(architectures.begin(), architectures.end(), [&](Architecture a) {
    // Negative: absent there, unless the rewrite finds the call that multiplexes it (socketcall,
    // ipc).
    return seccomp_syscall_resolve_name_arch(TokenOf(a), name.c_str()) >= 0 ||
           seccomp_syscall_resolve_name_rewrite(TokenOf(a), name.c_str()) >= 0;
  });
}

void ResolveNames(Profile& profile, bool warn_unknown, std::vector<Diagnostic>& findings) {
  std::set<std::string> without_effect;
  const bool has_ours = HasOurs(profile.architectures);
  std::erase_if(profile.rules, [&](Rule& rule) {
    const int ours = seccomp_syscall_resolve_name(rule.name.c_str());
    rule.number = ours;
    if (ours != __NR_SCMP_ERROR) {
      const bool is_ours = has_ours && ours >= 0;
      if (!is_ours && !IsCallOfAny(profile.architectures, rule.name)) {
        without_effect.insert(rule.name);
      }
      return false;
    }
    if (IsLinuxSyscall(rule.name)) {
      findings.push_back(MakeFinding(Code::kSyscallNotInLibseccomp, rule.place.Text(),
                                     rule.name + " is not known to libseccomp " +
                                         LibseccompVersion() +
                                         ", so it is left out and gets the default action, " +
                                         std::string(ActionName(profile.default_action))));
      return true;
    }
    findings.push_back(MakeFinding(Code::kUnknownSyscall, rule.place.Text(),
                                   "Linux has no system call " + Quote(rule.name) +
                                       DidYouMean(rule.name, LinuxSyscalls()) +
                                       (warn_unknown ? "; it is left out" : "")));
    if (warn_unknown) findings.back().severity = Severity::kWarning;
    return true;
  });
  ReportWithoutEffect(without_effect, findings);
}

}  // namespace seccompd::profile
