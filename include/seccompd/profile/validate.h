// SPDX-License-Identifier: Apache-2.0
#pragma once
// Translation validation: is a compiled filter what the profile says? Exact, not sampled: every
// number of every architecture, and for each call one representative of every class of argument
// values that the constants of the profile or of the filter can tell apart. Not thread-safe (see
// meaning.h).

#include <cstddef>
#include <vector>

#include "seccompd/profile/compile.h"
#include "seccompd/profile/diagnostic.h"
#include "seccompd/profile/types.h"

namespace seccompd::profile {

// More cases than this for one system call are refused (TooManyCases), not sampled.
inline constexpr std::size_t kMaxCases = std::size_t{1} << 16;

// Of a normalized, complete profile and what the runtimes make of it. Findings: Mistranslated (a
// difference, with an example call), ConflictingRules (two rules match one call and say different
// things), TooManyCases; VoidArgFilter and NarrowComparison say where an architecture lets a filter
// see less than the profile asks for.
void Validate(const Profile& profile, const Filters& filters, std::vector<Diagnostic>& findings);

}  // namespace seccompd::profile
