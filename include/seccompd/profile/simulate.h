// SPDX-License-Identifier: Apache-2.0
#pragma once
// A seccomp program run in our own process, as the kernel would: what one system call gets. Never
// reads outside the program or the call, whatever the program's bytes say, and ends after at most
// as many steps as it has instructions. Needs no libseccomp. Thread-safe (values).

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "seccompd/base/result.h"
#include "seccompd/profile/types.h"

namespace seccompd::profile {

inline constexpr std::size_t kMaxProgramLength = 4096;  // BPF_MAXINSNS

// The kernel's struct seccomp_data. `architecture` is an AUDIT_ARCH_* value; an x32 call is one of
// AUDIT_ARCH_X86_64 with bit 30 in its number.
struct CallData {
  std::uint32_t number = 0;
  std::uint32_t architecture = 0;
  std::uint64_t instruction_pointer = 0;
  std::array<std::uint64_t, kMaxArgs> args{};
};

// What a call gets. `data`: the error number of ERRNO, the tracer's message of TRACE, else 0.
struct Verdict {
  Action action = Action::kKillThread;
  std::uint32_t data = 0;

  bool operator==(const Verdict&) const = default;
};

// What the kernel makes of a filter's return value: an action that it does not know kills the
// process.
Verdict VerdictOf(std::uint32_t return_value);
// "ALLOW", "ERRNO 38 (ENOSYS)", "KILL_PROCESS".
std::string VerdictText(const Verdict& verdict);
// The order of the kernel where filters are stacked: KILL_PROCESS 7, KILL_THREAD 6, TRAP 5,
// ERRNO 4, NOTIFY 3, TRACE 2, LOG 1, ALLOW 0.
int Strictness(Action action);

struct Instruction {
  std::uint16_t code = 0;
  std::uint8_t jump_true = 0;
  std::uint8_t jump_false = 0;
  std::uint32_t k = 0;

  bool operator==(const Instruction&) const = default;
};

// A program that the kernel would take: known opcodes, loads aligned and within seccomp_data, jumps
// forward and within, RET at its end, 1 to 4096 instructions.
class Program {
 public:
  // Of struct sock_filter[] in the target's byte order. kInvalid says what the kernel would not
  // take.
  static Result<Program> Decode(std::string_view bytes, bool is_big_endian);
  static Result<Program> Make(std::vector<Instruction> instructions, bool is_big_endian);

  std::span<const Instruction> instructions() const { return instructions_; }
  bool is_big_endian() const { return is_big_endian_; }

  // The filter's return value. Total: a Program was checked when it was made.
  std::uint32_t Run(const CallData& call) const;

 private:
  Program(std::vector<Instruction> instructions, bool is_big_endian)
      : instructions_(std::move(instructions)), is_big_endian_(is_big_endian) {}

  std::vector<Instruction> instructions_;
  bool is_big_endian_ = false;
};

}  // namespace seccompd::profile
