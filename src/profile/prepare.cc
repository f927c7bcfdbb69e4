// SPDX-License-Identifier: Apache-2.0
#include "seccompd/profile/prepare.h"

#include <utility>

#include "seccompd/profile/codes.h"
#include "seccompd/profile/decode.h"
#include "seccompd/profile/lint.h"
#include "seccompd/profile/rewrite.h"
#include "seccompd/profile/text.h"
#include "seccompd/profile/validate.h"

namespace seccompd::profile {

Result<std::optional<Profile>> Prepare(const RenderRequest& request,
                                       std::vector<Diagnostic>& findings) {
  const std::optional<Architecture> native = FindArchitecture(request.node.architecture);
  if (!native.has_value()) {
    return Error{ErrorCode::kDenied,
                 "no architecture of ours: " + Quote(request.node.architecture)};
  }
  DecodedSpec decoded = DecodeSpec(request.spec);
  findings = std::move(decoded.findings);
  CompleteArchitectures(decoded.profile, *native, findings);
  if (HasError(findings)) return std::optional<Profile>();
  // Names that do not exist are left out, as a runtime would do it; lint tells of them.
  std::vector<Diagnostic> untold;
  ResolveNames(decoded.profile, decoded.warn_unknown_syscalls, untold);
  return std::optional<Profile>(Rewrite(Normalize(std::move(decoded.profile), untold), untold));
}

Result<std::optional<CompiledProfile>> PrepareCompiled(const RenderRequest& request,
                                                       std::vector<Diagnostic>& findings) {
  Result<std::optional<Profile>> profile = Prepare(request, findings);
  if (!profile.ok()) return profile.error();
  if (!profile->has_value()) return std::optional<CompiledProfile>();
  Result<std::optional<Filters>> filters = Compile(**profile, findings);
  if (!filters.ok()) return filters.error();
  if (!filters->has_value() || HasError(findings)) return std::optional<CompiledProfile>();
  Validate(**profile, **filters, findings);
  if (HasError(findings)) return std::optional<CompiledProfile>();
  return std::optional<CompiledProfile>({**std::move(profile), (*filters)->by_priority});
}

}  // namespace seccompd::profile
