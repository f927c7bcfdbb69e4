// SPDX-License-Identifier: Apache-2.0
#pragma once
// A filter as the decisions that it takes: nodes that compare one masked word of the call with a
// constant, without the loads between them. A program of the kind that libseccomp and runc write
// has such a form; one that computes anything else has not, and is refused. With classes.h and
// case_walk.h it makes checks over all calls exact. Internal to the layer.

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "seccompd/base/result.h"
#include "seccompd/profile/simulate.h"

#include "profile/classes.h"

namespace seccompd::profile {

// struct seccomp_data in words of 32 bits, by offset: the number, the architecture, then pairs.
inline constexpr std::size_t kWords = 16;
inline constexpr std::uint8_t kNumberWord = 0;
inline constexpr std::uint8_t kArchitectureWord = 1;
inline constexpr std::uint8_t kFirstArgWord = 4;

constexpr std::uint8_t ArgWord(std::uint32_t index, bool is_high, bool is_big_endian) {
  const bool is_second = is_high != is_big_endian;
  return static_cast<std::uint8_t>(kFirstArgWord + 2 * index + (is_second ? 1 : 0));
}

// Some words of a call; a walk settles them one by one, each when it is first asked for.
struct Words {
  std::array<std::uint32_t, kWords> value{};
  std::uint32_t known = 0;  // bit per word

  bool IsKnown(std::uint8_t word) const { return (known >> word & 1U) != 0; }
  void Set(std::uint8_t word, std::uint32_t to) {
    value[word] = to;
    known |= 1U << word;
  }
  void Forget(std::uint8_t word) { known &= ~(1U << word); }
  // Unknown words read as 0.
  CallData Call(bool is_big_endian) const;
};

class Decisions {
 public:
  // kInvalid: the program does more than compare words with constants.
  static Result<Decisions> Of(const Program& program);

  struct Node {
    std::uint32_t mask = 0;
    std::uint32_t k = 0;
    std::uint16_t on_true = 0;
    std::uint16_t on_false = 0;
    std::uint8_t word = kReturn;
    std::uint8_t comparison = 0;  // BPF_JEQ, BPF_JGT, BPF_JGE, BPF_JSET
  };
  static constexpr std::uint8_t kReturn = 0xff;

  std::uint16_t entry() const { return entry_; }
  const Node& node(std::uint16_t index) const { return nodes_[index]; }
  bool IsReturn(std::uint16_t index) const { return nodes_[index].word == kReturn; }
  // As far as the known words decide: a return, or the node that asks for an unknown word.
  std::uint16_t Advance(std::uint16_t index, const Words& words) const;
  // Advance for each of these numbers, which are sorted and of one call but for them: out[i] is
  // where numbers[i] leads. One pass, where libseccomp's filter is a chain with a link for each
  // number.
  void AdvanceAll(std::uint16_t index, const Words& words, std::span<const Representative> numbers,
                  std::vector<std::uint16_t>& out) const;
  // All that is asked about the architecture, wherever.
  const std::vector<Predicate>& architecture_predicates() const { return architectures_; }
  // Appends what is asked about each unknown word from `index` on.
  void Collect(std::uint16_t index, const Words& words,
               std::array<std::vector<Predicate>, kWords>& out) const;

 private:
  class Builder;
  class Sorter;

  static Predicate PredicateOf(const Node& node);

  std::vector<Node> nodes_;
  std::vector<Predicate> architectures_;
  std::uint16_t entry_ = 0;
};

}  // namespace seccompd::profile
