// SPDX-License-Identifier: Apache-2.0
#pragma once
// JSON trees as YAML in flow style, for manifests that people will read. Every reader of YAML 1.1
// and 1.2 sees the same in them. Thread-safe (no state).

#include <cstddef>
#include <string>
#include <string_view>

#include "seccompd/profile/json.h"

namespace seccompd::profile {

// Plain where every reader takes it for that very string, else in double quotes.
std::string YamlScalar(std::string_view text);
// "{index: 0, op: SCMP_CMP_EQ}", "[a, b]".
std::string YamlFlow(const JsonValue& value);
// A flow list broken into lines of at most 100 columns; `indent`: of the lines after the first,
// `used`: how much of the first line is taken.
std::string YamlList(const JsonValue& list, std::size_t indent, std::size_t used);

}  // namespace seccompd::profile
