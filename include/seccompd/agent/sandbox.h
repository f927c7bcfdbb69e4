// SPDX-License-Identifier: Apache-2.0
#pragma once
// The sandbox of the agent itself: Landlock, then its own seccomp filter, for the rest of the
// process's life. Enter it while there is one thread, with no_new_privs set.

#include <string>
#include <vector>

#include "seccompd/agent/config.h"
#include "seccompd/base/result.h"
#include "seccompd/compiler/compiler.h"

namespace seccompd::agent {

// The condition Sandboxed.
struct SandboxState {
  bool in_force = false;  // Landlock and the filter both
  std::string reason = "Off";
  std::string message = "--sandbox is off";
  bool rules_files = false;  // Landlock is in force
};

struct SandboxNeeds {
  std::string api_origin;                 // "https://host:port"; empty: no API server
  std::vector<std::string> reread_files;  // credentials: read anew while the agent runs
};

// struct sock_filter[], built by the compiler for this node's architecture.
Result<std::string> AskForAgentFilter(compiler::Compiler& compiler,
                                      const std::string& seccomp_arch);

// An error only with --sandbox=require, and naming all that is missing.
Result<SandboxState> EnterSandbox(const AgentConfig& config, const SandboxNeeds& needs,
                                  const Result<std::string>& filter);

}  // namespace seccompd::agent
