// SPDX-License-Identifier: Apache-2.0
#include "seccompd/profile/simulate.h"

#include <linux/filter.h>
#include <linux/seccomp.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace seccompd::profile {
namespace {

constexpr std::uint32_t kCallBytes = sizeof(seccomp_data);
constexpr std::uint32_t kWordBits = 32;

std::uint32_t Calculate(std::uint16_t operation, std::uint32_t a, std::uint32_t b) {
  switch (operation) {
    case BPF_ADD:
      return a + b;
    case BPF_SUB:
      return a - b;
    case BPF_MUL:
      return a * b;
    case BPF_DIV:
      return b == 0 ? 0 : a / b;
    case BPF_AND:
      return a & b;
    case BPF_OR:
      return a | b;
    case BPF_XOR:
      return a ^ b;
    case BPF_LSH:
      return a << (b % kWordBits);  // of X: as the kernel's interpreter masks it
    case BPF_RSH:
      return a >> (b % kWordBits);
    default:
      return 0U - a;  // BPF_NEG, the only one left
  }
}

bool Holds(std::uint16_t comparison, std::uint32_t a, std::uint32_t b) {
  switch (comparison) {
    case BPF_JEQ:
      return a == b;
    case BPF_JGT:
      return a > b;
    case BPF_JGE:
      return a >= b;
    default:
      return (a & b) != 0;  // BPF_JSET
  }
}

std::uint32_t WordAt(const CallData& call, std::uint32_t offset, bool is_big_endian) {
  if (offset == offsetof(seccomp_data, nr)) return call.number;
  if (offset == offsetof(seccomp_data, arch)) return call.architecture;
  constexpr std::uint32_t kPairs = offsetof(seccomp_data, instruction_pointer);
  constexpr std::uint32_t kPair = sizeof(std::uint64_t);
  const std::uint32_t from_ip = offset - kPairs;
  const std::uint32_t at = from_ip / kPair;
  const std::uint64_t value = at == 0 ? call.instruction_pointer : call.args.at(at - 1);
  const bool is_first = from_ip % kPair == 0;
  return static_cast<std::uint32_t>(is_first == is_big_endian ? value >> kWordBits : value);
}

// The registers of one run.
struct Machine {
  std::uint32_t a = 0;
  std::uint32_t x = 0;
  std::array<std::uint32_t, BPF_MEMWORDS> cells{};
};

void LoadOrStore(const Instruction& instruction, const CallData& call, bool is_big_endian,
                 Machine& machine) {
  const std::uint16_t code = instruction.code;
  const bool into_x = BPF_CLASS(code) == BPF_LDX;
  std::uint32_t& target = into_x ? machine.x : machine.a;
  switch (BPF_MODE(code)) {
    case BPF_ABS:
      target = WordAt(call, instruction.k, is_big_endian);
      return;
    case BPF_LEN:
      target = kCallBytes;
      return;
    case BPF_MEM:
      target = machine.cells.at(instruction.k);
      return;
    default:
      target = instruction.k;  // BPF_IMM
      return;
  }
}

}  // namespace

std::uint32_t Program::Run(const CallData& call) const {
  Machine machine;
  for (std::size_t pc = 0; pc < instructions_.size(); ++pc) {
    const Instruction& instruction = instructions_[pc];
    const std::uint16_t code = instruction.code;
    const std::uint32_t operand = BPF_SRC(code) == BPF_X ? machine.x : instruction.k;
    switch (BPF_CLASS(code)) {
      case BPF_LD:
      case BPF_LDX:
        LoadOrStore(instruction, call, is_big_endian_, machine);
        break;
      case BPF_ST:
        machine.cells.at(instruction.k) = machine.a;
        break;
      case BPF_STX:
        machine.cells.at(instruction.k) = machine.x;
        break;
      case BPF_ALU:
        machine.a = Calculate(BPF_OP(code), machine.a, operand);
        break;
      case BPF_JMP:
        if (BPF_OP(code) == BPF_JA) {
          pc += instruction.k;
        } else {
          pc += Holds(BPF_OP(code), machine.a, operand) ? instruction.jump_true
                                                        : instruction.jump_false;
        }
        break;
      case BPF_RET:
        return BPF_RVAL(code) == BPF_A ? machine.a : instruction.k;
      default:  // BPF_MISC
        if (BPF_MISCOP(code) == BPF_TAX) {
          machine.x = machine.a;
        } else {
          machine.a = machine.x;
        }
    }
  }
  return SECCOMP_RET_KILL_PROCESS;  // not reached: the last one is RET
}

Verdict VerdictOf(std::uint32_t return_value) {
  const std::uint32_t data = return_value & SECCOMP_RET_DATA;
  switch (return_value & SECCOMP_RET_ACTION_FULL) {
    case SECCOMP_RET_KILL_THREAD:
      return {Action::kKillThread, 0};
    case SECCOMP_RET_TRAP:
      return {Action::kTrap, 0};
    case SECCOMP_RET_ERRNO:
      return {Action::kErrno, std::min<std::uint32_t>(data, 4095)};  // the kernel's MAX_ERRNO
    case SECCOMP_RET_USER_NOTIF:
      return {Action::kNotify, 0};
    case SECCOMP_RET_TRACE:
      return {Action::kTrace, data};
    case SECCOMP_RET_LOG:
      return {Action::kLog, 0};
    case SECCOMP_RET_ALLOW:
      return {Action::kAllow, 0};
    default:  // KILL_PROCESS, and what the kernel does not know
      return {Action::kKillProcess, 0};
  }
}

std::string VerdictText(const Verdict& verdict) {
  constexpr std::string_view kPrefix = "SCMP_ACT_";
  std::string text(ActionName(verdict.action).substr(kPrefix.size()));
  if (!HasErrno(verdict.action)) return text;
  text += " " + std::to_string(verdict.data);
  if (verdict.action != Action::kErrno) return text;
  const char* const name = ::strerrorname_np(static_cast<int>(verdict.data));
  if (name != nullptr && verdict.data != 0) text += " (" + std::string(name) + ")";
  return text;
}

int Strictness(Action action) {
  switch (action) {
    case Action::kKillProcess:
      return 7;
    case Action::kKillThread:
      return 6;
    case Action::kTrap:
      return 5;
    case Action::kErrno:
      return 4;
    case Action::kNotify:
      return 3;
    case Action::kTrace:
      return 2;
    case Action::kLog:
      return 1;
    case Action::kAllow:
      return 0;
  }
  return 0;
}

}  // namespace seccompd::profile
