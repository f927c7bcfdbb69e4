// SPDX-License-Identifier: Apache-2.0
#pragma once
// The profiles that are shipped with seccompd: immutable, named "<name>-v<N>". Constant data,
// thread-safe.

#include <span>
#include <string_view>

namespace seccompd::profile {

struct Builtin {
  std::string_view name;  // "runtime-default-v1"
  std::string_view description;
  std::string_view spec;  // raw .spec JSON: {"profile": {...}}
};

// Null: there is none of that name.
const Builtin* FindBuiltin(std::string_view name);
std::span<const Builtin> AllBuiltins();

}  // namespace seccompd::profile
