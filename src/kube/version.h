// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

namespace seccompd::kube {

// The only comparison of resourceVersions that Kubernetes allows: decimal numbers of one server.
// False when either is no number.
bool IsOlderVersion(std::string_view a, std::string_view b);

}  // namespace seccompd::kube
