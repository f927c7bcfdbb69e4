// SPDX-License-Identifier: Apache-2.0
// Conditional rules of one system call held against each other.
#include <algorithm>
#include <utility>

#include "profile/lint_rules.h"
#include "profile/value_set.h"

namespace seccompd::profile {
namespace {

const Arg* ArgAt(const Rule& rule, std::uint32_t index) {
  const auto arg = std::find_if(rule.args.begin(), rule.args.end(),
                                [&](const Arg& a) { return a.index == index; });
  return arg == rule.args.end() ? nullptr : &*arg;
}

bool Overlap(const Rule& a, const Rule& b) {
  return std::all_of(a.args.begin(), a.args.end(), [&](const Arg& arg) {
    const Arg* other = ArgAt(b, arg.index);
    return other == nullptr || CanBothHold(arg, *other);
  });
}

// Of a pair of alternatives, or of one rule with itself.
bool LeaveNothingOut(const Rule& a, const Rule& b) {
  return a.args.size() == 1 && b.args.size() == 1 && a.args[0].index == b.args[0].index &&
         HoldAlways(a.args[0], b.args[0]);
}

std::string Where(const Rule& a, const Rule& b) {
  return b.place.empty() || &a == &b ? "another rule of " + b.name
                                     : "the rule at " + b.place.Text();
}

class Pairs {
 public:
  Pairs(std::span<const Rule> rules, std::vector<Diagnostic>& findings)
      : rules_(rules), findings_(findings) {}

  // The first of each kind: a list of n values against one range would have n.
  void LintAll() {
    for (const Rule& a : rules_) {
      for (const Rule& b : rules_.subspan(static_cast<std::size_t>(&a - rules_.data()))) {
        if (!a.args.empty() && !b.args.empty()) LintPair(a, b);
      }
    }
  }

 private:
  void LintPair(const Rule& a, const Rule& b) {
    if (!a.SameVerdict(b)) {
      if (!std::exchange(has_overlap_, has_overlap_ || Overlap(a, b)) && has_overlap_) {
        Report(Code::kOverlappingRules, b.place.Text(),
               "this rule and " + Where(b, a) + " hold for some of the same calls of " + a.name +
                   ", with different actions, and libseccomp, not their order, decides which one "
                   "wins; make their conditions exclude each other",
               findings_);
      }
      return;
    }
    if (!std::exchange(has_all_, has_all_ || LeaveNothingOut(a, b)) && has_all_) {
      const std::string both =
          &a == &b ? "the condition of this rule holds for every value of argument "
                   : "this rule or " + Where(b, a) + " holds for every value of argument ";
      Report(Code::kRulesCoverAll, b.place.Text(),
             both + std::to_string(a.args[0].index) + " of " + a.name +
                 ", because rules are alternatives; name the values that are meant with "
                 "SCMP_CMP_EQ, one rule for each, or leave args out",
             findings_);
    }
  }

  std::span<const Rule> rules_;
  std::vector<Diagnostic>& findings_;
  bool has_overlap_ = false;
  bool has_all_ = false;
};

}  // namespace

void LintOverlaps(const Profile& profile, std::vector<Diagnostic>& findings) {
  std::string_view last;
  for (const Rule& rule : profile.rules) {
    if (rule.args.empty() || rule.name == last) continue;
    last = rule.name;
    Pairs(RulesOf(profile, rule.name), findings).LintAll();
  }
}

}  // namespace seccompd::profile
