// SPDX-License-Identifier: Apache-2.0
#pragma once
// The strict reader of what is written on a node: canonical OCI LinuxSeccomp JSON. The agent checks
// a compiler's answer with it before the bytes reach a disk. Needs neither libseccomp nor yaml-cpp.
// Thread-safe (no state).

#include <cstddef>
#include <string_view>

#include "seccompd/base/result.h"

namespace seccompd::profile {

inline constexpr std::size_t kMaxCanonicalBytes = std::size_t{256} * 1024;

// ok when `bytes` is exactly what Encode() would write for the profile that they say: known keys
// only, sorted, one name per element, no condition, no NOTIFY, no listener. kInvalid says what is
// not.
Result<void> CheckCanonical(std::string_view bytes);

}  // namespace seccompd::profile
