// SPDX-License-Identifier: Apache-2.0
#pragma once
// The whole way of one profile, from raw .spec JSON to the bytes for one node and the findings:
// decode -> complete -> resolve names -> normalize -> rewrite -> lint -> compile -> validate ->
// encode. By libseccomp: see compile.h for where it may run. Not thread-safe.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "seccompd/base/result.h"
#include "seccompd/profile/diagnostic.h"

namespace seccompd::profile {

struct Rendered {
  std::vector<Diagnostic> findings;  // at most kMaxFindings
  std::string bytes;                 // canonical; empty when a finding is an error
  std::uint32_t instructions = 0;
  bool remove_when_invalid = false;
};

// `architecture` is the node's: "SCMP_ARCH_X86_64". An Error is about this process or the
// architecture, not about the profile.
Result<Rendered> Render(std::string_view spec, std::string_view architecture);

}  // namespace seccompd::profile
