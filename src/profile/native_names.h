// SPDX-License-Identifier: Apache-2.0
#pragma once
// libseccomp's own names of architectures, which Docker's conditions use: "amd64" for
// SCMP_ARCH_X86_64. Constant data, thread-safe. Internal.

#include <optional>
#include <span>
#include <string_view>

#include "seccompd/profile/types.h"

namespace seccompd::profile {

struct NativeNameRow {
  std::string_view name;
  std::optional<Architecture> value;  // none: no node of ours has it
};

std::span<const NativeNameRow> NativeNameTable();
bool IsNativeName(std::string_view name);
bool IsNameOf(std::string_view name, Architecture architecture);

}  // namespace seccompd::profile
