// SPDX-License-Identifier: Apache-2.0
#pragma once
// A profile made ready for questions about its meaning (explain, diff), also where Lint would
// refuse it: who asks why nothing starts under a profile has one under which nothing starts. Never
// for what is written to a node. Not thread-safe (libseccomp's tables).

#include <optional>
#include <vector>

#include "seccompd/base/result.h"
#include "seccompd/profile/compare.h"
#include "seccompd/profile/request.h"
#include "seccompd/profile/types.h"

namespace seccompd::profile {

// As Render up to normalize: normalized, with its architectures complete. None: it cannot be read,
// and a finding is the error. An Error is about this process or the node's architecture.
Result<std::optional<Profile>> Prepare(const RenderRequest& request,
                                       std::vector<Diagnostic>& findings);

// And compiled and validated. None: an error among the findings says why.
Result<std::optional<CompiledProfile>> PrepareCompiled(const RenderRequest& request,
                                                       std::vector<Diagnostic>& findings);

}  // namespace seccompd::profile
