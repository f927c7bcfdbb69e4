// SPDX-License-Identifier: Apache-2.0
#pragma once
// Standard base64, as in a kubeconfig's inline data.

#include <optional>
#include <string>
#include <string_view>

namespace seccompd::kube {

// White space between the characters is skipped. Nothing when the text is no base64.
std::optional<std::string> DecodeBase64(std::string_view text);
std::string EncodeBase64(std::string_view bytes);

}  // namespace seccompd::kube
