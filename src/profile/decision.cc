// SPDX-License-Identifier: Apache-2.0
#include "profile/decision.h"

#include <linux/filter.h>

#include <algorithm>

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

// Sends numbers down the decisions together, and parts them where a decision does.
class Decisions::Sorter {
 public:
  Sorter(const Decisions& decisions, const Words& words, std::span<const Representative> numbers,
         std::vector<std::uint16_t>& out)
      : decisions_(decisions), words_(words), numbers_(numbers), out_(out) {
    out_.assign(numbers_.size(), kNowhere);
  }

  // Those of [first, last) that have not left the way yet. A number leaves it alone at an equality.
  void Send(std::uint16_t index, std::size_t first, std::size_t last) {
    while (first < last) {
      index = decisions_.Advance(index, words_);
      const Node& node = decisions_.nodes_[index];
      if (node.word != kNumberWord) break;
      if (node.mask != ~0U || node.comparison == BPF_JSET) return SendEach(index, first, last);
      if (node.comparison == BPF_JEQ) {
        const std::size_t at = FirstFrom(node.k, first, last);
        if (at < last && numbers_[at].value == node.k) SendOne(node.on_true, at);
        index = node.on_false;
        continue;
      }
      const bool has_above = node.comparison == BPF_JGE || node.k != ~0U;
      const std::uint32_t from = node.comparison == BPF_JGE ? node.k : node.k + 1;
      const std::size_t middle = has_above ? FirstFrom(from, first, last) : last;
      if (middle == first) {
        index = node.on_true;
        continue;
      }
      Send(node.on_true, middle, last);
      last = middle;
      index = node.on_false;
    }
    for (std::size_t i = first; i < last; ++i) Settle(i, index);
  }

 private:
  static constexpr std::uint16_t kNowhere = 0xffff;  // never a node: there are at most 0xffff

  // Where the first of [first, last) stands that is not below `value`. A chain asks for its numbers
  // in order: mostly it is beside the one before.
  std::size_t FirstFrom(std::uint32_t value, std::size_t first, std::size_t last) {
    const auto is_below = [&](std::size_t i) { return numbers_[i].value < value; };
    std::size_t at = std::clamp(near_, first, last);
    for (int step = 0; step < 2 && at > first && !is_below(at - 1); ++step) --at;
    for (int step = 0; step < 2 && at < last && is_below(at); ++step) ++at;
    const bool is_it = (at == first || is_below(at - 1)) && (at == last || !is_below(at));
    near_ = is_it ? at : Search(value, first, last);
    return near_;
  }

  std::size_t Search(std::uint32_t value, std::size_t first, std::size_t last) const {
    const auto range = numbers_.subspan(first, last - first);
    const auto found = std::lower_bound(
        range.begin(), range.end(), value,
        [](const Representative& number, std::uint32_t wanted) { return number.value < wanted; });
    return first + static_cast<std::size_t>(found - range.begin());
  }

  void SendEach(std::uint16_t index, std::size_t first, std::size_t last) {
    for (std::size_t i = first; i < last; ++i) SendOne(index, i);
  }

  void SendOne(std::uint16_t index, std::size_t i) {
    if (out_[i] != kNowhere) return;
    Words words = words_;
    words.Set(kNumberWord, numbers_[i].value);
    out_[i] = decisions_.Advance(index, words);
  }

  void Settle(std::size_t i, std::uint16_t index) {
    if (out_[i] == kNowhere) out_[i] = index;
  }

  const Decisions& decisions_;
  const Words& words_;
  std::span<const Representative> numbers_;
  std::vector<std::uint16_t>& out_;
  std::size_t near_ = 0;  // what FirstFrom found last
};

void Decisions::AdvanceAll(std::uint16_t index, const Words& words,
                           std::span<const Representative> numbers,
                           std::vector<std::uint16_t>& out) const {
  Sorter(*this, words, numbers, out).Send(index, 0, numbers.size());
}

Predicate Decisions::PredicateOf(const Node& node) {
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

void Decisions::Collect(std::uint16_t index, const Words& words,
                        std::array<std::vector<Predicate>, kWords>& out) const {
  std::vector<bool> is_seen(nodes_.size(), false);
  std::vector<std::uint16_t> pending = {index};
  while (!pending.empty()) {
    std::uint16_t at = Advance(pending.back(), words);
    pending.pop_back();
    while (!IsReturn(at) && !is_seen[at]) {
      const Node& node = nodes_[at];
      is_seen[at] = true;
      out.at(node.word).push_back(PredicateOf(node));
      if (!IsReturn(node.on_true)) pending.push_back(node.on_true);
      at = Advance(node.on_false, words);
    }
  }
}

}  // namespace seccompd::profile
