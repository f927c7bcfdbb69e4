// SPDX-License-Identifier: Apache-2.0
#pragma once
// A walk through all cases of one system call, as its filters and one more judge can tell them
// apart. Internal to the layer.

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <vector>

#include "profile/classes.h"
#include "profile/decision.h"

namespace seccompd::profile {

// All cases of one call, whose number and architecture are known: the decisions' questions are
// answered in the order in which they come up, with one value of each class. So it is as exact as
// the full product of all classes, and mostly far shorter.
class CaseWalk {
 public:
  using Leaf = std::function<bool(const Words&, std::span<const std::uint16_t> returns)>;
  // The word that one more judge of the call has to know, or none.
  using Asks = std::function<std::optional<std::uint8_t>(const Words&)>;

  CaseWalk(std::span<const Decisions* const> decisions, std::size_t limit)
      : decisions_(decisions), limit_(limit) {}

  // Those of the other judge; add them before Run.
  void Add(std::uint8_t word, Predicate predicate) { predicates_[word].push_back(predicate); }
  // False: more cases than the limit. `leaf` may end the walk early by false; the result is true
  // then.
  bool Run(Words words, std::span<const std::uint16_t> starts, const Asks& asks, const Leaf& leaf);

 private:
  enum class Outcome { kGoOn, kEnough, kTooMany };
  Outcome Visit(Words& words, std::span<const std::uint16_t> at);
  Outcome Branch(std::uint8_t word, Words& words, std::span<const std::uint16_t> at);

  std::span<const Decisions* const> decisions_;
  std::size_t limit_;
  std::size_t cases_ = 0;
  const Asks* asks_ = nullptr;
  const Leaf* leaf_ = nullptr;
  std::array<std::vector<Predicate>, kWords> predicates_;
  std::array<std::optional<std::vector<Representative>>, kWords> classes_;
};

}  // namespace seccompd::profile
