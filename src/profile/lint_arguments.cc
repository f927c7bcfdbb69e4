// SPDX-License-Identifier: Apache-2.0
// Conditions on arguments that do not say what they seem to. A filter compares 64 bits; the kernel
// takes many arguments as 32 (seccomp(2), NOTES; CVE-2019-7303, CVE-2019-10063), and others point
// to memory that the program may change after the filter has run.
#include <algorithm>
#include <utility>

#include "profile/lint_rules.h"

namespace seccompd::profile {
namespace {

constexpr std::uint64_t kLow32 = 0xffffffff;

struct ArgumentsRow {
  std::string_view name;
  std::uint32_t truncated;  // bit i: argument i is taken as 32 bits
  std::uint32_t pointers;   // or is an address
};
constexpr ArgumentsRow kArguments[] = {
#include "profile/argument_types.inc"
};
static_assert(std::is_sorted(std::begin(kArguments), std::end(kArguments),
                             [](const ArgumentsRow& a, const ArgumentsRow& b) {
                               return a.name < b.name;
                             }));

// All zero for a call without such arguments.
ArgumentsRow ArgumentsOf(std::string_view name) {
  const auto* const row =
      std::lower_bound(std::begin(kArguments), std::end(kArguments), name,
                       [](const ArgumentsRow& r, std::string_view n) { return r.name < n; });
  return row == std::end(kArguments) || row->name != name ? ArgumentsRow{} : *row;
}

bool Has(std::uint32_t indexes, const Arg& arg) { return (indexes & (1U << arg.index)) != 0; }

// What the call does when the rule does not hold.
bool PassesOtherwise(const Profile& profile, const Rule& rule) {
  const std::span<const Rule> rules = RulesOf(profile, rule.name);
  return LetsThrough(profile.default_action) ||
         std::any_of(rules.begin(), rules.end(),
                     [](const Rule& other) { return LetsThrough(other.action); });
}

// Whether a value that should be denied is let through once a high bit is set in it.
bool IsEvaded(const Profile& profile, const Rule& rule, const Arg& arg) {
  if (!LetsThrough(rule.action)) {
    const bool misses_high = arg.op == Operator::kEqual || arg.op == Operator::kLess ||
                             arg.op == Operator::kLessOrEqual ||
                             (arg.op == Operator::kMaskedEqual && (arg.value & ~kLow32) != 0);
    return misses_high && PassesOtherwise(profile, rule);
  }
  return !LetsThrough(profile.default_action) &&
         (arg.op == Operator::kNotEqual || arg.op == Operator::kGreater ||
          arg.op == Operator::kGreaterOrEqual);
}

std::string Place(const Rule& rule, const Arg& arg) {
  return "argument " + std::to_string(arg.index) + " of " + rule.name;
}

void ReportTruncated(const Rule& rule, const Arg& arg, std::vector<Diagnostic>& findings) {
  const std::string evaded = "the kernel looks at 32 bits of " + Place(rule, arg) +
                             ", the filter at 64: with a higher bit set, a value that is denied "
                             "here passes; ";
  Report(Code::kTruncatedArgument, rule.place.Text(),
         evaded + (LetsThrough(rule.action)
                       ? "name the values that are allowed, with SCMP_CMP_EQ"
                       : "use SCMP_CMP_MASKED_EQ with value 0xFFFFFFFF and the value that is "
                         "denied in valueTwo"),
         findings);
}

bool IsAboutNull(const Arg& arg) {
  return arg.value == 0 && (arg.op == Operator::kEqual || arg.op == Operator::kNotEqual);
}

void ReportPointer(const Rule& rule, const Arg& arg, std::vector<Diagnostic>& findings) {
  Report(Code::kPointerArgument, rule.place.Text(),
         Place(rule, arg) +
             " is an address, and no filter sees what is there; the condition says nothing about "
             "a path or a structure; remove it",
         findings);
}

}  // namespace

// Of each kind the first of a rule: findings at one place are told apart by their code.
void LintArguments(const Profile& profile, std::vector<Diagnostic>& findings) {
  for (const Rule& rule : profile.rules) {
    if (rule.args.empty()) continue;
    const ArgumentsRow row = ArgumentsOf(rule.name);
    const auto first = [&](const auto& is_wrong) {
      const auto arg = std::find_if(rule.args.begin(), rule.args.end(), is_wrong);
      return arg == rule.args.end() ? nullptr : &*arg;
    };
    const Arg* const evaded = first(
        [&](const Arg& arg) { return Has(row.truncated, arg) && IsEvaded(profile, rule, arg); });
    const Arg* const pointer =
        first([&](const Arg& arg) { return Has(row.pointers, arg) && !IsAboutNull(arg); });
    if (evaded != nullptr) ReportTruncated(rule, *evaded, findings);
    if (pointer != nullptr) ReportPointer(rule, *pointer, findings);
  }
}

}  // namespace seccompd::profile
