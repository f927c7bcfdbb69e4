// SPDX-License-Identifier: Apache-2.0
#pragma once
// The whole way of one profile, from raw .spec JSON to the bytes for one node and the findings:
// decode -> complete -> resolve names -> normalize -> rewrite -> lint -> compile -> validate ->
// encode. By libseccomp: see compile.h for where it may run. Not thread-safe.

#include "seccompd/base/result.h"
#include "seccompd/profile/request.h"

namespace seccompd::profile {

// An Error is about this process or the node's architecture, not about the profile.
Result<Rendered> Render(const RenderRequest& request);

}  // namespace seccompd::profile
