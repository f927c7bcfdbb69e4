// SPDX-License-Identifier: Apache-2.0
#pragma once
// The profiles that are shipped with seccompd: immutable, named "builtin/<name>-v<N>"; a change is
// a new one beside the old. Their text is src/profile/builtins/*.json, built in. Constant data,
// thread-safe.

#include <span>
#include <string_view>

namespace seccompd::profile {

inline constexpr std::string_view kBuiltinPrefix = "builtin/";

struct Builtin {
  std::string_view name;         // "builtin/runtime-default-v1"
  std::string_view description;  // what it is for, and what it allows
  std::string_view spec;         // raw .spec JSON, as a tenant would write it: {"profile": {...}}
};

// With or without the prefix. Null: there is none of that name.
const Builtin* FindBuiltin(std::string_view name);
std::span<const Builtin> AllBuiltins();

}  // namespace seccompd::profile
