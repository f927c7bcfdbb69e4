// SPDX-License-Identifier: Apache-2.0
#pragma once
// Whether this is a sanitizer's build: its shadow memory, reports and system calls need more than a
// child is given. Constant.

namespace seccompd::compiler {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
inline constexpr bool kIsSanitized = true;
#else
inline constexpr bool kIsSanitized = false;
#endif

}  // namespace seccompd::compiler
