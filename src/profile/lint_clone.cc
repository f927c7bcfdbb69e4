// SPDX-License-Identifier: Apache-2.0
// clone and clone3: the calls that every program with threads makes, and that open namespaces.
#include <algorithm>
#include <array>
#include <utility>

#include "profile/lint_rules.h"
#include "profile/value_set.h"

namespace seccompd::profile {
namespace {

// CLONE_NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET: together 0x7E020000.
constexpr std::array<std::uint64_t, 7> kNamespaceFlags = {
    0x00020000, 0x02000000, 0x04000000, 0x08000000, 0x10000000, 0x20000000, 0x40000000};

bool IsS390(Architecture architecture) {
  return architecture == Architecture::kS390 || architecture == Architecture::kS390X;
}

std::uint32_t FlagsIndexOf(const Profile& profile) {
  return !profile.architectures.empty() &&
                 std::all_of(profile.architectures.begin(), profile.architectures.end(), IsS390)
             ? 1
             : 0;
}

// Whether flags with some namespace flag among them fulfil the rule's conditions.
bool AdmitsNamespace(const Rule& rule, std::uint32_t index) {
  return std::any_of(kNamespaceFlags.begin(), kNamespaceFlags.end(), [&](std::uint64_t flag) {
    const Arg with_flag{index, Operator::kMaskedEqual, flag, flag};
    return std::all_of(rule.args.begin(), rule.args.end(), [&](const Arg& arg) {
      return arg.index != index || CanBothHold(arg, with_flag);
    });
  });
}

void LintFlags(const Profile& profile, std::vector<Diagnostic>& findings) {
  const std::uint32_t index = FlagsIndexOf(profile);
  for (const Rule& rule : RulesOf(profile, "clone")) {
    if (!LetsThrough(rule.action) || !AdmitsNamespace(rule, index)) continue;
    return Report(Code::kUnfilteredClone, rule.place.Text(),
                  "clone may make namespaces; a user namespace gives every capability inside it, "
                  "which opens much of the kernel to attack; add args: index " +
                      std::to_string(index) +
                      ", op SCMP_CMP_MASKED_EQ, value 0x7E020000, valueTwo 0",
                  findings);
  }
}

// What the profile says of clone3 by default, when it is neither let through nor ENOSYS.
bool IsLeftToDefault(const Profile& profile) {
  if (LetsThrough(profile.default_action) || !RulesOf(profile, "clone3").empty()) return false;
  return profile.default_action != Action::kErrno || profile.default_errno != EnosysOf(profile);
}

}  // namespace

void MakeClone3Explicit(Profile& profile, std::vector<Diagnostic>& findings) {
  if (profile.default_action != Action::kErrno || !IsLeftToDefault(profile)) return;
  Rule rule;
  rule.name = "clone3";
  rule.action = Action::kErrno;
  rule.errno_ret = EnosysOf(profile);
  profile.rules.insert(
      std::lower_bound(profile.rules.begin(), profile.rules.end(), rule, ComesBefore), rule);
  Report(Code::kClone3Added, kSyscallsPointer,
         "no rule names clone3, so it is denied with errno " + std::to_string(rule.errno_ret) +
             " (ENOSYS) instead of " + std::to_string(profile.default_errno) +
             ": at any other error the C library (glibc from 2.34 on) makes no thread; runc would "
             "do so by itself under some profiles, crun never",
         findings);
}

void LintClone(const Profile& profile, const LintOptions& options,
               std::vector<Diagnostic>& findings) {
  if (!LetsThrough(profile.default_action) &&
      std::find(options.capabilities.begin(), options.capabilities.end(), "CAP_SYS_ADMIN") ==
          options.capabilities.end()) {
    LintFlags(profile, findings);
    for (const Rule& rule : RulesOf(profile, "clone3")) {
      if (!LetsThrough(rule.action)) continue;
      Report(Code::kClone3Allowed, rule.place.Text(),
             "clone3 may make namespaces whatever is said of clone: its flags are in memory, where "
             "no filter sees them; write SCMP_ACT_ERRNO with errnoRet " +
                 std::to_string(EnosysOf(profile)) + ", and the C library uses clone",
             findings);
      break;
    }
  }
  if (profile.default_action == Action::kErrno || !IsLeftToDefault(profile)) return;
  Report(Code::kClone3Unmentioned, kDefaultPointer,
         "no rule names clone3, so a program with threads (glibc from 2.34 on) gets " +
             std::string(ActionName(profile.default_action)) +
             " for it with crun, and with runc too when a call as new as clone3 is named, else "
             "ENOSYS; write a rule: clone3, SCMP_ACT_ERRNO, errnoRet " +
             std::to_string(EnosysOf(profile)),
         findings);
}

}  // namespace seccompd::profile
