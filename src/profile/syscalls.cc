// SPDX-License-Identifier: Apache-2.0
#include "seccompd/profile/syscalls.h"

#include <algorithm>

namespace seccompd::profile {
namespace {

constexpr std::string_view kNames[] = {
#include "profile/syscall_names.inc"
};

}  // namespace

std::span<const std::string_view> LinuxSyscalls() { return kNames; }

bool IsLinuxSyscall(std::string_view name) {
  return std::binary_search(std::begin(kNames), std::end(kNames), name);
}

}  // namespace seccompd::profile
