// SPDX-License-Identifier: Apache-2.0
#include "profile/decision.h"

#include <linux/filter.h>

namespace seccompd::profile {
namespace {

bool Compares(const Decisions::Node& node, std::uint32_t word) {
  const std::uint32_t value = word & node.mask;
  switch (node.comparison) {
    case BPF_JEQ:
      return value == node.k;
    case BPF_JGT:
      return value > node.k;
    case BPF_JGE:
      return value >= node.k;
    default:
      return (value & node.k) != 0;  // BPF_JSET
  }
}

Predicate PredicateOf(const Decisions::Node& node) {
  switch (node.comparison) {
    case BPF_JEQ:
      return {node.mask, node.k, true};
    case BPF_JGT:
      return {node.mask, node.k, false};
    case BPF_JGE:
      // From 0 on: always; which of the two it says does not matter to one class.
      return node.k == 0 ? Predicate{0, 0, true} : Predicate{node.mask, node.k - 1, false};
    default:
      return {node.mask & node.k, 0, true};
  }
}

}  // namespace

CallData Words::Call(bool is_big_endian) const {
  const auto read = [&](std::uint8_t word) { return IsKnown(word) ? value[word] : 0; };
  CallData call;
  call.number = read(kNumberWord);
  call.architecture = read(kArchitectureWord);
  for (std::uint32_t i = 0; i < kMaxArgs; ++i) {
    call.args.at(i) = std::uint64_t{read(ArgWord(i, true, is_big_endian))} << 32 |
                      read(ArgWord(i, false, is_big_endian));
  }
  return call;
}

std::uint16_t Decisions::Advance(std::uint16_t index, const Words& words) const {
  while (true) {
    const Node& node = nodes_[index];
    if (node.word == kReturn || !words.IsKnown(node.word)) return index;
    index = Compares(node, words.value[node.word]) ? node.on_true : node.on_false;
  }
}

void Decisions::Collect(std::uint16_t index, const Words& words,
                        std::array<std::vector<Predicate>, kWords>& out) const {
  std::vector<bool> is_seen(nodes_.size(), false);
  std::vector<std::uint16_t> pending = {index};
  while (!pending.empty()) {
    const std::uint16_t at = Advance(pending.back(), words);
    pending.pop_back();
    const Node& node = nodes_[at];
    if (node.word == kReturn || is_seen[at]) continue;
    is_seen[at] = true;
    out.at(node.word).push_back(PredicateOf(node));
    pending.push_back(node.on_true);
    pending.push_back(node.on_false);
  }
}

}  // namespace seccompd::profile
