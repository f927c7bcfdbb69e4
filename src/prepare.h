// SPDX-License-Identifier: Apache-2.0
#pragma once
// The start order of design section 3, up to the first thread, and the signals that main waits for.

#include <sys/types.h>

#include <chrono>
#include <memory>
#include <optional>
#include <string>

#include "seccompd/agent/config.h"
#include "seccompd/agent/flags.h"
#include "seccompd/agent/log.h"
#include "seccompd/agent/node_facts.h"
#include "seccompd/agent/sandbox.h"
#include "seccompd/compiler/zygote.h"
#include "seccompd/kube/credentials.h"
#include "seccompd/node/record.h"
#include "seccompd/node/store.h"

namespace seccompd {

struct FileId {
  dev_t device = 0;
  ino_t inode = 0;  // 0: there is nothing
  bool operator==(const FileId&) const = default;
};
FileId Identify(const std::string& path);

// What is built before the first thread.
struct Base {
  std::unique_ptr<node::StateDir> state_dir;
  std::unique_ptr<node::ProfileStore> store;
  std::unique_ptr<compiler::Zygote> zygote;
  agent::NodeFacts facts;
  std::optional<kube::ClusterAccess> access;  // nothing: standalone
  agent::SandboxState sandbox;
  FileId tenants;  // what Landlock's rule is on
};

// The start order. Nothing: told to end while waiting.
Result<std::optional<Base>> Prepare(const agent::AgentConfig& config,
                                    const std::string& compiler_path,
                                    const agent::Environment& environment, const agent::Log& log);

// The next signal (of those main blocked for itself), or 0 after `limit`.
int WaitForSignal(std::chrono::milliseconds limit);

}  // namespace seccompd
