// SPDX-License-Identifier: Apache-2.0
// differential_render COMPILER: specs on standard input, one a line, through the real compiler;
// one line each on standard output: the canonical bytes, or "! " and the codes of the errors.
#include <iostream>
#include <string>

#include "seccompd/compiler/zygote.h"

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  const auto zygote = seccompd::compiler::Zygote::Start({argv[1]});
  if (!zygote.ok()) return 3;
  for (std::string spec; std::getline(std::cin, spec);) {
    const auto answer =
        (*zygote)->Compile({spec, {"SCMP_ARCH_X86_64", "", {}, "both"}, {}, "none"});
    if (!answer.ok()) {
      std::cout << "! " << answer.error().message << '\n';
    } else if (!answer->bytes.empty()) {
      std::cout << answer->bytes;  // ends its line itself
    } else {
      std::cout << '!';
      for (const auto& finding : answer->findings) {
        if (finding.severity == seccompd::profile::Severity::kError)
          std::cout << ' ' << finding.code;
      }
      std::cout << '\n';
    }
  }
  return 0;
}
