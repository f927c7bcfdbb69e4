// SPDX-License-Identifier: Apache-2.0
#pragma once
// How a process ended, in words for an error message. Thread-safe.

#include <string>

namespace seccompd::compiler {

// "exited with code 102", "was killed by signal 31 (Bad system call), by a seccomp filter: ...".
std::string HowItEnded(bool is_signaled, int code_or_signal);

}  // namespace seccompd::compiler
