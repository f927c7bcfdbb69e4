// SPDX-License-Identifier: Apache-2.0
#include "seccompd/profile/rewrite.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <tuple>
#include <utility>

#include "seccompd/profile/codes.h"

#include "profile/shapes.h"

namespace seccompd::profile {
namespace {

constexpr std::uint64_t kMost = ~std::uint64_t{0};
constexpr std::size_t kMaxRulesOfOneCall = 64;

// Values from first to last, both included.
struct Interval {
  std::uint64_t first;
  std::uint64_t last;
};

Arg Make(std::uint32_t index, Operator op, std::uint64_t value) { return {index, op, value, 0}; }

// What a condition that is not masked lets match.
std::vector<Interval> IntervalsOf(const Arg& arg) {
  const std::uint64_t value = arg.value;
  std::vector<Interval> intervals;
  const auto below = [&] {
    if (value > 0) intervals.push_back({0, value - 1});
  };
  const auto above = [&] {
    if (value < kMost) intervals.push_back({value + 1, kMost});
  };
  switch (arg.op) {
    case Operator::kEqual:
    case Operator::kMaskedEqual:  // not asked for
      return {{value, value}};
    case Operator::kNotEqual:
      below();
      above();
      return intervals;
    case Operator::kLess:
      below();
      return intervals;
    case Operator::kLessOrEqual:
      return {{0, value}};
    case Operator::kGreaterOrEqual:
      return {{value, kMost}};
    case Operator::kGreater:
      above();
      return intervals;
  }
  return intervals;
}

// Sorted, and joined where they touch.
std::vector<Interval> Union(std::vector<Interval> intervals) {
  std::sort(intervals.begin(), intervals.end(),
            [](const Interval& a, const Interval& b) { return a.first < b.first; });
  std::vector<Interval> joined;
  for (const Interval& interval : intervals) {
    const bool touches = !joined.empty() &&
                         (joined.back().last == kMost || interval.first <= joined.back().last + 1);
    if (touches) {
      joined.back().last = std::max(joined.back().last, interval.last);
    } else {
      joined.push_back(interval);
    }
  }
  return joined;
}

// The interval as aligned blocks of a power of two, each one equality of the upper bits. One that
// holds every value has no condition; it is alone then.
void AppendBlocks(std::uint32_t index, Interval interval, std::vector<std::optional<Arg>>& out) {
  std::uint64_t first = interval.first;
  while (true) {
    std::uint64_t within = 0;  // the bits that are free in the block
    while (true) {
      const std::uint64_t wider = within << 1 | 1;
      if (within == kMost || (first & wider) != 0 || wider > interval.last - first) break;
      within = wider;
    }
    if (within == kMost) {
      out.emplace_back(std::nullopt);
      return;
    }
    out.push_back(within == 0 ? Make(index, Operator::kEqual, first)
                              : Arg{index, Operator::kMaskedEqual, ~within, first});
    if (interval.last - first == within) return;
    first += within + 1;
  }
}

std::vector<std::optional<Arg>> BlocksOf(const Arg& arg) {
  if (IsEquality(arg)) return {arg};
  std::vector<std::optional<Arg>> blocks;
  for (const Interval& interval : IntervalsOf(arg)) AppendBlocks(arg.index, interval, blocks);
  return blocks;
}

// The fewest single conditions for a union of intervals: its ends by LE and GE, what lies between
// by equalities. None of them: every value.
std::vector<std::optional<Arg>> Shortest(std::uint32_t index,
                                         const std::vector<Interval>& intervals) {
  std::vector<std::optional<Arg>> conditions;
  if (intervals.size() == 2 && intervals[0].first == 0 && intervals[1].last == kMost &&
      intervals[1].first - intervals[0].last == 2) {
    return {Make(index, Operator::kNotEqual, intervals[0].last + 1)};
  }
  for (const Interval& interval : intervals) {
    const bool is_point = interval.first == interval.last;
    if (interval.first == 0 && interval.last == kMost) {
      conditions.emplace_back(std::nullopt);
    } else if (!is_point && interval.first == 0) {
      conditions.emplace_back(Make(index, Operator::kLessOrEqual, interval.last));
    } else if (!is_point && interval.last == kMost) {
      conditions.emplace_back(Make(index, Operator::kGreaterOrEqual, interval.first));
    } else {
      AppendBlocks(index, interval, conditions);
    }
  }
  return conditions;
}

// The rules of one call, being written anew.
class Writer {
 public:
  // Joins the single conditions on one argument that have one verdict.
  static std::vector<Rule> Joined(std::span<const Rule> rules) {
    using Key = std::tuple<Action, std::uint32_t, std::uint32_t>;
    std::map<Key, std::pair<const Rule*, std::vector<Interval>>> joined;
    std::vector<Rule> out;
    for (const Rule& rule : rules) {
      if (rule.args.size() != 1 || rule.args[0].op == Operator::kMaskedEqual) {
        out.push_back(rule);
        continue;
      }
      auto& [first, intervals] = joined[Key{rule.action, rule.errno_ret, rule.args[0].index}];
      if (first == nullptr) first = &rule;
      const std::vector<Interval> more = IntervalsOf(rule.args[0]);
      intervals.insert(intervals.end(), more.begin(), more.end());
    }
    for (auto& [key, value] : joined) {
      for (const std::optional<Arg>& arg :
           Shortest(std::get<2>(key), Union(std::move(value.second)))) {
        AppendWith(*value.first, arg.has_value() ? std::vector<Arg>{*arg} : std::vector<Arg>(),
                   out);
      }
    }
    return out;
  }

