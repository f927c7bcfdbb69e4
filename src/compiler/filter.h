// SPDX-License-Identifier: Apache-2.0
#pragma once
// The seccomp filters of the zygote and of its children: tables in filter.cc, compiled once by the
// zygote at its start, from a constant. Whatever is not in them kills the process (SIGSYS): neither
// has an honest use for more. Not thread-safe.

#include <string>

#include "seccompd/base/result.h"

namespace seccompd::compiler {

// struct sock_filter[], ready to be installed.
struct OwnFilters {
  std::string zygote;
  std::string child;
};
// Not with a sanitizer, whose runtime asks for much more: both are empty then.
Result<OwnFilters> BuildFilters();

// For the rest of this process's life, and its children's. True at once for an empty one.
bool InstallFilter(const std::string& program);

}  // namespace seccompd::compiler
