// SPDX-License-Identifier: Apache-2.0
#include <ostream>

#include "seccompd/profile/text.h"

#include "file_commands.h"

namespace seccompd::cli {

Result<Target> MakeTarget(const TargetOptions& options) {
  Target target;
  Result<std::string> architecture = ArchitectureOf(options.arch);
  if (!architecture.ok()) return Wrap(architecture.error(), "--arch");
  target.node.architecture = *std::move(architecture);
  target.node.kernel = options.kernel.empty() ? KernelRelease() : options.kernel;
  target.node.runtime = options.runtime;
  target.ceiling = options.ceiling;
  for (const std::string& label : options.labels) {
    const auto equals = label.find('=');
    if (equals == std::string::npos || equals == 0) {
      return Error{ErrorCode::kInvalid, "--label: " + profile::Quote(label) + " is no KEY=VALUE"};
    }
    target.node.labels[label.substr(0, equals)] = label.substr(equals + 1);
  }
  return target;
}

int FailWith(const Console& console, const Error& error) {
  console.err << "seccompd: " << error.message << '\n';
  return kExitFailed;
}

int RefuseUsage(const Console& console, const Error& error) {
  console.err << "seccompd: " << error.message << '\n';
  return kExitUsage;
}

}  // namespace seccompd::cli
