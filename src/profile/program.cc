// SPDX-License-Identifier: Apache-2.0
// Which programs the kernel would take.
#include <linux/filter.h>
#include <linux/seccomp.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <utility>

#include "seccompd/profile/simulate.h"

namespace seccompd::profile {
namespace {

constexpr std::uint32_t kCallBytes = sizeof(seccomp_data);
constexpr std::uint32_t kWordBits = 32;

// The kernel's own list (seccomp_check_filter), with what it then checks of k; what a filter is
// mostly made of comes first.
enum class Operand { kFree, kOffset, kCell, kDivisor, kShift, kJump, kBranch };
struct OpcodeRow {
  std::uint16_t code;
  Operand operand;
};
constexpr auto kOpcodes = std::to_array<OpcodeRow>({
    {BPF_JMP | BPF_JEQ | BPF_K, Operand::kBranch},
    {BPF_RET | BPF_K, Operand::kFree},
    {BPF_LD | BPF_W | BPF_ABS, Operand::kOffset},
    {BPF_JMP | BPF_JA, Operand::kJump},
    {BPF_LD | BPF_W | BPF_LEN, Operand::kFree},
    {BPF_LDX | BPF_W | BPF_LEN, Operand::kFree},
    {BPF_LD | BPF_IMM, Operand::kFree},
    {BPF_LDX | BPF_IMM, Operand::kFree},
    {BPF_LD | BPF_MEM, Operand::kCell},
    {BPF_LDX | BPF_MEM, Operand::kCell},
    {BPF_ST, Operand::kCell},
    {BPF_STX, Operand::kCell},
    {BPF_MISC | BPF_TAX, Operand::kFree},
    {BPF_MISC | BPF_TXA, Operand::kFree},
    {BPF_RET | BPF_A, Operand::kFree},
    // NOLINTNEXTLINE(misc-redundant-expression): two fields, both 0
    {BPF_ALU | BPF_ADD | BPF_K, Operand::kFree},
    {BPF_ALU | BPF_ADD | BPF_X, Operand::kFree},
    {BPF_ALU | BPF_SUB | BPF_K, Operand::kFree},
    {BPF_ALU | BPF_SUB | BPF_X, Operand::kFree},
    {BPF_ALU | BPF_MUL | BPF_K, Operand::kFree},
    {BPF_ALU | BPF_MUL | BPF_X, Operand::kFree},
    {BPF_ALU | BPF_DIV | BPF_K, Operand::kDivisor},
    {BPF_ALU | BPF_DIV | BPF_X, Operand::kFree},
    {BPF_ALU | BPF_AND | BPF_K, Operand::kFree},
    {BPF_ALU | BPF_AND | BPF_X, Operand::kFree},
    {BPF_ALU | BPF_OR | BPF_K, Operand::kFree},
    {BPF_ALU | BPF_OR | BPF_X, Operand::kFree},
    {BPF_ALU | BPF_XOR | BPF_K, Operand::kFree},
    {BPF_ALU | BPF_XOR | BPF_X, Operand::kFree},
    {BPF_ALU | BPF_LSH | BPF_K, Operand::kShift},
    {BPF_ALU | BPF_LSH | BPF_X, Operand::kFree},
    {BPF_ALU | BPF_RSH | BPF_K, Operand::kShift},
    {BPF_ALU | BPF_RSH | BPF_X, Operand::kFree},
    {BPF_ALU | BPF_NEG, Operand::kFree},
    {BPF_JMP | BPF_JEQ | BPF_X, Operand::kBranch},
    {BPF_JMP | BPF_JGT | BPF_K, Operand::kBranch},
    {BPF_JMP | BPF_JGT | BPF_X, Operand::kBranch},
    {BPF_JMP | BPF_JGE | BPF_K, Operand::kBranch},
    {BPF_JMP | BPF_JGE | BPF_X, Operand::kBranch},
    {BPF_JMP | BPF_JSET | BPF_K, Operand::kBranch},
    {BPF_JMP | BPF_JSET | BPF_X, Operand::kBranch},
});

bool IsGood(const Instruction& instruction, std::size_t after) {
  const auto* const row =
      std::find_if(kOpcodes.begin(), kOpcodes.end(),
                   [&](const OpcodeRow& known) { return known.code == instruction.code; });
  if (row == kOpcodes.end()) return false;
  const std::uint32_t k = instruction.k;
  switch (row->operand) {
    case Operand::kFree:
      return true;
    case Operand::kOffset:
      return k < kCallBytes && k % sizeof(std::uint32_t) == 0;
    case Operand::kCell:
      return k < BPF_MEMWORDS;
    case Operand::kDivisor:
      return k != 0;
    case Operand::kShift:
      return k < kWordBits;
    case Operand::kJump:
      return k < after;
    case Operand::kBranch:
      return instruction.jump_true < after && instruction.jump_false < after;
  }
  return false;
}

Instruction InstructionAt(const char* record, bool is_big_endian) {
  sock_filter read{};
  std::memcpy(&read, record, sizeof read);
  if (is_big_endian != (std::endian::native == std::endian::big)) {
    read.code = __builtin_bswap16(read.code);
    read.k = __builtin_bswap32(read.k);
  }
  return {read.code, read.jt, read.jf, read.k};
}

Error Refused(std::size_t index, std::string_view what) {
  return Error{ErrorCode::kInvalid,
               "instruction " + std::to_string(index) + ": " + std::string(what)};
}

}  // namespace

Result<Program> Program::Decode(std::string_view bytes, bool is_big_endian) {
  if (bytes.size() % sizeof(sock_filter) != 0) {
    return Error{ErrorCode::kInvalid, "a program that ends within an instruction"};
  }
  std::vector<Instruction> instructions;
  if (bytes.size() / sizeof(sock_filter) > kMaxProgramLength) {
    return Error{ErrorCode::kInvalid, "a program of more than 4096 instructions"};
  }
  instructions.reserve(bytes.size() / sizeof(sock_filter));
  for (std::size_t at = 0; at < bytes.size(); at += sizeof(sock_filter)) {
    instructions.push_back(InstructionAt(bytes.data() + at, is_big_endian));
  }
  return Make(std::move(instructions), is_big_endian);
}

Result<Program> Program::Make(std::vector<Instruction> instructions, bool is_big_endian) {
  const std::size_t count = instructions.size();
  if (count == 0 || count > kMaxProgramLength) {
    return Error{ErrorCode::kInvalid, "a program of no or more than 4096 instructions"};
  }
  for (std::size_t i = 0; i < count; ++i) {
    if (!IsGood(instructions[i], count - 1 - i)) {
      return Refused(i, "an unknown operation or an operand out of range");
    }
  }
  if (BPF_CLASS(instructions.back().code) != BPF_RET) {
    return Refused(count - 1, "the last one is not RET");
  }
  return Program(std::move(instructions), is_big_endian);
}

}  // namespace seccompd::profile
