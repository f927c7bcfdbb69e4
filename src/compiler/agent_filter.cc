// SPDX-License-Identifier: Apache-2.0
#include "compiler/agent_filter.h"

#include <optional>
#include <utility>
#include <vector>

#include "seccompd/profile/prepare.h"

namespace seccompd::compiler {
namespace {

// The text is made into a literal by CMake (see CMakeLists.txt).
constexpr char kAgentProfile[] =
#include "agent-seccomp-v1.inc"
    ;

}  // namespace

Result<std::string> BuildAgentFilter(const std::string& architecture) {
  profile::RenderRequest request;
  // Names that this libseccomp does not know are left out: the default action stands for them.
  request.spec =
      std::string(R"({"unknownSyscalls":"Warn","profile":)").append(kAgentProfile).append("}");
  request.node.architecture = architecture;
  std::vector<profile::Diagnostic> findings;
  auto compiled = profile::PrepareCompiled(request, findings);
  if (!compiled.ok()) return compiled.error();
  if (compiled->has_value()) return std::move((*compiled)->filter.program);
  std::string why = "the agent's own profile";
  for (const profile::Diagnostic& finding : findings) {
    if (finding.severity == profile::Severity::kError)
      why += ": " + finding.pointer + ": " + finding.message;
  }
  return Error{ErrorCode::kDenied, why};
}

}  // namespace seccompd::compiler
