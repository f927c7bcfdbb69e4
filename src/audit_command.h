// SPDX-License-Identifier: Apache-2.0
#pragma once
// `seccompd audit` as main.cc runs it: its flags, and the real objects that cli/audit.h looks with.
// Main thread only.

#include <string>

#include "seccompd/agent/config.h"
#include "seccompd/agent/flags.h"
#include "seccompd/cli/audit.h"

namespace CLI {
class App;
}

namespace seccompd {

// What `seccompd audit` was told.
struct AuditFlags {
  bool local = false;
  bool recompile = true;
  std::string kubeconfig;
  std::string output = "table";
  cli::LocalAuditOptions on_host{agent::AgentConfig{}.seccomp_root,
                                 agent::AgentConfig{}.state_dir,
                                 false,
                                 "",
                                 "both",
                                 "",
                                 "",
                                 {}};
  cli::ClusterAuditOptions of_cluster;

  void Declare(CLI::App& audit);
};
// Prints to standard output, or why it could not look to standard error. Returns the exit code; the
// I/O thread may still run, so the caller leaves by _exit.
int Audit(AuditFlags& flags, const std::string& compiler_path,
          const agent::Environment& environment);

}  // namespace seccompd
