// SPDX-License-Identifier: Apache-2.0
#include "seccompd/profile/lint.h"

#include <algorithm>
#include <span>
#include <tuple>
#include <utility>

#include "seccompd/profile/codes.h"

#include "profile/lint_rules.h"
#include "profile/shapes.h"

namespace seccompd::profile {
namespace {

// Where the other rule stands, for a message.
std::string Where(const Rule& rule) {
  return rule.place.empty() ? "another rule" : "the rule at " + rule.place.Text();
}

void Report(Code code, const Rule& rule, std::string message, std::vector<Diagnostic>& findings) {
  findings.push_back(MakeFinding(code, rule.place.Text(), std::move(message)));
}

// The rules of one syscall, in the order of ComesBefore but for equal ones, which keep the file's.
class Group {
 public:
  Group(std::span<Rule> rules, const Profile& profile, std::vector<Diagnostic>& findings)
      : rules_(rules), findings_(findings) {
    default_rule_.action = profile.default_action;
    default_rule_.errno_ret = profile.default_errno;
  }

  // Moves them; the others stay as they are.
  void AppendEffective(std::vector<Rule>& out) {
    if (rules_.size() == 1 && !IsDead(rules_.front())) {
      out.push_back(std::move(rules_.front()));
      return;
    }
    std::vector<Rule*> kept;
    for (Rule& rule : rules_) {
      if (!IsDead(rule) && !HasNoEffectBeside(rule, kept)) kept.push_back(&rule);
    }
    for (const Rule& rule : rules_) {
      if (IsDead(rule)) ReportDead(rule, kept);
    }
    for (Rule* rule : kept) out.push_back(std::move(*rule));
  }

 private:
  bool IsDead(const Rule& rule) const { return rule.SameVerdict(default_rule_); }

  // An unconditional rule absorbs all others of its syscall in libseccomp, whatever their order;
  // equal conditions with another action make it fail with EEXIST.
  static bool Covers(const Rule& first, const Rule& second) {
    return first.args.empty() || first.args == second.args;
  }

  bool HasNoEffectBeside(const Rule& rule, const std::vector<Rule*>& kept) {
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

  void ReportDead(const Rule& rule, const std::vector<Rule*>& kept) {
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

  std::span<Rule> rules_;
  Rule default_rule_;
  std::vector<Diagnostic>& findings_;
};

// By name and conditions, equal ones in the file's order.
void SortRules(std::vector<Rule>& rules) {
  const auto comes_before = [](const Rule& a, const Rule& b) {
    return std::tie(a.name, a.args) < std::tie(b.name, b.args);
  };
  if (std::is_sorted(rules.begin(), rules.end(), comes_before)) return;
  std::vector<Rule*> order;  // a rule is large: only pointers are moved about
  order.reserve(rules.size());
  for (Rule& rule : rules) order.push_back(&rule);
  std::stable_sort(order.begin(), order.end(),
                   [&](const Rule* a, const Rule* b) { return comes_before(*a, *b); });
  std::vector<Rule> sorted;
  sorted.reserve(rules.size());
  for (Rule* rule : order) sorted.push_back(std::move(*rule));
  rules = std::move(sorted);
}

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

}  // namespace

Profile Normalize(Profile profile, std::vector<Diagnostic>& findings) {
  SortRules(profile.rules);
  std::vector<Rule> effective;
  effective.reserve(profile.rules.size());
  ForEachName(profile.rules, [&](std::span<Rule> rules) {
    Group(rules, profile, findings).AppendEffective(effective);
  });
  profile.rules = std::move(effective);
  MakeClone3Explicit(profile, findings);
  return profile;
}

void Lint(const Profile& profile, const LintOptions& options, std::vector<Diagnostic>& findings) {
  LintComparisons(profile, findings);
  LintStart(profile, options, findings);
  LintVerdicts(profile, findings);
  LintDangerous(profile, options, findings);
  LintClone(profile, options, findings);
  LintArguments(profile, findings);
  LintOverlaps(profile, findings);
  LintMultiplexed(profile, findings);
}

void Lint(const Profile& profile, std::vector<Diagnostic>& findings) {
  Lint(profile, LintOptions{}, findings);
}

}  // namespace seccompd::profile
