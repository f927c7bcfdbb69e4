// SPDX-License-Identifier: Apache-2.0
#pragma once
// Two compiled profiles side by side: every call that gets another verdict, and whether one lets
// through what the other, its ceiling, denies. Exact, over the classes of calls that the two
// filters' own constants can tell apart. Values in, findings out. Not thread-safe (libseccomp's
// tables give the names).

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "seccompd/base/result.h"
#include "seccompd/profile/compile.h"
#include "seccompd/profile/diagnostic.h"
#include "seccompd/profile/simulate.h"
#include "seccompd/profile/types.h"

namespace seccompd::profile {

// A normalized, complete profile and its filter, both validated.
struct CompiledProfile {
  Profile profile;
  Filter filter;
};

enum class Change {
  kLooser,     // B does less against the call than A
  kTighter,    // B does more
  kDifferent,  // the same action with another number
};
// "looser", "tighter", "different".
std::string_view ChangeName(Change change);

// One per architecture, system call and pair of verdicts.
struct Difference {
  std::optional<Architecture> architecture;    // none: every one that neither profile lists
  std::string syscall;                         // empty: no call of that number is known
  std::uint32_t number = 0;                    // of the example
  bool is_any_other = false;                   // stands for every number that neither profile names
  std::array<std::uint64_t, kMaxArgs> args{};  // of the example
  std::vector<std::uint32_t> decisive;         // indexes of the args that the verdicts hang on
  Verdict a;
  Verdict b;
  Change change = Change::kDifferent;
};

// Sorted by architecture and name. kInvalid: a filter cannot be judged, or one call makes more than
// kMaxCases.
Result<std::vector<Difference>> Compare(const CompiledProfile& a, const CompiledProfile& b);

// "openat(a2=0x241) on SCMP_ARCH_X86_64: ERRNO 1 (EPERM) -> ALLOW (looser)".
std::string DifferenceText(const Difference& difference);

// ALLOW, LOG, TRACE, NOTIFY.
bool MayLetThrough(Action action);

// At most one AboveCeiling: what `profile` may let through and `ceiling` does not. (Or one
// TooManyCases.)
std::vector<Diagnostic> CheckCeiling(const CompiledProfile& profile,
                                     const CompiledProfile& ceiling);

}  // namespace seccompd::profile
