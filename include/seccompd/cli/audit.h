// SPDX-License-Identifier: Apache-2.0
#pragma once
// `seccompd audit`: what the nodes say of themselves, held against each other; `--local`: what is
// on this host's disk, held against the agent's record. Each prints a table (or JSON) and says by
// its result whether anything is wrong.

#include <iosfwd>
#include <string>

#include "seccompd/base/result.h"
#include "seccompd/kube/api_client.h"

namespace seccompd::cli {

enum class OutputFormat { kTable, kJson };

// true: nothing is wrong.
Result<bool> AuditCluster(kube::ApiClient& api, OutputFormat format, std::ostream& out);

struct LocalAuditOptions {
  std::string seccomp_root;
  std::string state_dir;
  bool standalone_modes = false;  // 0755/0644 instead of 0700/0600
};
// Reads only: safe beside a running agent.
Result<bool> AuditLocal(const LocalAuditOptions& options, OutputFormat format, std::ostream& out);

}  // namespace seccompd::cli
