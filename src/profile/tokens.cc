// SPDX-License-Identifier: Apache-2.0
#include "profile/tokens.h"

#include <linux/audit.h>
#include <seccomp.h>

#include <array>
#include <cstdlib>

namespace seccompd::profile {
namespace {

constexpr std::array<TokenRow, 17> kTokens = {{
    {Architecture::kX86, SCMP_ARCH_X86, AUDIT_ARCH_I386, true},
    {Architecture::kX8664, SCMP_ARCH_X86_64, AUDIT_ARCH_X86_64, false},
    {Architecture::kX32, SCMP_ARCH_X32, AUDIT_ARCH_X86_64, true},
    {Architecture::kArm, SCMP_ARCH_ARM, AUDIT_ARCH_ARM, true},
    {Architecture::kAarch64, SCMP_ARCH_AARCH64, AUDIT_ARCH_AARCH64, false},
    {Architecture::kMips, SCMP_ARCH_MIPS, AUDIT_ARCH_MIPS, true},
    {Architecture::kMips64, SCMP_ARCH_MIPS64, AUDIT_ARCH_MIPS64, false},
    {Architecture::kMips64N32, SCMP_ARCH_MIPS64N32, AUDIT_ARCH_MIPS64N32, true},
    {Architecture::kMipsel, SCMP_ARCH_MIPSEL, AUDIT_ARCH_MIPSEL, true},
    {Architecture::kMipsel64, SCMP_ARCH_MIPSEL64, AUDIT_ARCH_MIPSEL64, false},
    {Architecture::kMipsel64N32, SCMP_ARCH_MIPSEL64N32, AUDIT_ARCH_MIPSEL64N32, true},
    {Architecture::kPpc, SCMP_ARCH_PPC, AUDIT_ARCH_PPC, true},
    {Architecture::kPpc64, SCMP_ARCH_PPC64, AUDIT_ARCH_PPC64, false},
    {Architecture::kPpc64Le, SCMP_ARCH_PPC64LE, AUDIT_ARCH_PPC64LE, false},
    {Architecture::kRiscv64, SCMP_ARCH_RISCV64, AUDIT_ARCH_RISCV64, false},
    {Architecture::kS390, SCMP_ARCH_S390, AUDIT_ARCH_S390, true},
    {Architecture::kS390X, SCMP_ARCH_S390X, AUDIT_ARCH_S390X, false},
}};

}  // namespace

const TokenRow& TokenRowOf(Architecture architecture) {
  for (const TokenRow& row : kTokens) {
    if (row.value == architecture) return row;
  }
  std::abort();  // an enumerator without a row: a bug that the first test finds
}

}  // namespace seccompd::profile
