// SPDX-License-Identifier: Apache-2.0
#include "seccompd/profile/render.h"

#include <optional>
#include <utility>

#include "seccompd/profile/codes.h"
#include "seccompd/profile/compile.h"
#include "seccompd/profile/decode.h"
#include "seccompd/profile/encode.h"
#include "seccompd/profile/lint.h"
#include "seccompd/profile/rewrite.h"
#include "seccompd/profile/text.h"
#include "seccompd/profile/validate.h"

namespace seccompd::profile {
namespace {

// Fills in bytes and instructions when nothing is in error. What the rules mean together is judged
// only when each of them could be read: a rule left out for a fault of its own would look like a
// missing one.
Result<void> RenderDecoded(DecodedSpec decoded, Architecture native, Rendered& rendered) {
  std::vector<Diagnostic>& findings = rendered.findings;
  const bool is_complete = !HasError(findings);
  CompleteArchitectures(decoded.profile, native, findings);
  ResolveNames(decoded.profile, decoded.warn_unknown_syscalls, findings);
  if (!is_complete) return {};
  const Profile meant = Normalize(std::move(decoded.profile), findings);
  const std::optional<Profile> rewritten = Rewrite(meant, findings);
  const Profile& profile = rewritten.has_value() ? *rewritten : meant;
  Lint(profile, findings);
  if (HasError(findings)) return {};
  const Result<std::optional<Filters>> filters = Compile(profile, findings);
  if (!filters.ok()) return filters.error();
  if (!filters->has_value() || HasError(findings)) return {};
  Validate(meant, **filters, findings);
  if (HasError(findings)) return {};
  rendered.instructions = (*filters)->instructions();
  rendered.bytes = Encode(profile);
  return {};
}

}  // namespace

Result<Rendered> Render(const RenderRequest& request) {
  const std::optional<Architecture> native = FindArchitecture(request.node.architecture);
  if (!native.has_value()) {
    return Error{ErrorCode::kDenied,
                 "no architecture of ours: " + Quote(request.node.architecture)};
  }
  DecodedSpec decoded = DecodeSpec(request.spec);
  Rendered rendered;
  rendered.remove_when_invalid = decoded.remove_when_invalid;
  rendered.findings = std::move(decoded.findings);
  Result<void> result = RenderDecoded(std::move(decoded), *native, rendered);
  if (!result.ok()) return result.error();
  CapFindings(rendered.findings);
  return rendered;
}

}  // namespace seccompd::profile
