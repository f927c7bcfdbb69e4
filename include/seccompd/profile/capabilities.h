// SPDX-License-Identifier: Apache-2.0
#pragma once
// The names of Linux's capabilities, and those that the runtimes give a container that asks for
// none. Constant data, thread-safe.

#include <span>
#include <string_view>

namespace seccompd::profile {

// "CAP_CHOWN", ..., in the kernel's order.
std::span<const std::string_view> LinuxCapabilities();
bool IsCapability(std::string_view name);

// The 14 that Docker, containerd and (but for a few) CRI-O give a container that adds none. Sorted.
std::span<const std::string_view> RuntimeCapabilities();

}  // namespace seccompd::profile
