// SPDX-License-Identifier: Apache-2.0
#pragma once
// YAML 1.2's core schema for one scalar -> JSON text. Internal to yaml.cc; knows nothing of
// yaml-cpp.

#include <string>
#include <string_view>

#include "seccompd/base/result.h"

namespace seccompd::profile {

// A plain (unquoted) scalar. kInvalid: .inf, .nan, and what other readers take for another number
// (017).
Result<std::string> PlainScalarToJson(std::string_view text);

}  // namespace seccompd::profile
