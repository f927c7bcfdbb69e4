// SPDX-License-Identifier: Apache-2.0
#pragma once
// A plain profile file as the container runtimes read it, when somebody puts the file itself below
// the kubelet's directory. Internal to the layer.

#include <optional>
#include <string_view>

#include "seccompd/profile/diagnostic.h"
#include "seccompd/profile/json.h"

namespace seccompd::profile {

// ReadOtherwise, where `profile` says something in Docker's words only: containerd knows OCI's
// fields and drops all others in silence, CRI-O knows Docker's but minKernel.
std::optional<Diagnostic> FindDockersWords(const JsonValue& profile, std::string_view pointer);

// ReadOtherwise, where `text` looks like JSON, and can be read as YAML, but is no JSON.
std::optional<Diagnostic> FindNoJson(std::string_view text);

}  // namespace seccompd::profile
