// SPDX-License-Identifier: Apache-2.0
#pragma once
// Bounds on what a foreign hand may make us read.

#include <cstddef>

namespace seccompd::node {

inline constexpr std::size_t kMaxProfileBytes = std::size_t{4} << 20;
inline constexpr std::size_t kMaxEntries = 100'000;  // in one directory, and below tenants/ in all

}  // namespace seccompd::node
