// SPDX-License-Identifier: Apache-2.0
#include "seccompd/profile/check_tree.h"

#include <utility>

#include "seccompd/profile/canonical.h"
#include "seccompd/profile/codes.h"
#include "seccompd/profile/compile.h"
#include "seccompd/profile/decode.h"
#include "seccompd/profile/lint.h"
#include "seccompd/profile/text.h"
#include "seccompd/profile/validate.h"

namespace seccompd::profile {

Result<std::vector<Diagnostic>> CheckTree(std::string_view canonical) {
  const Result<void> checked = CheckCanonical(canonical);
  if (!checked.ok()) return checked.error();
  const Result<JsonValue> json = ParseJson(canonical, kMaxSpecDepth);
  if (!json.ok()) return json.error();
  std::vector<Diagnostic> findings;
  Profile decoded = DecodeProfile(*json, "", findings, kMaxRules).profile;
  for (Rule& rule : decoded.rules) rule.place = {};
  findings.clear();  // none is in error: it is canonical
  const Profile profile = Normalize(std::move(decoded), findings);
  const Result<std::optional<Filters>> filters = Compile(profile, findings);
  if (!filters.ok()) return filters.error();
  if (filters->has_value() && !HasError(findings)) Validate(profile, **filters, findings);
  std::erase_if(findings,
                [](const Diagnostic& finding) { return finding.severity != Severity::kError; });
  for (Diagnostic& finding : findings) finding.pointer.clear();
  CapFindings(findings);
  return findings;
}

}  // namespace seccompd::profile
