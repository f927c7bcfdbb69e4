// SPDX-License-Identifier: Apache-2.0
#pragma once
// Which values of one 32-bit word a set of comparisons can tell apart: one value of each class
// makes a check over all of them exact. Pure, thread-safe. Internal to the layer.

#include <compare>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

namespace seccompd::profile {

// (word & mask) == value, or (word & mask) > value.
struct Predicate {
  std::uint32_t mask = ~0U;
  std::uint32_t value = 0;
  bool is_equality = true;

  auto operator<=>(const Predicate&) const = default;  // NOLINT(modernize-use-nullptr)
  bool Holds(std::uint32_t word) const {
    return is_equality ? (word & mask) == value : (word & mask) > value;
  }
};

struct Representative {
  std::uint32_t value = 0;
  bool is_alone = false;  // stands for itself only

  bool operator==(const Representative&) const = default;
};

// One value of each class that the predicates can tell apart, smallest first; `predicates` are
// spent.
// None: more than `limit` classes.
std::optional<std::vector<Representative>> Classes(std::vector<Predicate>& predicates,
                                                   std::size_t limit);

}  // namespace seccompd::profile
