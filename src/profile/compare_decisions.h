// SPDX-License-Identifier: Apache-2.0
#pragma once
// Compare and CheckCeiling, for one who has the filters' decisions already. Internal to the layer.

#include <vector>

#include "seccompd/profile/compare.h"
#include "seccompd/profile/types.h"

#include "profile/decision.h"

namespace seccompd::profile {

// One side; what it points at outlives the comparison.
struct Compared {
  const Profile* profile;
  const Decisions* decisions;
  bool is_big_endian;
};
enum class Wanted {
  kAll,    // differences
  kAbove,  // those where A may let through what B does not
};

// As Compare.
Result<std::vector<Difference>> CompareDecisions(const Compared& a, const Compared& b,
                                                 Wanted wanted);
std::vector<Diagnostic> CheckCeiling(const Compared& profile, const Compared& ceiling);

}  // namespace seccompd::profile
