// SPDX-License-Identifier: Apache-2.0
#include "profile/decision.h"

#include <linux/filter.h>

#include <algorithm>
#include <tuple>

namespace seccompd::profile {
namespace {

constexpr std::size_t kMaxFilters = 4;

// What the accumulator holds when control reaches an instruction, whichever way it came.
struct Accumulator {
  enum class Kind { kUnreached, kWord, kOther };
  Kind kind = Kind::kUnreached;
  std::uint8_t word = 0;
  std::uint32_t mask = 0;

  bool operator==(const Accumulator&) const = default;
};

Accumulator After(const Instruction& instruction, Accumulator before) {
  if (instruction.code == (BPF_LD | BPF_W | BPF_ABS)) {
    return {Accumulator::Kind::kWord,
            static_cast<std::uint8_t>(instruction.k / sizeof(std::uint32_t)), ~0U};
  }
  if (instruction.code == (BPF_ALU | BPF_AND | BPF_K) && before.kind == Accumulator::Kind::kWord) {
    before.mask &= instruction.k;
    return before;
  }
  if (BPF_CLASS(instruction.code) == BPF_JMP) return before;
  return {Accumulator::Kind::kOther, 0, 0};
}

bool IsBranch(const Instruction& instruction) {
  return BPF_CLASS(instruction.code) == BPF_JMP && BPF_OP(instruction.code) != BPF_JA;
}

// Jumps go forward only: one pass sees every way to an instruction before the instruction itself.
std::vector<Accumulator> Flow(std::span<const Instruction> instructions) {
  std::vector<Accumulator> at(instructions.size());
  at[0] = {Accumulator::Kind::kOther, 0, 0};
  const auto reach = [&](std::size_t target, const Accumulator& with) {
    if (at[target].kind == Accumulator::Kind::kUnreached) {
      at[target] = with;
    } else if (at[target] != with) {
      at[target] = {Accumulator::Kind::kOther, 0, 0};
    }
  };
  for (std::size_t i = 0; i < instructions.size(); ++i) {
    const Instruction& instruction = instructions[i];
    if (at[i].kind == Accumulator::Kind::kUnreached) continue;
    if (BPF_CLASS(instruction.code) == BPF_RET) continue;
    const Accumulator after = After(instruction, at[i]);
    if (IsBranch(instruction)) {
      reach(i + 1 + instruction.jump_true, after);
      reach(i + 1 + instruction.jump_false, after);
    } else {
      const bool is_jump = BPF_CLASS(instruction.code) == BPF_JMP;
      reach(i + 1 + (is_jump ? instruction.k : 0), after);
    }
  }
  return at;
}

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

// Without masks: between two bounds, the values named by an equality are classes of their own and
// all the others are one.
std::vector<Representative> PlainClasses(std::span<const Predicate> sorted) {
  std::vector<std::uint32_t> named;
  std::vector<std::uint32_t> lasts;  // the last value of each stretch
  for (const Predicate& predicate : sorted) {
    (predicate.is_equality ? named : lasts).push_back(predicate.value);
  }
  if (lasts.empty() || lasts.back() != ~0U) lasts.push_back(~0U);
  std::vector<Representative> classes;
  auto next = named.begin();
  std::uint64_t first = 0;
  for (const std::uint32_t last : lasts) {
    std::uint64_t free = first;  // the first value of the stretch that has no name
    for (; next != named.end() && *next <= last; ++next) {
      classes.push_back({*next, true});
      if (*next == free) ++free;
    }
    if (free <= last) classes.push_back({static_cast<std::uint32_t>(free), first == last});
    first = std::uint64_t{last} + 1;
  }
  std::sort(classes.begin(), classes.end(),
            [](const auto& a, const auto& b) { return a.value < b.value; });
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

std::optional<std::vector<Representative>> Classes(std::vector<Predicate>& predicates,
                                                   std::size_t limit) {
  std::sort(predicates.begin(), predicates.end(), [](const Predicate& a, const Predicate& b) {
    return std::tie(a.value, a.mask, a.is_equality) < std::tie(b.value, b.mask, b.is_equality);
  });
  predicates.erase(std::unique(predicates.begin(), predicates.end()), predicates.end());
  std::erase_if(predicates, [](const Predicate& p) { return p.mask == 0; });  // tell nothing apart
  const bool is_plain =
      std::all_of(predicates.begin(), predicates.end(),
                  [](const Predicate& predicate) { return predicate.mask == ~0U; });
  if (!is_plain) return MaskedClasses(predicates, limit);
  std::vector<Representative> classes = PlainClasses(predicates);
  if (classes.size() > limit) return std::nullopt;
  return classes;
}

Result<Decisions> Decisions::Of(const Program& program) {
  const std::span<const Instruction> instructions = program.instructions();
  const std::vector<Accumulator> flow = Flow(instructions);
  Decisions decisions;
  decisions.nodes_.reserve(instructions.size());
  std::vector<std::uint16_t> node_at(instructions.size());
  for (std::size_t i = instructions.size(); i-- > 0;) {
    if (flow[i].kind == Accumulator::Kind::kUnreached) continue;
    const Instruction& instruction = instructions[i];
    Node node;
    if (instruction.code == (BPF_RET | BPF_K)) {
      node.k = instruction.k;
    } else if (IsBranch(instruction) && BPF_SRC(instruction.code) == BPF_K &&
               flow[i].kind == Accumulator::Kind::kWord) {
      node = {flow[i].mask,
              instruction.k,
              node_at[i + 1 + instruction.jump_true],
              node_at[i + 1 + instruction.jump_false],
              flow[i].word,
              static_cast<std::uint8_t>(BPF_OP(instruction.code))};
    } else if (IsBranch(instruction) || BPF_CLASS(instruction.code) == BPF_RET) {
      return Error{ErrorCode::kInvalid, "instruction " + std::to_string(i) +
                                            " decides by something else than a word of the call"};
    } else {
      const bool is_jump = BPF_CLASS(instruction.code) == BPF_JMP;
      node_at[i] = node_at[i + 1 + (is_jump ? instruction.k : 0)];
      continue;
    }
    node_at[i] = static_cast<std::uint16_t>(decisions.nodes_.size());
    decisions.nodes_.push_back(node);
  }
  decisions.entry_ = node_at[0];
  return decisions;
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
