// SPDX-License-Identifier: Apache-2.0
#pragma once
// The sentences of an explanation; what they say is found in explain.cc. (VerdictPhrase is public:
// explain.h.) Thread-safe (no state).

#include <string>
#include <vector>

#include "seccompd/profile/explain.h"

namespace seccompd::profile {

// "a0 == 38 and (a1 & 0xff) == 2"; empty without conditions.
std::string ConditionText(const std::vector<Arg>& args);

// Why the verdict is what it is. `has_rules`: the profile names the call.
std::string WhyText(const Decision& decision, const Question& question, const Profile& profile,
                    bool has_rules);

// What in the profile to change to have it otherwise.
std::string ChangeText(const Decision& decision, const Question& question, const Profile& profile);

}  // namespace seccompd::profile
