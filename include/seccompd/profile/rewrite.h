// SPDX-License-Identifier: Apache-2.0
#pragma once
// Rules that libseccomp is known to compile wrongly, written so that it compiles them rightly. Pure
// and exact: the rules after it match the same calls. Thread-safe (no state).

#include <optional>
#include <vector>

#include "seccompd/profile/diagnostic.h"
#include "seccompd/profile/types.h"

namespace seccompd::profile {

// Of a normalized profile, and the result is one. None: nothing to rewrite. What needs no rewriting
// is left as it is; what cannot be rewritten too, for Lint to refuse. One finding, Rewritten, per
// system call. Check the filter of the result against the profile that went in (validate.h).
std::optional<Profile> Rewrite(const Profile& profile, std::vector<Diagnostic>& findings);

}  // namespace seccompd::profile
