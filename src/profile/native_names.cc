// SPDX-License-Identifier: Apache-2.0
#include "profile/native_names.h"

#include <algorithm>
#include <array>

namespace seccompd::profile {
namespace {

constexpr std::array<NativeNameRow, 24> kNativeNames = {{
    {"x86", Architecture::kX86},
    {"amd64", Architecture::kX8664},
    {"x32", Architecture::kX32},
    {"arm", Architecture::kArm},
    {"arm64", Architecture::kAarch64},
    {"mips", Architecture::kMips},
    {"mips64", Architecture::kMips64},
    {"mips64n32", Architecture::kMips64N32},
    {"mipsel", Architecture::kMipsel},
    {"mipsel64", Architecture::kMipsel64},
    {"mipsel64n32", Architecture::kMipsel64N32},
    {"mips3l64n32", Architecture::kMipsel64N32},  // moby's spelling
    {"ppc", Architecture::kPpc},
    {"ppc64", Architecture::kPpc64},
    {"ppc64le", Architecture::kPpc64Le},
    {"riscv64", Architecture::kRiscv64},
    {"s390", Architecture::kS390},
    {"s390x", Architecture::kS390X},
    {"loong64", std::nullopt},
    {"loongarch64", std::nullopt},
    {"m68k", std::nullopt},
    {"parisc", std::nullopt},
    {"parisc64", std::nullopt},
    {"sh", std::nullopt},
}};

}  // namespace

std::span<const NativeNameRow> NativeNameTable() { return kNativeNames; }

bool IsNativeName(std::string_view name) {
  return std::any_of(kNativeNames.begin(), kNativeNames.end(),
                     [&](const NativeNameRow& row) { return row.name == name; });
}

bool IsNameOf(std::string_view name, Architecture architecture) {
  return std::any_of(kNativeNames.begin(), kNativeNames.end(), [&](const NativeNameRow& row) {
    return row.name == name && row.value == architecture;
  });
}

}  // namespace seccompd::profile
