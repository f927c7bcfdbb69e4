// SPDX-License-Identifier: Apache-2.0
#pragma once
// What the agent reads, writes, binds and connects to, as Landlock rules. Looks at the file system,
// changes nothing.

#include "seccompd/agent/sandbox.h"

#include "agent/landlock.h"

namespace seccompd::agent {

LandlockRules RulesFor(const AgentConfig& config, const SandboxNeeds& needs);

}  // namespace seccompd::agent
