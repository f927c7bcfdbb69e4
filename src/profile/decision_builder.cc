// SPDX-License-Identifier: Apache-2.0
// A program -> its decisions.
#include <linux/filter.h>

#include <algorithm>
#include <optional>
#include <span>
#include <vector>

#include "profile/decision.h"

namespace seccompd::profile {
namespace {

constexpr std::size_t kMaxNodes = 0xffff;

// What the accumulator holds when control reaches an instruction one way or another.
struct Accumulator {
  static constexpr std::uint8_t kOther = 0xff;
  std::uint8_t word = kOther;
  std::uint32_t mask = 0;

  bool operator==(const Accumulator&) const = default;
};

// More ways than this lead nowhere: a filter that libseccomp gets right has one, one that it gets
// wrong a few.
constexpr std::size_t kMaxStates = 16;

Accumulator After(const Instruction& instruction, Accumulator before) {
  if (instruction.code == (BPF_LD | BPF_W | BPF_ABS)) {
    return {static_cast<std::uint8_t>(instruction.k / sizeof(std::uint32_t)), ~0U};
  }
  if (BPF_CLASS(instruction.code) == BPF_JMP) return before;
  if (instruction.code != (BPF_ALU | BPF_AND | BPF_K)) return {};
  before.mask &= instruction.k;
  return before;
}

bool IsBranch(const Instruction& instruction) {
  return BPF_CLASS(instruction.code) == BPF_JMP && BPF_OP(instruction.code) != BPF_JA;
}

// One way to reach an instruction; a list per instruction, linked by index, in the order found.
struct State {
  static constexpr std::uint32_t kNone = ~0U;
  Accumulator accumulator;
  std::uint16_t node = 0;  // what the builder makes of it
  std::uint32_t next = kNone;
};
struct FlowGraph {
  std::vector<std::uint32_t> first;  // by instruction: its first state
  std::vector<State> states;
};

// What of the accumulator matters at `target`: nothing, where the next thing is to return or to
// load it anew.
Accumulator Relevant(std::span<const Instruction> instructions, std::size_t target,
                     const Accumulator& state) {
  while (instructions[target].code == (BPF_JMP | BPF_JA)) target += 1 + instructions[target].k;
  const std::uint16_t code = instructions[target].code;
  const bool is_dead = code == (BPF_RET | BPF_K) || code == (BPF_LD | BPF_W | BPF_ABS);
  return is_dead ? Accumulator() : state;
}

void Reach(FlowGraph& flow, std::size_t target, const Accumulator& with) {
  std::uint32_t* link = &flow.first[target];
  std::size_t count = 0;
  for (; *link != State::kNone; link = &flow.states[*link].next, ++count) {
    if (flow.states[*link].accumulator == with) return;
  }
  if (count >= kMaxStates) return;
  *link = static_cast<std::uint32_t>(flow.states.size());
  flow.states.push_back({with, 0, State::kNone});  // (moves what `link` points into)
}

// Jumps go forward only: one pass sees every way to an instruction before the instruction itself.
FlowGraph Flow(std::span<const Instruction> instructions) {
  FlowGraph flow;
  flow.first.assign(instructions.size(), State::kNone);
  flow.states.reserve(instructions.size());
  Reach(flow, 0, Accumulator());
  for (std::size_t i = 0; i < instructions.size(); ++i) {
    const Instruction& instruction = instructions[i];
    if (BPF_CLASS(instruction.code) == BPF_RET) continue;
    const bool is_jump = BPF_CLASS(instruction.code) == BPF_JMP;
    for (std::uint32_t at = flow.first[i]; at != State::kNone; at = flow.states[at].next) {
      const Accumulator after = After(instruction, flow.states[at].accumulator);
      const auto reach = [&](std::size_t target) {
        Reach(flow, target, Relevant(instructions, target, after));
      };
      if (IsBranch(instruction)) {
        reach(i + 1 + instruction.jump_true);
        reach(i + 1 + instruction.jump_false);
      } else {
        reach(i + 1 + (is_jump ? instruction.k : 0));
      }
    }
  }
  return flow;
}

}  // namespace

// Makes the nodes, from the last instruction to the first: one for each state of the accumulator in
// which control can reach the instruction.
class Decisions::Builder {
 public:
  explicit Builder(const Program& program)
      : instructions_(program.instructions()), flow_(Flow(instructions_)) {}

  Result<Decisions> Build() {
    Decisions decisions;
    decisions.nodes_.reserve(instructions_.size());
    for (std::size_t i = instructions_.size(); i-- > 0;) {
      for (std::uint32_t at = flow_.first[i]; at != State::kNone; at = flow_.states[at].next) {
        State& state = flow_.states[at];
        const std::optional<std::uint16_t> node = NodeFor(i, state.accumulator, decisions.nodes_);
        if (!node.has_value()) {
          return Error{ErrorCode::kInvalid, "instruction " + std::to_string(i) +
                                                " decides by something else than a word of the "
                                                "call"};
        }
        state.node = *node;
      }
    }
    for (const Node& node : decisions.nodes_) {
      if (node.word == kArchitectureWord) decisions.architectures_.push_back(PredicateOf(node));
    }
    decisions.entry_ = flow_.states[flow_.first[0]].node;
    return decisions;
  }

 private:
  // None: it cannot be told what is compared there, or there are too many ways.
  std::optional<std::uint16_t> NodeFor(std::size_t i, const Accumulator& state,
                                       std::vector<Node>& nodes) const {
    const Instruction& instruction = instructions_[i];
    const Accumulator after = After(instruction, state);
    Node node;
    if (instruction.code == (BPF_RET | BPF_K)) {
      node.k = instruction.k;
    } else if (BPF_CLASS(instruction.code) == BPF_RET) {
      return std::nullopt;
    } else if (IsBranch(instruction)) {
      const auto on_true = Find(i + 1 + instruction.jump_true, after);
      const auto on_false = Find(i + 1 + instruction.jump_false, after);
      const bool is_clear = BPF_SRC(instruction.code) == BPF_K && state.word != Accumulator::kOther;
      if (!is_clear || !on_true.has_value() || !on_false.has_value()) return std::nullopt;
      node = {state.mask, instruction.k, *on_true,
              *on_false,  state.word,    static_cast<std::uint8_t>(BPF_OP(instruction.code))};
    } else {
      const bool is_jump = BPF_CLASS(instruction.code) == BPF_JMP;
      return Find(i + 1 + (is_jump ? instruction.k : 0), after);
    }
    if (nodes.size() >= kMaxNodes) return std::nullopt;
    nodes.push_back(node);
    return static_cast<std::uint16_t>(nodes.size() - 1);
  }

  std::optional<std::uint16_t> Find(std::size_t target, const Accumulator& state) const {
    const Accumulator wanted = Relevant(instructions_, target, state);
    for (std::uint32_t at = flow_.first[target]; at != State::kNone; at = flow_.states[at].next) {
      if (flow_.states[at].accumulator == wanted) return flow_.states[at].node;
    }
    return std::nullopt;
  }

  std::span<const Instruction> instructions_;
  FlowGraph flow_;
};

Result<Decisions> Decisions::Of(const Program& program) { return Builder(program).Build(); }

}  // namespace seccompd::profile
