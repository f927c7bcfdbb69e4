// SPDX-License-Identifier: Apache-2.0
// The agent's strict reader, which judges what a compiler child answers. Property: what it accepts
// is a profile that a tenant could have written, and encodes to the very same bytes.
#include "seccompd/profile/canonical.h"

#include <string>
#include <vector>

#include "seccompd/profile/decode.h"
#include "seccompd/profile/encode.h"
#include "seccompd/profile/lint.h"

#include "fuzz/check.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace seccompd::profile;  // NOLINT(google-build-using-namespace)
  using seccompd::fuzz::Must;
  const std::string_view text = seccompd::fuzz::TextOf(data, size);
  if (!CheckCanonical(text).ok()) return 0;
  const auto json = ParseJson(text, kMaxSpecDepth);
  Must(json.ok(), "canonical bytes are JSON");
  std::vector<Diagnostic> findings;
  Profile profile = DecodeProfile(*json, "/profile", findings, kMaxRules).profile;
  Must(!HasError(findings), "canonical bytes are a good profile");
  Must(Encode(Normalize(std::move(profile), findings)) == text, "they encode to themselves");
  Must(text.back() == '\n' && text.find('\n') == text.size() - 1, "they are one line");
  return 0;
}
