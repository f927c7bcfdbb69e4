// SPDX-License-Identifier: Apache-2.0
#pragma once
// A tidied profile as the YAML of a TenantSeccompProfile. Internal to convert.h.

#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "seccompd/profile/convert.h"
#include "seccompd/profile/json.h"

namespace seccompd::profile {

// What is written, in this order. Members without a row are left out: no runtime reads them.
inline constexpr std::array<std::string_view, 6> kWrittenProfileMembers = {
    "defaultAction", "defaultErrnoRet", "architectures", "archMap", "includes", "excludes"};
inline constexpr std::array<std::string_view, 7> kWrittenRuleMembers = {
    "comment", "names", "action", "errnoRet", "args", "includes", "excludes"};

// `spec`: what stands beside the profile; `notes` become comments at the head.
std::string WriteManifest(const ConvertRequest& request, const JsonValue& spec,
                          const JsonValue& profile, const std::vector<std::string>& notes);

}  // namespace seccompd::profile
