// SPDX-License-Identifier: Apache-2.0
#pragma once
// The zygote's and its children's side: what the executable seccompd-compile runs. One thread. The
// zygote parses nothing of tenants'; each child serves one namespace and dies. Not for use inside
// the agent.

#include <chrono>
#include <optional>
#include <span>

#include "seccompd/compiler/protocol.h"

namespace seccompd::compiler {

struct ServeOptions {
  std::chrono::milliseconds wall_limit = std::chrono::seconds(5);
  // The ceiling that all children but the first inherit, for this node; as ZygoteOptions.
  std::string ceiling = "none";
  profile::NodeContext node = {};
  // Runs in the child before its request is served: the way in for tests that need a crash, a spin,
  // ...; the shipped executable has none.
  void (*before_request)(const Request& request, int data_fd) = nullptr;
};

// "--serve" and what Zygote::Start passes beside it. No value: something else.
std::optional<ServeOptions> ParseServeArguments(std::span<char* const> arguments);

// Serves on kControlFd until its other end is closed. Answers the process's exit code; 2 when
// kControlFd is not the socket that Zygote::Start leaves there.
int ServeZygote(const ServeOptions& options);

}  // namespace seccompd::compiler
