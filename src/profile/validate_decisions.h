// SPDX-License-Identifier: Apache-2.0
#pragma once
// Validate, for one who goes on with the filters' decisions. Internal to the layer.

#include <vector>

#include "seccompd/profile/compile.h"
#include "seccompd/profile/diagnostic.h"
#include "seccompd/profile/types.h"

#include "profile/decision.h"

namespace seccompd::profile {

// Those of by_priority, and of by_tree where there is one. Empty: a finding says why.
std::vector<Decisions> ValidateDecisions(const Profile& profile, const Filters& filters,
                                         std::vector<Diagnostic>& findings);

}  // namespace seccompd::profile
