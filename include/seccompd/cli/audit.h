// SPDX-License-Identifier: Apache-2.0
#pragma once
// `seccompd audit`: what the nodes say of themselves, held against each other and against the API's
// objects; `--local`: what is on this host's disk, held against the agent's record and compiled
// anew. Each prints a table (or JSON, YAML) and says by its result whether anything is wrong. Both
// only read. Not thread-safe.

#include <functional>
#include <iosfwd>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "seccompd/base/clock.h"
#include "seccompd/base/result.h"
#include "seccompd/compiler/compiler.h"
#include "seccompd/kube/api_client.h"

namespace seccompd::cli {

enum class OutputFormat { kTable, kJson, kYaml };

// Every kind of finding; the README's list is checked against it. Codes are stable.
enum class AuditCode {
  // --local
  kRecordMissing,
  kRecordDamaged,
  kStateDirUnsafe,
  kRootUnsafe,
  kDirectoryMissing,
  kDirectoryType,
  kDirectoryOwner,
  kDirectoryMode,
  kFileMissing,
  kFileType,
  kFileOwner,
  kFileMode,
  kFileLinks,
  kFileContent,
  kFileUnreadable,
  kForeignEntry,
  kTemporaryLeft,
  kCopyMissing,
  kCopyDamaged,
  kDoesNotCompile,
  kOtherBytes,
  kAboveCeiling,
  // both
  kNotInstalled,
  // of a cluster
  kNoState,
  kNotReporting,
  kNotSynced,
  kNotHealthy,
  kOtherIntent,
  kOtherContent,
  kListCut,
};
struct AuditCodeRow {
  AuditCode code;
  std::string_view name;
  std::string_view what;
  std::string_view what_to_do;
};
std::span<const AuditCodeRow> AuditCodeTable();

struct StartedCompiler {
  std::unique_ptr<compiler::Compiler> compiler;
  std::string libseccomp;  // its version
};
// Called once at most.
using StartCompiler = std::function<Result<StartedCompiler>()>;

struct ClusterAuditOptions {
  std::string lease_namespace = "seccompd-system";
  // Renders every profile for every kind of node. Empty: not.
  StartCompiler start_compiler;
};
// true: nothing is wrong.
Result<bool> AuditCluster(kube::ApiClient& api, const ClusterAuditOptions& options,
                          const Clock& clock, OutputFormat format, std::ostream& out);

struct LocalAuditOptions {
  std::string seccomp_root;
  std::string state_dir;
  bool standalone =
      false;            // 0755/0644 instead of 0700/0600, and no ceiling; else as the record says
  std::string ceiling;  // empty: the agent's default
  std::string runtime = "both";
  std::string architecture;      // "SCMP_ARCH_X86_64"
  std::string kernel;            // uname -r
  StartCompiler start_compiler;  // empty: nothing is compiled
};
// kDenied: a right is missing, and the message names it.
Result<bool> AuditLocal(const LocalAuditOptions& options, const Clock& clock, OutputFormat format,
                        std::ostream& out);

}  // namespace seccompd::cli
