// SPDX-License-Identifier: Apache-2.0
#pragma once
// The 64-bit values for which one condition holds, and what can be proven of two of them. Pure,
// thread-safe.

#include <cstdint>

#include "seccompd/profile/types.h"

namespace seccompd::profile {

bool Holds(const Arg& arg, std::uint64_t value);

// Whether some value fulfils both (their indexes are not looked at). Exact.
bool CanBothHold(const Arg& a, const Arg& b);

// Whether every value fulfils a or b. False also where that is not known (masks).
bool HoldAlways(const Arg& a, const Arg& b);

}  // namespace seccompd::profile
