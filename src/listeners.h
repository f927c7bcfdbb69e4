// SPDX-License-Identifier: Apache-2.0
#pragma once
// What the agent answers to: health, metrics and the whole state on a Unix socket. The answers are
// made on the servers' I/O thread.

#include <memory>
#include <vector>

#include "seccompd/agent/agent.h"
#include "seccompd/http/server.h"

namespace seccompd {

using Servers = std::vector<std::unique_ptr<http::Server>>;

// Those that `config` does not turn off. Error: the one that cannot listen, by its setting's name.
// `agent` outlives them.
Result<Servers> Listen(const agent::AgentConfig& config, agent::Agent& agent,
                       const agent::Log& log);

}  // namespace seccompd
