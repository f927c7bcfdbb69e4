// SPDX-License-Identifier: Apache-2.0
#pragma once
// The text of a manifest file -> its documents' envelopes. Runs in a compiler child only. Pure.

#include <string_view>

#include "seccompd/compiler/compiler.h"

namespace seccompd::compiler {

ManifestAnswer ParseManifestText(std::string_view text);

}  // namespace seccompd::compiler
