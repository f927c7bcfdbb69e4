// SPDX-License-Identifier: Apache-2.0
#pragma once
// The decoder's part for what makes a profile differ between nodes and containers: includes,
// excludes, archMap, capabilities. Internal.

#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "seccompd/profile/decode.h"

#include "profile/fields.h"

namespace seccompd::profile {

// The member `includes` or `excludes` of a rule.
Condition DecodeCondition(ObjectReader& rule, std::string_view name);

// A list of capabilities, sorted, each once.
std::vector<std::string> DecodeCapabilities(ObjectReader& reader, std::string_view name);

// `architectures` and `archMap`, which exclude each other.
void DecodeArchitectures(ObjectReader& reader, DecodedProfile& decoded);

}  // namespace seccompd::profile
