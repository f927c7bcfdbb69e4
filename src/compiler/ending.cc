// SPDX-License-Identifier: Apache-2.0
#include "compiler/ending.h"

#include <signal.h>
#include <string.h>

#include <string_view>

namespace seccompd::compiler {
namespace {

// What a person cannot guess from the signal's name.
std::string_view CauseOf(int number) {
  if (number == SIGSYS) {
    return ", by a seccomp filter: its own, or that of the container that seccompd runs in, does "
           "not know a system call which this kernel or C library needs";
  }
  return number == SIGKILL ? ", by one who got no answer in time, or for want of memory" : "";
}

}  // namespace

std::string HowItEnded(bool is_signaled, int code_or_signal) {
  const std::string number = std::to_string(code_or_signal);
  if (!is_signaled) return "exited with code " + number;
  const char* const name = ::sigdescr_np(code_or_signal);
  std::string text = "was killed by signal " + number;
  if (name != nullptr) text += " (" + std::string(name) + ")";
  return text.append(CauseOf(code_or_signal));
}

}  // namespace seccompd::compiler
