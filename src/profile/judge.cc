// SPDX-License-Identifier: Apache-2.0
#include "profile/judge.h"

namespace seccompd::profile {
namespace {

constexpr std::uint32_t kWordBits = 32;

constexpr std::uint32_t High(std::uint64_t value) {
  return static_cast<std::uint32_t>(value >> kWordBits);
}
constexpr std::uint32_t Low(std::uint64_t value) { return static_cast<std::uint32_t>(value); }

enum class Holds { kYes, kNo, kUnknown };
struct Outcome {
  Holds holds = Holds::kNo;
  std::uint8_t asks = 0;  // of kUnknown
};

Outcome Not(Outcome outcome) {
  if (outcome.holds == Holds::kYes) return {Holds::kNo, 0};
  if (outcome.holds == Holds::kNo) return {Holds::kYes, 0};
  return outcome;
}

Outcome Says(bool holds) { return {holds ? Holds::kYes : Holds::kNo, 0}; }

struct ArgWords {
  std::uint8_t high;
  std::uint8_t low;
};

// Each half alone may say no.
Outcome IsMasked(const Words& words, ArgWords at, std::uint64_t mask, std::uint64_t value) {
  const bool needs_high = High(mask) != 0 || High(value) != 0;
  const bool needs_low = Low(mask) != 0 || Low(value) != 0;
  const auto differs = [&](std::uint8_t word, std::uint32_t half_mask, std::uint32_t half) {
    return words.IsKnown(word) && (words.value[word] & half_mask) != half;
  };
  if (needs_high && differs(at.high, High(mask), High(value))) return Says(false);
  if (needs_low && differs(at.low, Low(mask), Low(value))) return Says(false);
  if (needs_high && !words.IsKnown(at.high)) return {Holds::kUnknown, at.high};
  if (needs_low && !words.IsKnown(at.low)) return {Holds::kUnknown, at.low};
  return Says(true);
}

Outcome IsGreater(const Words& words, ArgWords at, std::uint64_t value, bool or_equal) {
  if (!words.IsKnown(at.high)) return {Holds::kUnknown, at.high};
  const std::uint32_t high = words.value[at.high];
  if (high != High(value)) return Says(high > High(value));
  if (!words.IsKnown(at.low)) return {Holds::kUnknown, at.low};
  const std::uint32_t low = words.value[at.low];
  return Says(or_equal ? low >= Low(value) : low > Low(value));
}

ArgWords WordsOf(const Arg& arg, bool is_big_endian) {
  return {ArgWord(arg.index, true, is_big_endian), ArgWord(arg.index, false, is_big_endian)};
}

Outcome Judge(const Arg& arg, const Words& words, bool is_big_endian) {
  const ArgWords at = WordsOf(arg, is_big_endian);
  switch (arg.op) {
    case Operator::kEqual:
      return IsMasked(words, at, ~std::uint64_t{0}, arg.value);
    case Operator::kNotEqual:
      return Not(IsMasked(words, at, ~std::uint64_t{0}, arg.value));
    case Operator::kMaskedEqual:
      return IsMasked(words, at, arg.value, arg.value_two);
    case Operator::kGreater:
      return IsGreater(words, at, arg.value, false);
    case Operator::kGreaterOrEqual:
      return IsGreater(words, at, arg.value, true);
    case Operator::kLess:
      return Not(IsGreater(words, at, arg.value, true));
    case Operator::kLessOrEqual:
      return Not(IsGreater(words, at, arg.value, false));
  }
  return Says(false);
}

Outcome Judge(const BoundRule& rule, const Words& words, bool is_big_endian) {
  Outcome outcome = Says(true);
  for (const Arg& arg : rule.args) {
    const Outcome one = Judge(arg, words, is_big_endian);
    if (one.holds == Holds::kNo) return one;
    if (one.holds == Holds::kUnknown && outcome.holds == Holds::kYes) outcome = one;
  }
  return outcome;
}

}  // namespace

Verdict VerdictOfRule(const Rule& rule) { return {rule.action, rule.errno_ret}; }

Verdict DefaultVerdict(const Profile& profile) {
  return {profile.default_action, profile.default_errno};
}

Judgement Judge(const Profile& profile, std::span<const BoundRule> rules, const Words& words,
                bool is_big_endian) {
  Judgement judgement;
  for (const BoundRule& rule : rules) {
    if (Judge(rule, words, is_big_endian).holds == Holds::kYes) {
      judgement.rule = rule.rule;
      break;
    }
  }
  for (const BoundRule& rule : rules) {
    if (judgement.rule.has_value() &&
        profile.rules[rule.rule].SameVerdict(profile.rules[*judgement.rule])) {
      continue;
    }
    const Outcome outcome = Judge(rule, words, is_big_endian);
    if (outcome.holds == Holds::kUnknown) {
      judgement.asks = outcome.asks;
      return judgement;
    }
    if (outcome.holds == Holds::kYes) judgement.contradicting_rule = rule.rule;
  }
  return judgement;
}

void AddPredicates(std::span<const BoundRule> rules, bool is_big_endian, CaseWalk& walk) {
  for (const BoundRule& rule : rules) {
    for (const Arg& arg : rule.args) {
      const ArgWords at = WordsOf(arg, is_big_endian);
      if (arg.op == Operator::kMaskedEqual) {
        walk.Add(at.high, {High(arg.value), High(arg.value_two), true});
        walk.Add(at.low, {Low(arg.value), Low(arg.value_two), true});
        continue;
      }
      walk.Add(at.high, {~0U, High(arg.value), true});
      walk.Add(at.low, {~0U, Low(arg.value), true});
      if (arg.op == Operator::kEqual || arg.op == Operator::kNotEqual) continue;
      walk.Add(at.high, {~0U, High(arg.value), false});
      walk.Add(at.low, {~0U, Low(arg.value), false});
    }
  }
}

}  // namespace seccompd::profile
