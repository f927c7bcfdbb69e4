// SPDX-License-Identifier: Apache-2.0
#pragma once
// libseccomp's numbers for our architectures and their calls. Internal to the layer; only for files
// that include seccomp.h.

#include <cstdint>
#include <string>
#include <vector>

#include "seccompd/profile/types.h"

namespace seccompd::profile {

struct TokenRow {
  Architecture value;
  std::uint32_t token;  // SCMP_ARCH_*
  std::uint32_t audit;  // AUDIT_ARCH_*, what a call carries
  bool is_32_bit;       // libseccomp compares the lower halves of arguments only
};

const TokenRow& TokenRowOf(Architecture architecture);
inline std::uint32_t TokenOf(Architecture architecture) { return TokenRowOf(architecture).token; }

// This machine's own is one of them.
bool HasOurs(const std::vector<Architecture>& architectures);

// One of them has a call of this name, or one that multiplexes it: a rule for it has an effect.
bool IsCallOfAny(const std::vector<Architecture>& architectures, const std::string& name);

}  // namespace seccompd::profile
