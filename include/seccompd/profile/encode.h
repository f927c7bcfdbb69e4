// SPDX-License-Identifier: Apache-2.0
#pragma once
// Canonical OCI LinuxSeccomp JSON: what is written on a node. Keys sorted, one name per element,
// architectures and rules and conditions sorted, numbers plain, nothing empty, nothing at its
// default, no flags, one line with a newline at its end. Every runtime from runc 1.1, crun 1.8,
// containerd 1.6 on reads the same in it. The same profile gives the same bytes, however it was
// written. Thread-safe (no state).

#include <cstddef>
#include <string>

#include "seccompd/profile/types.h"

namespace seccompd::profile {

inline constexpr std::size_t kTypicalRuleBytes = 64;  // of the text of one rule

// Of a normalized profile (lint.h) with its architectures complete. errnoRet is written only beside
// ERRNO and TRACE, and only when it is not EPERM, which is what all runtimes take where it is
// absent.
std::string Encode(const Profile& profile);

}  // namespace seccompd::profile
