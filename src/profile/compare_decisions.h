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
// Whether a call with these two verdicts, which are not the same, is worth telling of.
using Matters = bool (*)(const Verdict& a, const Verdict& b);

// As Compare.
Result<std::vector<Difference>> CompareDecisions(const Compared& a, const Compared& b,
                                                 Matters matters);
std::vector<Diagnostic> CheckCeiling(const Compared& profile, const Compared& ceiling);

}  // namespace seccompd::profile
