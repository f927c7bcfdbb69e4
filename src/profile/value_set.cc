// SPDX-License-Identifier: Apache-2.0
#include "profile/value_set.h"

#include <algorithm>
#include <limits>
#include <optional>
#include <vector>

namespace seccompd::profile {
namespace {

constexpr std::uint64_t kMax = std::numeric_limits<std::uint64_t>::max();

struct Range {
  std::uint64_t first;
  std::uint64_t last;
};
using Ranges = std::vector<Range>;

Ranges Below(std::uint64_t value) {  // less than value
  return value == 0 ? Ranges{} : Ranges{{0, value - 1}};
}
Ranges Above(std::uint64_t value) { return value == kMax ? Ranges{} : Ranges{{value + 1, kMax}}; }

bool IsMask(const Arg& arg) { return arg.op == Operator::kMaskedEqual; }

// Sorted. Of a masked comparison, whose values are no ranges: all, which is no less than it.
Ranges RangesOf(const Arg& arg) {
  switch (arg.op) {
    case Operator::kNotEqual: {
      Ranges ranges = Below(arg.value);
      for (const Range& range : Above(arg.value)) ranges.push_back(range);
      return ranges;
    }
    case Operator::kLess:
      return Below(arg.value);
    case Operator::kLessOrEqual:
      return {{0, arg.value}};
    case Operator::kEqual:
      return {{arg.value, arg.value}};
    case Operator::kGreaterOrEqual:
      return {{arg.value, kMax}};
    case Operator::kGreater:
      return Above(arg.value);
    case Operator::kMaskedEqual:
      return {{0, kMax}};
  }
  return {};
}

// The smallest x >= from with (x & mask) == want. Such an x that is larger than `from` has a 1
// where `from` has a 0 in some bit, agrees with it above that bit, and is least below: the lowest
// such bit that the mask permits gives the smallest.
std::optional<std::uint64_t> NextMatching(std::uint64_t from, std::uint64_t mask,
                                          std::uint64_t want) {
  if ((from & mask) == want) return from;
  for (unsigned int bit = 0; bit < 64; ++bit) {
    const std::uint64_t one = std::uint64_t{1} << bit;
    const std::uint64_t above = ~((one << 1U) - 1);  // bit 63: ~(0 - 1), none
    if ((from & one) != 0 || ((mask & one) != 0 && (want & one) == 0)) continue;
    if (((from ^ want) & mask & above) != 0) continue;
    return (from & above) | one | (want & (one - 1));
  }
  return std::nullopt;
}

bool MaskMeets(const Arg& mask, const Range& range) {
  const auto next = NextMatching(range.first, mask.value, mask.value_two);
  return next.has_value() && *next <= range.last;
}

}  // namespace

bool Holds(const Arg& arg, std::uint64_t value) {
  return CanBothHold(arg, Arg{arg.index, Operator::kEqual, value, 0});
}

bool CanBothHold(const Arg& a, const Arg& b) {
  if (IsMask(a) && IsMask(b)) return ((a.value_two ^ b.value_two) & a.value & b.value) == 0;
  const Ranges left = RangesOf(a);
  const Ranges right = RangesOf(b);
  return std::any_of(left.begin(), left.end(), [&](const Range& x) {
    return std::any_of(right.begin(), right.end(), [&](const Range& y) {
      const Range both{std::max(x.first, y.first), std::min(x.last, y.last)};
      if (both.first > both.last) return false;
      if (IsMask(a)) return MaskMeets(a, both);
      if (IsMask(b)) return MaskMeets(b, both);
      return true;
    });
  });
}

bool HoldAlways(const Arg& a, const Arg& b) {
  Ranges all;
  for (const Arg* arg : {&a, &b}) {
    if (IsMask(*arg) && arg->value != 0) continue;
    for (const Range& range : RangesOf(*arg)) all.push_back(range);
  }
  std::sort(all.begin(), all.end(), [](const Range& x, const Range& y) {
    return x.first != y.first ? x.first < y.first : x.last < y.last;
  });
  std::uint64_t next = 0;  // the smallest value not yet known to be covered
  for (const Range& range : all) {
    if (range.first > next) return false;
    if (range.last == kMax) return true;
    next = std::max(next, range.last + 1);
  }
  return false;
}

}  // namespace seccompd::profile
