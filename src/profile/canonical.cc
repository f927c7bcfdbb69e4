// SPDX-License-Identifier: Apache-2.0
#include "seccompd/profile/canonical.h"

#include <string>
#include <vector>

#include "seccompd/profile/decode.h"
#include "seccompd/profile/encode.h"
#include "seccompd/profile/lint.h"

namespace seccompd::profile {
namespace {

Error NotCanonical(std::string_view what) {
  return Error{ErrorCode::kInvalid, "no canonical profile: " + std::string(what)};
}

}  // namespace

Result<void> CheckCanonical(std::string_view bytes) {
  if (bytes.size() > kMaxCanonicalBytes) return NotCanonical("too long");
  const Result<JsonValue> json = ParseJson(bytes, kMaxSpecDepth);
  if (!json.ok()) return NotCanonical(json.error().message);
  std::vector<Diagnostic> findings;
  const Profile decoded = DecodeProfile(*json, "", findings, kMaxRules).profile;
  for (const Diagnostic& finding : findings) {
    if (finding.severity != Severity::kError) continue;
    return NotCanonical(finding.pointer + ": " + finding.message);
  }
  if (decoded.architectures.empty()) return NotCanonical("no architectures");
  findings.clear();
  const Profile normal = Normalize(decoded, findings);
  if (!findings.empty()) return NotCanonical(findings.front().message);
  // The rest (order, spaces, empty and default fields, comments, duplicate keys) shows in the
  // bytes.
  if (Encode(normal) != bytes) return NotCanonical("not as it would be encoded");
  return {};
}

}  // namespace seccompd::profile
