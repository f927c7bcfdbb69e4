// SPDX-License-Identifier: Apache-2.0
#pragma once
// A call as a person reads it in a finding. Internal to the layer.

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "seccompd/profile/simulate.h"
#include "seccompd/profile/types.h"

#include "profile/decision.h"

namespace seccompd::profile {

std::string Hex(std::uint64_t value);

// "mkdir", or "system call 0x3fffffff".
std::string CallName(std::uint32_t number, Architecture architecture);

// "mkdir(a0=0x2, a3=0xffffffffffffffff)": the arguments of `indexes`.
std::string CallText(const std::string& name, const std::array<std::uint64_t, kMaxArgs>& args,
                     std::span<const std::uint32_t> indexes);

// The arguments that a walk has asked for: those with a known word, but for the words of `given`.
std::vector<std::uint32_t> AskedArgs(const Words& words, std::uint32_t given);

// The high words of all arguments: 0 from the start on an architecture of 32 bits.
std::uint32_t SetHighWords(Words& words, bool is_big_endian);

}  // namespace seccompd::profile
