// SPDX-License-Identifier: Apache-2.0
#pragma once
// Linux's error names, for Docker's `errno` and `defaultErrno`. Constant data, thread-safe.
// Internal to the decoder.

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace seccompd::profile {

struct ErrnoRow {
  std::uint32_t number;
  std::string_view name;
};

// Of all of our architectures but mips, whose numbers from 35 on differ.
std::span<const ErrnoRow> ErrnoTable();
std::optional<std::uint32_t> FindErrno(std::string_view name);

}  // namespace seccompd::profile
