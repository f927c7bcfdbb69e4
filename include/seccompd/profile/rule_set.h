// SPDX-License-Identifier: Apache-2.0
#pragma once
// Which rules judge: what of this program, of a node and of its settings decides a profile's bytes.
// Header only: the agent digests it, and an audit must come to the same.

#include <string>

#include "seccompd/profile/request.h"

namespace seccompd::profile {

// Raise it when the same spec may give other bytes or another verdict than before.
inline constexpr int kRuleSetVersion = 3;

inline std::string RuleSet(const std::string& libseccomp_version) {
  return std::to_string(kRuleSetVersion) + "+libseccomp" + libseccomp_version;
}

// Without the labels: those of profiles that ask for them are digested apart.
inline std::string ContextOf(const std::string& rule_set, const NodeContext& node,
                             const std::string& ceiling) {
  return rule_set + " " + node.architecture + " kernel=" + node.kernel +
         " runtime=" + node.runtime + " ceiling=" + ceiling;
}

}  // namespace seccompd::profile