  // Every comparison by equalities; of single conditions only LT and LE need it. Empty: too many.
  static std::vector<Rule> ByEqualities(std::span<const Rule> rules) {
    const bool all_single = std::all_of(rules.begin(), rules.end(),
                                        [](const Rule& rule) { return rule.args.size() <= 1; });
    std::vector<Rule> out;
    for (const Rule& rule : rules) {
      std::vector<std::vector<Arg>> alternatives = {{}};
      for (const Arg& arg : rule.args) {
        const bool stays = all_single && !IsLess(arg);
        alternatives =
            Times(alternatives, stays ? std::vector<std::optional<Arg>>{arg} : BlocksOf(arg));
        if (alternatives.size() > kMaxRulesOfOneCall) return {};
      }
      for (std::vector<Arg>& args : alternatives) AppendWith(rule, std::move(args), out);
    }
    return out;
  }

 private:
  static std::vector<std::vector<Arg>> Times(const std::vector<std::vector<Arg>>& heads,
                                             const std::vector<std::optional<Arg>>& blocks) {
    std::vector<std::vector<Arg>> product;
    for (const std::vector<Arg>& head : heads) {
      for (const std::optional<Arg>& block : blocks) {
        product.push_back(head);
        if (block.has_value()) product.back().push_back(*block);
      }
    }
    return product;
  }

  static void AppendWith(const Rule& rule, std::vector<Arg> args, std::vector<Rule>& out) {
    out.push_back(rule);
    out.back().args = std::move(args);
  }
};

// As Normalize leaves them. False: an unconditional rule would meet another verdict.
bool Settle(std::vector<Rule>& rules) {
  std::sort(rules.begin(), rules.end(), ComesBefore);
  const auto is_same = [](const Rule& a, const Rule& b) {
    return a.SameVerdict(b) && a.args == b.args;
  };
  rules.erase(std::unique(rules.begin(), rules.end(), is_same), rules.end());
  if (rules.empty() || !rules.front().args.empty()) return true;
  for (const Rule& rule : rules) {
    if (!rule.SameVerdict(rules.front())) return false;
  }
  rules.resize(1);
  return true;
}

// None: it cannot be done.
std::optional<std::vector<Rule>> Rewritten(std::span<const Rule> rules) {
  std::vector<Rule> joined = Writer::Joined(rules);
  if (!Settle(joined)) return std::nullopt;
  if (IsSafe(joined)) return joined;
  std::vector<Rule> by_equalities = Writer::ByEqualities(joined);
  if (by_equalities.empty() || !Settle(by_equalities)) return std::nullopt;
  if (by_equalities.size() > kMaxRulesOfOneCall || !IsSafe(by_equalities)) return std::nullopt;
  return by_equalities;
}

std::size_t WithArgs(std::span<const Rule> rules) {
  return static_cast<std::size_t>(std::count_if(
      rules.begin(), rules.end(), [](const Rule& rule) { return !rule.args.empty(); }));
}

}  // namespace

std::optional<Profile> Rewrite(const Profile& profile, std::vector<Diagnostic>& findings) {
  std::optional<Profile> result;
  std::size_t room = kMaxRulesWithArgs - std::min(kMaxRulesWithArgs, WithArgs(profile.rules));
  ForEachName(profile.rules, [&](std::span<const Rule> rules) {
    if (IsSafe(rules)) return;
    const std::optional<std::vector<Rule>> rewritten = Rewritten(rules);
    if (!rewritten.has_value()) return;
    if (WithArgs(*rewritten) > WithArgs(rules) + room) return;
    room = room + WithArgs(rules) - WithArgs(*rewritten);
    if (!result.has_value()) result = profile;
    const std::string name = rules.front().name;
    std::erase_if(result->rules, [&](const Rule& rule) { return rule.name == name; });
    const auto at =
        std::lower_bound(result->rules.begin(), result->rules.end(), name,
                         [](const Rule& a, const std::string& b) { return a.name < b; });
    result->rules.insert(at, rewritten->begin(), rewritten->end());
    findings.push_back(MakeFinding(Code::kRewritten, rules.front().place.Text(),
                                   "libseccomp compiles comparisons like those for " + name +
                                       " wrongly, so they are written in another way, as " +
                                       std::to_string(rewritten->size()) +
                                       " rules that match the same calls"));
  });
  return result;
}

}  // namespace seccompd::profile
