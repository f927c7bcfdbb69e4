// SPDX-License-Identifier: Apache-2.0
#include <ostream>
#include <string_view>
#include <vector>

#include "seccompd/profile/builtins.h"
#include "seccompd/profile/decode.h"
#include "seccompd/profile/text.h"

#include "file_commands.h"

namespace seccompd::cli {
namespace {

std::string Listed(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : ", ") + name;
  return text;
}

}  // namespace

Result<Target> MakeTarget(const TargetOptions& options) {
  Target target;
  Result<std::string> architecture = ArchitectureOf(options.arch);
  if (!architecture.ok()) return Wrap(architecture.error(), "--arch");
  target.node.architecture = *std::move(architecture);
  target.node.kernel = options.kernel.empty() ? KernelRelease() : options.kernel;
  target.node.runtime = options.runtime;
  if (!profile::KernelOfRelease(target.node.kernel).has_value()) {
    return Error{ErrorCode::kInvalid, "--kernel: " + profile::Quote(target.node.kernel) +
                                          " is no kernel's version; write it as 6.1"};
  }
  const profile::Builtin* const ceiling = profile::FindBuiltin(options.ceiling);
  if (options.ceiling != "none" && ceiling == nullptr) {
    const std::vector<std::string> names = BuiltinNames();
    const std::vector<std::string_view> views(names.begin(), names.end());
    return Error{ErrorCode::kInvalid, "--ceiling: seccompd ships no " +
                                          profile::Quote(options.ceiling) +
                                          profile::DidYouMean(options.ceiling, views) +
                                          "; write none or one of these: " + Listed(names)};
  }
  target.ceiling = ceiling == nullptr ? "none" : std::string(ceiling->name);
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
