// SPDX-License-Identifier: Apache-2.0
// seccompd-compile: judges profiles for seccompd, in processes of their own. Started by the agent.
#include <cstdio>
#include <string_view>

#include "seccompd/compiler/serve.h"
#include "seccompd/profile/compile.h"

int main(int argc, char** argv) {
  const std::span<char* const> arguments(argv + 1, argv + argc);
  const auto options = seccompd::compiler::ParseServeArguments(arguments);
  if (options.has_value()) return seccompd::compiler::ServeZygote(*options);
  if (arguments.size() == 1 && std::string_view(arguments[0]) == "--version") {
    static_cast<void>(std::printf("seccompd-compile %s (libseccomp %s, protocol %u)\n",
                                  SECCOMPD_VERSION, seccompd::profile::LibseccompVersion().c_str(),
                                  seccompd::compiler::kProtocolVersion));
    return 0;
  }
  static_cast<void>(std::fputs(
      "seccompd-compile compiles seccomp profiles for seccompd, which starts it itself.\n"
      "There is nothing to run by hand but: seccompd-compile --version\n",
      stderr));
  return 2;
}
