// SPDX-License-Identifier: Apache-2.0
#pragma once
// Landlock by raw system calls (C libraries have no wrappers, and Debian 12's kernel headers know
// the first versions only). For the calling thread and what it starts from then on.

#include <cstdint>
#include <string>
#include <vector>

#include "seccompd/base/result.h"

namespace seccompd::agent {

// What the domain rules: access rights that are refused where no rule grants them.
struct LandlockHandled {
  std::uint64_t files = 0;
  std::uint64_t network = 0;
  std::uint64_t scopes = 0;
  std::string not_ruled;  // what a newer kernel would rule besides; empty: nothing known
};
LandlockHandled HandledByLandlock(int abi);

// Newest version whose rights are in the table; a newer kernel's are left as they are.
inline constexpr int kNewestLandlockAbi = 6;
// 0: the kernel has no Landlock, or it is not switched on.
int LandlockAbi();

// Paths are followed to what they lead to, once; one that does not exist grants nothing.
struct LandlockRules {
  std::vector<std::string> read;   // a file, or a directory with all below
  std::vector<std::string> write;  // directories: everything but to execute
  std::vector<std::uint16_t> bind_ports, connect_ports;
};
Result<void> RestrictByLandlock(int abi, const LandlockRules& rules);

}  // namespace seccompd::agent
