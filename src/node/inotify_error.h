// SPDX-License-Identifier: Apache-2.0
#pragma once
// What inotify's refusals mean, and what to do about them.

#include <string>

#include "seccompd/base/result.h"

namespace seccompd::node {

Error WatchError(int errno_value, const std::string& what);

}  // namespace seccompd::node
