// SPDX-License-Identifier: Apache-2.0
#pragma once
// main.cc's other half: how the agent starts, runs and ends.

#include <string>

#include "seccompd/agent/config.h"
#include "seccompd/agent/flags.h"

namespace seccompd {

// `seccompd agent`. Returns the exit code; threads may still run, so the caller leaves by _exit.
int RunAgent(const agent::AgentConfig& config, const std::string& compiler_path,
             const agent::Environment& environment);

}  // namespace seccompd
