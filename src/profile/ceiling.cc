// SPDX-License-Identifier: Apache-2.0
#include "profile/ceiling.h"

#include <algorithm>
#include <utility>

#include "seccompd/profile/builtins.h"
#include "seccompd/profile/capabilities.h"
#include "seccompd/profile/compile.h"
#include "seccompd/profile/decode.h"
#include "seccompd/profile/lint.h"
#include "seccompd/profile/resolve.h"
#include "seccompd/profile/text.h"

namespace seccompd::profile {
namespace {

Error Unusable(const std::string& name) {
  return Error{ErrorCode::kDenied, "the ceiling " + Quote(name) + " cannot be used on this node"};
}

}  // namespace

Result<std::vector<Diagnostic>> JudgeByCeiling(const RenderRequest& request, Architecture native,
                                               const CompiledProfile& profile) {
  const Builtin* builtin = FindBuiltin(request.ceiling);
  if (builtin == nullptr) {
    return Error{ErrorCode::kDenied, "there is no ceiling " + Quote(request.ceiling)};
  }
  DecodedSpec spec = DecodeSpec(builtin->spec);
  const auto held = RuntimeCapabilities();
  spec.capabilities.emplace(held.begin(), held.end());
  RenderRequest own = request;
  own.bases.clear();
  Resolved resolved = Resolve(spec, own, native);
  std::vector<Diagnostic> findings = std::move(resolved.findings);
  CompleteArchitectures(resolved.profile, native, findings);
  // What neither of the two lists dies under both. The rest of the ceiling's need not be compiled.
  const auto& listed = profile.profile.architectures;
  std::erase_if(resolved.profile.architectures, [&](Architecture a) {
    return std::find(listed.begin(), listed.end(), a) == listed.end();
  });
  ResolveNames(resolved.profile, true, findings);
  const Profile ceiling = Normalize(std::move(resolved.profile), findings);
  if (HasError(spec.findings) || HasError(findings)) return Unusable(request.ceiling);
  const Result<std::optional<Filters>> filters = Compile(ceiling, findings, Trees::kNo);
  if (!filters.ok()) return filters.error();
  if (!filters->has_value()) return Unusable(request.ceiling);
  return CheckCeiling(profile, {ceiling, (*filters)->by_priority});
}

}  // namespace seccompd::profile
