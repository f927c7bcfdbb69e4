// SPDX-License-Identifier: Apache-2.0
#pragma once
// One object out of a single answer, read as the reflector reads it: the spec stays the bytes that
// the server sent. Thread-safe (no state).

#include <functional>
#include <string_view>

#include "seccompd/base/result.h"
#include "seccompd/kube/reflector.h"

namespace seccompd::kube {

// Calls `use` with the object in `json`; its views are valid during the call. kTransient: it is no
// object of that kind, or lacks its name or uid.
Result<void> UseObject(std::string_view json, std::string_view expected_kind,
                       const std::function<void(const Object&)>& use);

}  // namespace seccompd::kube
