// SPDX-License-Identifier: Apache-2.0
#include "profile/case_walk.h"

namespace seccompd::profile {
namespace {

constexpr std::size_t kMaxFilters = 4;

}  // namespace

bool CaseWalk::Run(Words words, std::span<const std::uint16_t> starts, const Asks& asks,
                   const Leaf& leaf) {
  for (std::size_t i = 0; i < decisions_.size(); ++i) {
    decisions_[i]->Collect(starts[i], words, predicates_);
  }
  asks_ = &asks;
  leaf_ = &leaf;
  cases_ = 0;
  return Visit(words, starts) != Outcome::kTooMany;
}

CaseWalk::Outcome CaseWalk::Visit(Words& words, std::span<const std::uint16_t> at) {
  std::array<std::uint16_t, kMaxFilters> next{};
  const std::span<const std::uint16_t> reached(next.data(), at.size());
  for (std::size_t i = 0; i < at.size(); ++i) {
    next.at(i) = decisions_[i]->Advance(at[i], words);
  }
  for (std::size_t i = 0; i < at.size(); ++i) {
    if (!decisions_[i]->IsReturn(next.at(i))) {
      return Branch(decisions_[i]->node(next.at(i)).word, words, reached);
    }
  }
  if (const std::optional<std::uint8_t> word = (*asks_)(words)) {
    return Branch(*word, words, reached);
  }
  if (++cases_ > limit_) return Outcome::kTooMany;
  return (*leaf_)(words, reached) ? Outcome::kGoOn : Outcome::kEnough;
}

CaseWalk::Outcome CaseWalk::Branch(std::uint8_t word, Words& words,
                                   std::span<const std::uint16_t> at) {
  auto& classes = classes_.at(word);
  if (!classes.has_value()) classes = Classes(predicates_.at(word), limit_);
  if (!classes.has_value()) return Outcome::kTooMany;
  for (const Representative& representative : *classes) {
    words.Set(word, representative.value);
    const Outcome outcome = Visit(words, at);
    words.Forget(word);
    if (outcome != Outcome::kGoOn) return outcome;
  }
  return Outcome::kGoOn;
}

}  // namespace seccompd::profile
