// SPDX-License-Identifier: Apache-2.0
#include "seccompd/profile/lint.h"

#include <algorithm>
#include <array>
#include <span>
#include <tuple>
#include <utility>

#include "seccompd/profile/codes.h"

#include "profile/shapes.h"

namespace seccompd::profile {
namespace {

// Where the other rule stands, for a message.
std::string Where(const Rule& rule) {
  return rule.pointer.empty() ? "another rule" : "the rule at " + rule.pointer;
}

void Report(Code code, const Rule& rule, std::string message, std::vector<Diagnostic>& findings) {
  findings.push_back(MakeFinding(code, rule.pointer, std::move(message)));
}

// The rules of one syscall, in the order of ComesBefore but for equal ones, which keep the file's.
class Group {
 public:
  Group(std::span<const Rule> rules, const Profile& profile, std::vector<Diagnostic>& findings)
      : rules_(rules), findings_(findings) {
    default_rule_.action = profile.default_action;
    default_rule_.errno_ret = profile.default_errno;
  }

  void AppendEffective(std::vector<Rule>& out) {
    std::vector<const Rule*> kept;
    for (const Rule& rule : rules_) {
      if (!IsDead(rule) && !HasNoEffectBeside(rule, kept)) kept.push_back(&rule);
    }
    for (const Rule& rule : rules_) {
      if (IsDead(rule)) ReportDead(rule, kept);
    }
    for (const Rule* rule : kept) out.push_back(*rule);
  }

 private:
  bool IsDead(const Rule& rule) const { return rule.SameVerdict(default_rule_); }

  // An unconditional rule absorbs all others of its syscall in libseccomp, whatever their order;
  // equal conditions with another action make it fail with EEXIST.
  static bool Covers(const Rule& first, const Rule& second) {
    return first.args.empty() || first.args == second.args;
  }

  bool HasNoEffectBeside(const Rule& rule, const std::vector<const Rule*>& kept) {
    for (const Rule* other : kept) {
      if (!Covers(*other, rule)) continue;
      if (other->SameVerdict(rule)) {
        Report(Code::kShadowedRule, rule,
               "the rule for " + rule.name + " has no effect: " + Where(*other) +
                   " says the same already; remove it",
               findings_);
      } else {
        ReportConflict(rule, *other);
      }
      return true;
    }
    return false;
  }

  void ReportDead(const Rule& rule, const std::vector<const Rule*>& kept) {
    for (const Rule* other : kept) {
      if (Covers(*other, rule)) return ReportConflict(rule, *other);
    }
    Report(Code::kDeadRule, rule,
           "the rule for " + rule.name +
               " says what the default action says already; runtimes skip it; remove it",
           findings_);
  }

  void ReportConflict(const Rule& rule, const Rule& other) {
    Report(Code::kConflictingRules, rule,
           "this rule and " + Where(other) + " say different things about the same calls of " +
               rule.name + ", and not their order decides which one wins; keep the one you mean",
           findings_);
  }

  std::span<const Rule> rules_;
  Rule default_rule_;
  std::vector<Diagnostic>& findings_;
};

void LintComparisons(const Profile& profile, std::vector<Diagnostic>& findings) {
  ForEachName(profile.rules, [&](std::span<const Rule> rules) {
    if (IsSafe(rules)) return;
    Report(Code::kUnsafeComparison, rules.front(),
           std::to_string(rules.size()) + " rules for " + rules.front().name +
               " compare in a way that libseccomp compiles wrongly or never finishes; use one "
               "rule, or only SCMP_CMP_EQ and SCMP_CMP_MASKED_EQ",
           findings);
  });
}

bool MayRun(const Profile& profile, std::string_view name) {
  bool may = LetsThrough(profile.default_action);
  for (const Rule& rule : profile.rules) {
    if (rule.name != name) continue;
    if (rule.args.empty()) return LetsThrough(rule.action);
    may = may || LetsThrough(rule.action);
  }
  return may;
}

struct NeededRow {
  std::string_view name;
  std::string_view why;
};
constexpr std::array<NeededRow, 2> kNeeded = {{
    {"execve", "the runtime starts the container's program with it, under the filter"},
    {"exit_group", "without it a runtime that fails under the filter hangs instead of ending"},
}};

void LintStart(const Profile& profile, std::vector<Diagnostic>& findings) {
  for (const NeededRow& needed : kNeeded) {
    if (MayRun(profile, needed.name)) continue;
    findings.push_back(MakeFinding(Code::kCannotStart, "/profile/syscalls",
                                   "no container can start: " + std::string(needed.name) +
                                       " is not allowed; " + std::string(needed.why) +
                                       "; allow it"));
  }
}

}  // namespace

Profile Normalize(Profile profile, std::vector<Diagnostic>& findings) {
  std::stable_sort(profile.rules.begin(), profile.rules.end(), [](const Rule& a, const Rule& b) {
    return std::tie(a.name, a.args) < std::tie(b.name, b.args);
  });
  std::vector<Rule> effective;
  effective.reserve(profile.rules.size());
  ForEachName(profile.rules, [&](std::span<const Rule> rules) {
    Group(rules, profile, findings).AppendEffective(effective);
  });
  profile.rules = std::move(effective);
  return profile;
}

void Lint(const Profile& profile, std::vector<Diagnostic>& findings) {
  LintComparisons(profile, findings);
  if (LetsThrough(profile.default_action)) {
    findings.push_back(
        MakeFinding(Code::kFailOpenDefault, "/profile/defaultAction",
                    std::string(ActionName(profile.default_action)) +
                        " by default lets through whatever the profile does not name, system calls "
                        "of later kernels included; deny by default and list what is needed"));
  }
  LintStart(profile, findings);
}

}  // namespace seccompd::profile
