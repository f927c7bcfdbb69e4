// SPDX-License-Identifier: Apache-2.0
#pragma once
// Profiles made by hand or at random, for the tests of what filters do.

#include <algorithm>
#include <cstdint>
#include <initializer_list>
#include <random>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "seccompd/profile/compare.h"
#include "seccompd/profile/compile.h"
#include "seccompd/profile/lint.h"
#include "seccompd/profile/simulate.h"
#include "seccompd/profile/types.h"

#include "profile/support.h"

namespace seccompd::profile {

inline Arg Cond(std::uint32_t index, Operator op, std::uint64_t value,
                std::uint64_t value_two = 0) {
  return {index, op, value, value_two};
}

inline Rule RuleFor(std::string name, Action action, std::vector<Arg> args = {},
                    std::uint32_t errno_ret = 1) {
  return {std::move(name), action, HasErrno(action) ? errno_ret : 0, std::move(args), {}, {}};
}

// Normalized, but no clone3 is added; ERRNO 1 by default; for x86_64 unless said otherwise.
inline Profile ProfileOf(std::vector<Rule> rules,
                         std::vector<Architecture> architectures = {Architecture::kX8664},
                         Action default_action = Action::kErrno) {
  Profile profile;
  profile.default_action = default_action;
  profile.default_errno = HasErrno(default_action) ? 1 : 0;
  profile.architectures = std::move(architectures);
  std::sort(profile.architectures.begin(), profile.architectures.end());
  profile.rules = std::move(rules);
  const auto is_clone3 = [](const Rule& rule) { return rule.name == "clone3"; };
  const bool has_clone3 = std::any_of(profile.rules.begin(), profile.rules.end(), is_clone3);
  std::vector<Diagnostic> findings;
  profile = Normalize(std::move(profile), findings);
  if (!has_clone3) std::erase_if(profile.rules, is_clone3);  // these tests count their rules
  return profile;
}

inline Filters MustCompile(const Profile& profile) {
  std::vector<Diagnostic> findings;
  const auto filters = Compile(profile, findings);
  EXPECT_TRUE(filters.ok() && filters->has_value()) << FindingsText(findings);
  return filters.ok() && filters->has_value() ? **filters : Filters{};
}

inline CompiledProfile MustJudge(const Profile& profile) {
  return {profile, MustCompile(profile).by_priority};
}

// The reference: an OR of ANDs of 64-bit comparisons, as plain as can be.
inline bool Matches(const Arg& arg, const std::array<std::uint64_t, kMaxArgs>& args) {
  const std::uint64_t value = args.at(arg.index);
  switch (arg.op) {
    case Operator::kNotEqual:
      return value != arg.value;
    case Operator::kLess:
      return value < arg.value;
    case Operator::kLessOrEqual:
      return value <= arg.value;
    case Operator::kEqual:
      return value == arg.value;
    case Operator::kGreaterOrEqual:
      return value >= arg.value;
    case Operator::kGreater:
      return value > arg.value;
    case Operator::kMaskedEqual:
      return (value & arg.value) == arg.value_two;
  }
  return false;
}
inline bool Matches(const Rule& rule, const std::array<std::uint64_t, kMaxArgs>& args) {
  return std::all_of(rule.args.begin(), rule.args.end(),
                     [&](const Arg& arg) { return Matches(arg, args); });
}

class RandomRules {
 public:
  explicit RandomRules(unsigned int seed) : random_(seed) {}

  std::size_t Below(std::size_t limit) { return random_() % limit; }

  // On and beside the bounds of words.
  std::uint64_t Value() {
    constexpr std::uint64_t kValues[] = {
        0,           1,           2,           3,           7,
        0x7fffffff,  0x80000000,  0xfffffffe,  0xffffffff,  0x100000000,
        0x100000001, 0x1ffffffff, 0x200000000, 0x200000002, 0x7fffffffffffffff,
        1ULL << 63,  ~1ULL,       ~0ULL};
    return kValues[Below(std::size(kValues))];
  }
  std::uint64_t Narrow() { return Value() & 0xffffffff; }

  Arg Condition(std::uint32_t index, std::span<const Operator> operators, bool is_narrow) {
    const Operator op = operators[Below(operators.size())];
    const std::uint64_t value = is_narrow ? Narrow() : Value();
    if (op != Operator::kMaskedEqual) return Cond(index, op, value);
    return Cond(index, op, value, value & Value());
  }

  // `count` conditions on the first three arguments.
  Rule AnyRule(const std::string& name, Action action, std::size_t count,
               std::span<const Operator> operators, bool is_narrow) {
    std::vector<std::uint32_t> indexes = {0, 1, 2};
    std::shuffle(indexes.begin(), indexes.end(), random_);
    indexes.resize(count);
    std::sort(indexes.begin(), indexes.end());
    std::vector<Arg> args;
    for (const std::uint32_t index : indexes) {
      args.push_back(Condition(index, operators, is_narrow));
    }
    return RuleFor(name, action, std::move(args));
  }

 private:
  std::mt19937 random_;
};

inline constexpr Operator kAllOperators[] = {
    Operator::kNotEqual,       Operator::kLess,    Operator::kLessOrEqual, Operator::kEqual,
    Operator::kGreaterOrEqual, Operator::kGreater, Operator::kMaskedEqual};
inline constexpr Operator kEqualities[] = {Operator::kEqual, Operator::kMaskedEqual};
inline constexpr Operator kNoLess[] = {Operator::kNotEqual, Operator::kEqual,
                                       Operator::kGreaterOrEqual, Operator::kGreater,
                                       Operator::kMaskedEqual};

}  // namespace seccompd::profile
