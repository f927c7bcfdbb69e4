// SPDX-License-Identifier: Apache-2.0
#pragma once
// The whole way of one profile, from raw .spec JSON to the bytes for one node and the findings:
// decode -> resolve -> complete -> names -> normalize -> rewrite -> lint -> compile -> validate ->
// ceiling -> encode. By libseccomp: see compile.h for where it may run. Not thread-safe.

#include "seccompd/base/result.h"
#include "seccompd/profile/ceiling.h"
#include "seccompd/profile/compile.h"
#include "seccompd/profile/request.h"

namespace seccompd::profile {

// An Error is about this process or the node's architecture, not about the profile. `ceiling`: the
// request's, made before; where it is none or another, it is made anew. `file`: see compile.h.
Result<Rendered> Render(const RenderRequest& request, const Ceiling* ceiling = nullptr,
                        ExportFile* file = nullptr);

}  // namespace seccompd::profile
