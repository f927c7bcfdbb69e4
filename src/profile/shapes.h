// SPDX-License-Identifier: Apache-2.0
#pragma once
// The rules of one system call, and whether libseccomp can be trusted with them. Internal to the
// layer.

#include <algorithm>
#include <span>
#include <vector>

#include "seccompd/profile/types.h"

namespace seccompd::profile {

// Calls `visit` with the rules of each syscall in turn; they must be sorted by name. `Rules`:
// std::vector<Rule>, const or not.
template <class Rules, class Visit>
void ForEachName(Rules& rules, Visit visit) {
  auto begin = rules.begin();
  while (begin != rules.end()) {
    const auto end = std::find_if(begin, rules.end(),
                                  [&](const Rule& rule) { return rule.name != begin->name; });
    visit(std::span(begin, end));
    begin = end;
  }
}

bool IsEquality(const Arg& arg);
bool IsLess(const Arg& arg);

// The shapes that every libseccomp from 2.5.4 to 2.6.1 was seen to compile rightly: one conditional
// rule; several of one condition each, unless LT or LE meets a value from 2^32 on; several with
// equalities only. Others it miscompiles, or never finishes: {a0 LE 0, a1 GT 7} beside {a0 LE 0, a1
// EQ 2, a2 EQ 0}. Source: seccomp-facts.md section 4.
bool IsSafe(std::span<const Rule> rules);

}  // namespace seccompd::profile
