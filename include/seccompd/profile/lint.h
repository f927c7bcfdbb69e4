// SPDX-License-Identifier: Apache-2.0
#pragma once
// What the rules of a decoded profile mean together: rules without effect, contradictions,
// comparisons that libseccomp is known to get wrong, and profiles under which nothing starts. Pure:
// no libseccomp, so that what would make it spin never reaches it. Thread-safe (no state).

#include <vector>

#include "seccompd/profile/diagnostic.h"
#include "seccompd/profile/types.h"

namespace seccompd::profile {

// The same meaning without dead, repeated and absorbed rules, sorted by ComesBefore, so that the
// order in which the rules were written is gone. Where two rules contradict each other:
// ConflictingRules, an error.
Profile Normalize(Profile profile, std::vector<Diagnostic>& findings);

// Of a normalized profile: UnsafeComparison, FailOpenDefault, CannotStart.
void Lint(const Profile& profile, std::vector<Diagnostic>& findings);

}  // namespace seccompd::profile
