// SPDX-License-Identifier: Apache-2.0
// Manifest files: YAML by yaml-cpp, then the envelopes. Properties: every document becomes JSON
// that our own reader takes, and the answer passes through the compiler's protocol.
#include "seccompd/profile/yaml.h"

#include "seccompd/compiler/protocol.h"
#include "seccompd/profile/json.h"

#include "compiler/manifests.h"
#include "fuzz/check.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using seccompd::fuzz::Must;
  const std::string_view text = seccompd::fuzz::TextOf(data, size);
  const auto documents = seccompd::profile::YamlToJson(text, seccompd::compiler::kMaxManifestBytes);
  if (documents.ok()) {
    for (const seccompd::profile::YamlDocument& document : *documents) {
      Must(seccompd::profile::ParseJson(document.json, 40).ok(), "YAML becomes JSON",
           document.json);
    }
  }
  const seccompd::compiler::ManifestAnswer answer = seccompd::compiler::ParseManifestText(text);
  const std::string bytes = seccompd::compiler::EncodeManifestAnswer(answer);
  Must(bytes.size() > seccompd::compiler::kMaxFrameBytes ||
           seccompd::compiler::DecodeManifestAnswer(bytes).ok(),
       "the answer passes through the protocol");
  return 0;
}
