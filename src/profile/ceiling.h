// SPDX-License-Identifier: Apache-2.0
#pragma once
// What a ceiling is on one node, and whether a compiled profile stays below it. Not thread-safe
// (libseccomp).

#include <vector>

#include "seccompd/base/result.h"
#include "seccompd/profile/compare.h"
#include "seccompd/profile/request.h"

namespace seccompd::profile {

// AboveCeiling, or nothing. The ceiling holds without added capabilities, whatever the profile
// declares. kDenied: there is no builtin of the name request.ceiling.
Result<std::vector<Diagnostic>> JudgeByCeiling(const RenderRequest& request, Architecture native,
                                               const CompiledProfile& profile);

}  // namespace seccompd::profile
