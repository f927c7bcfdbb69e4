// SPDX-License-Identifier: Apache-2.0
#pragma once
// What Render leaves out unless its request is thorough: the filter that runc from 1.2 on makes of
// a long profile, a binary tree. By libseccomp: see compile.h for where it may run. Not
// thread-safe.

#include <string_view>
#include <vector>

#include "seccompd/base/result.h"
#include "seccompd/profile/diagnostic.h"

namespace seccompd::profile {

// Of a file's bytes, as Render made them. Findings of severity error: Mistranslated, or what
// Compile and Validate find else; without pointers, for a file has others than its spec. kInvalid:
// the bytes are no canonical profile.
Result<std::vector<Diagnostic>> CheckTree(std::string_view canonical);

}  // namespace seccompd::profile
