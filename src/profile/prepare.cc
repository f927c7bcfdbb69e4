// SPDX-License-Identifier: Apache-2.0
#include "seccompd/profile/prepare.h"

#include <utility>

#include "seccompd/profile/codes.h"
#include "seccompd/profile/decode.h"
#include "seccompd/profile/lint.h"
#include "seccompd/profile/resolve.h"
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
  const DecodedSpec spec = DecodeSpec(request.spec);
  Resolved resolved = Resolve(spec, request, *native);
  findings = spec.findings;
  findings.insert(findings.end(), resolved.findings.begin(), resolved.findings.end());
  CompleteArchitectures(resolved.profile, *native, findings);
  if (resolved.needs_bases) {
    findings.push_back(MakeFinding(Code::kBaseMissing, "/bases",
                                   "the profile builds on others that were not given; give their "
                                   "files too"));
  }
  if (HasError(findings)) return std::optional<Profile>();
  // Names that do not exist are left out, as a runtime would do it; lint tells of them.
  std::vector<Diagnostic> untold;
  ResolveNames(resolved.profile, spec.warn_unknown_syscalls, untold);
  Profile meant = Normalize(std::move(resolved.profile), untold);
  return std::optional<Profile>(spec.is_dry_run ? DryRun(std::move(meant)) : std::move(meant));
}

Result<std::optional<CompiledProfile>> PrepareCompiled(const RenderRequest& request,
                                                       std::vector<Diagnostic>& findings) {
  Result<std::optional<Profile>> profile = Prepare(request, findings);
  if (!profile.ok()) return profile.error();
  if (!profile->has_value()) return std::optional<CompiledProfile>();
  const Profile& meant = **profile;
  std::vector<Diagnostic> untold;
  const std::optional<Profile> rewritten = Rewrite(meant, untold);
  const Profile& written = rewritten.has_value() ? *rewritten : meant;
  const Result<std::optional<Filters>> filters = Compile(written, findings);
  if (!filters.ok()) return filters.error();
  if (!filters->has_value() || HasError(findings)) return std::optional<CompiledProfile>();
  Validate(meant, **filters, findings);
  if (HasError(findings)) return std::optional<CompiledProfile>();
  return std::optional<CompiledProfile>({written, (*filters)->by_priority});
}

}  // namespace seccompd::profile
