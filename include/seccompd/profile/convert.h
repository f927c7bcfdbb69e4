// SPDX-License-Identifier: Apache-2.0
#pragma once
// A profile as people wrote it -> a TenantSeccompProfile manifest that says the same, tidied: rules
// with the same action and conditions in one element, names sorted, what no runtime reads left out.
// Form only: what the rules mean is not judged. Pure, thread-safe (no state).

#include <string>
#include <string_view>
#include <vector>

#include "seccompd/base/result.h"

namespace seccompd::profile {

struct ConvertRequest {
  std::string spec;              // raw JSON, as FoundProfile has it
  std::string name, name_space;  // of the object; name_space empty: none is written
  std::string origin;            // for the comment at its head: "web.json, seccomp profile"
};

struct Converted {
  std::string yaml;
  std::vector<std::string> notes;  // what was left out or written differently, and why
};

// kInvalid: the spec is no JSON object with a profile.
Result<Converted> Convert(const ConvertRequest& request);

}  // namespace seccompd::profile
