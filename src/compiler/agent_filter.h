// SPDX-License-Identifier: Apache-2.0
#pragma once
// The agent's own seccomp filter, from the profile agent-seccomp-v1.json beside this file. Runs in
// a compiler child only: the agent links no libseccomp.

#include <string>

#include "seccompd/base/result.h"

namespace seccompd::compiler {

// struct sock_filter[] for `architecture` ("SCMP_ARCH_X86_64"). kDenied: the profile does not fit
// it.
Result<std::string> BuildAgentFilter(const std::string& architecture);

}  // namespace seccompd::compiler
