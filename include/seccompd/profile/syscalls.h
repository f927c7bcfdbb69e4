// SPDX-License-Identifier: Apache-2.0
#pragma once
// The names of Linux's system calls, from our own table: newer than any one libseccomp, so that a
// typo can be told from a call that only this libseccomp lacks. Constant data, thread-safe. Not
// numbers: those are libseccomp's (compile.h).

#include <span>
#include <string_view>

namespace seccompd::profile {

// Sorted bytewise.
std::span<const std::string_view> LinuxSyscalls();
bool IsLinuxSyscall(std::string_view name);

}  // namespace seccompd::profile
