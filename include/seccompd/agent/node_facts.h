// SPDX-License-Identifier: Apache-2.0
#pragma once
// What this node's kernel says of itself. Reads uname(2) and /proc; no state.

#include "seccompd/agent/status.h"

namespace seccompd::agent {

// kInvalid: an architecture that seccompd does not know.
Result<NodeFacts> ReadNodeFacts();

}  // namespace seccompd::agent
