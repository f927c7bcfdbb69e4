// SPDX-License-Identifier: Apache-2.0
#pragma once
// The rules of one system call, judged on as many words of the call as are known. Internal to the
// layer; meaning.h is built on it.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "seccompd/profile/meaning.h"
#include "seccompd/profile/types.h"

#include "profile/case_walk.h"
#include "profile/decision.h"

namespace seccompd::profile {

struct Judgement {
  std::optional<std::uint8_t> asks;  // the word without which nothing can be said
  std::optional<std::size_t> rule;   // that matches; none: the default
  std::optional<std::size_t> contradicting_rule;
};

Verdict VerdictOfRule(const Rule& rule);
Verdict DefaultVerdict(const Profile& profile);

// `rules` are one call's, bound to an architecture. On one of 32 bits the high words must be 0.
Judgement Judge(const Profile& profile, std::span<const BoundRule> rules, const Words& words,
                bool is_big_endian);

// What the conditions of `rules` can tell apart.
void AddPredicates(std::span<const BoundRule> rules, bool is_big_endian, CaseWalk& walk);

}  // namespace seccompd::profile
