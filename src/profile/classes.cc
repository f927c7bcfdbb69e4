// SPDX-License-Identifier: Apache-2.0
#include "profile/classes.h"

#include <algorithm>
#include <functional>
#include <span>

namespace seccompd::profile {
namespace {

// std::sort, made for what comes here: few runs, rising or falling, each from one filter or
// profile.
void SortRuns(std::vector<std::uint32_t>& values) {
  constexpr std::size_t kMaxRuns = 6;
  auto sorted = values.begin();  // up to here
  for (std::size_t runs = 0; sorted != values.end(); ++runs) {
    if (runs == kMaxRuns) return std::sort(values.begin(), values.end());
    auto end = std::is_sorted_until(sorted, values.end());
    if (end - sorted == 1 || *sorted == *(end - 1)) {
      end = std::is_sorted_until(sorted, values.end(), std::greater<>());
      std::reverse(sorted, end);
    }
    std::inplace_merge(values.begin(), sorted, end);
    sorted = end;
  }
}

void SortAndMerge(std::vector<std::uint32_t>& values) {
  SortRuns(values);
  values.erase(std::unique(values.begin(), values.end()), values.end());
}

// Without masks: between two bounds, the values named by an equality are classes of their own and
// all the others are one.
std::vector<Representative> PlainClasses(std::span<const Predicate> predicates) {
  std::vector<std::uint32_t> named;
  std::vector<std::uint32_t> lasts = {~0U};  // the last value of each stretch
  named.reserve(predicates.size());
  for (const Predicate& predicate : predicates) {
    (predicate.is_equality ? named : lasts).push_back(predicate.value);
  }
  SortAndMerge(named);
  SortAndMerge(lasts);
  std::vector<Representative> classes;
  classes.reserve(named.size() + lasts.size());
  auto next = named.begin();
  std::uint64_t first = 0;
  for (const std::uint32_t last : lasts) {
    std::uint64_t free = first;  // the first value of the stretch that has no name
    bool is_told = false;
    for (; next != named.end() && *next <= last; ++next) {
      if (*next == free) {
        ++free;
      } else if (!is_told) {
        classes.push_back({static_cast<std::uint32_t>(free), false});
        is_told = true;
      }
      classes.push_back({*next, true});
    }
    if (!is_told && free <= last) {
      classes.push_back({static_cast<std::uint32_t>(free), first == last});
    }
    first = std::uint64_t{last} + 1;
  }
  return classes;
}

// With masks: bit by bit from the top, the sets of answers that are still possible, each with one
// value that gives it. `answers`: per predicate, how the bits so far compare.
struct Partial {
  std::vector<std::int8_t> answers;  // 0: equal so far; 1: greater; -1: less, or unequal
  std::uint32_t value = 0;
};

void Extend(std::span<const Predicate> predicates, const Partial& from, std::uint32_t bit,
            bool is_set, std::vector<Partial>& out) {
  Partial to = from;
  if (is_set) to.value |= bit;
  for (std::size_t i = 0; i < predicates.size(); ++i) {
    if (to.answers[i] != 0) continue;
    const bool ours = is_set && (predicates[i].mask & bit) != 0;
    const bool theirs = (predicates[i].value & bit) != 0;
    if (ours == theirs) continue;
    to.answers[i] = ours && !predicates[i].is_equality ? 1 : -1;
  }
  out.push_back(std::move(to));
}

std::optional<std::vector<Representative>> MaskedClasses(std::span<const Predicate> predicates,
                                                         std::size_t limit) {
  std::vector<Partial> current = {{std::vector<std::int8_t>(predicates.size(), 0), 0}};
  for (std::uint32_t bit = 1U << 31; bit != 0; bit >>= 1) {
    const auto asks = [bit](const Predicate& p) { return ((p.mask | p.value) & bit) != 0; };
    if (std::none_of(predicates.begin(), predicates.end(), asks)) continue;  // 0 is as good as 1
    std::vector<Partial> next;
    for (const Partial& partial : current) {
      Extend(predicates, partial, bit, false, next);
      Extend(predicates, partial, bit, true, next);
    }
    std::stable_sort(next.begin(), next.end(),
                     [](const Partial& a, const Partial& b) { return a.answers < b.answers; });
    next.erase(
        std::unique(next.begin(), next.end(),
                    [](const Partial& a, const Partial& b) { return a.answers == b.answers; }),
        next.end());
    // Distinct so far need not be distinct at the end, but nearly: twice leaves room.
    if (next.size() > 2 * limit) return std::nullopt;
    current = std::move(next);
  }
  std::vector<Representative> classes;
  classes.reserve(current.size());
  for (const Partial& partial : current) classes.push_back({partial.value, false});
  std::sort(classes.begin(), classes.end(),
            [](const auto& a, const auto& b) { return a.value < b.value; });
  return classes;
}

}  // namespace

std::optional<std::vector<Representative>> Classes(std::vector<Predicate>& predicates,
                                                   std::size_t limit) {
  std::erase_if(predicates, [](const Predicate& p) { return p.mask == 0; });  // tell nothing apart
  const bool is_plain =
      std::all_of(predicates.begin(), predicates.end(),
                  [](const Predicate& predicate) { return predicate.mask == ~0U; });
  if (is_plain) {
    std::vector<Representative> classes = PlainClasses(predicates);
    if (classes.size() > limit) return std::nullopt;
    return classes;
  }
  std::sort(predicates.begin(), predicates.end());
  predicates.erase(std::unique(predicates.begin(), predicates.end()), predicates.end());
  return MaskedClasses(predicates, limit);
}

}  // namespace seccompd::profile
