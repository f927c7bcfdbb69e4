// SPDX-License-Identifier: Apache-2.0
#include "seccompd/profile/render.h"

#include <optional>
#include <utility>

#include "seccompd/profile/codes.h"
#include "seccompd/profile/compile.h"
#include "seccompd/profile/decode.h"
#include "seccompd/profile/encode.h"
#include "seccompd/profile/lint.h"
#include "seccompd/profile/resolve.h"
#include "seccompd/profile/text.h"

namespace seccompd::profile {
namespace {

// What is merely worth knowing about a base is told at the base; here only what is in error.
void DropNotesOnBases(std::vector<Diagnostic>& findings) {
  std::erase_if(findings, [](const Diagnostic& finding) {
    return finding.severity != Severity::kError && finding.pointer.starts_with("/bases/");
  });
}

// That a dry run lets everything through is its purpose: FailOpenDefault need not be told too.
void ReportDryRun(std::vector<Diagnostic>& findings) {
  std::erase_if(findings, [](const Diagnostic& finding) {
    return finding.code == RowOf(Code::kFailOpenDefault).name;
  });
  findings.push_back(MakeFinding(
      Code::kDryRun, "/mode",
      "nothing is denied on this node: mode is Log, and what would be denied is logged instead"));
}

// Fills in bytes and instructions when nothing is in error. What the rules mean together is judged
// only when each of them could be read: a rule left out for a fault of its own would look like a
// missing one.
Result<void> RenderResolved(const DecodedSpec& spec, Profile plain, Architecture native,
                            Rendered& rendered) {
  std::vector<Diagnostic>& findings = rendered.findings;
  const bool is_complete = !HasError(findings);
  CompleteArchitectures(plain, native, findings);
  ResolveNames(plain, spec.warn_unknown_syscalls, findings);
  if (!is_complete) return {};
  Profile profile = Normalize(std::move(plain), findings);
  DropNotesOnBases(findings);
  if (spec.is_dry_run) profile = DryRun(std::move(profile));
  Lint(profile, findings);
  if (spec.is_dry_run) ReportDryRun(findings);
  if (HasError(findings)) return {};
  Result<std::optional<Filter>> filter = Compile(profile, findings);
  if (!filter.ok()) return filter.error();
  if (!filter->has_value() || HasError(findings)) return {};
  rendered.instructions = (*filter)->instructions;
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
  DecodedSpec spec = DecodeSpec(request.spec);
  Rendered rendered;
  rendered.remove_when_invalid = spec.remove_when_invalid;
  Resolved resolved = Resolve(spec, request, *native);
  rendered.bases = std::move(resolved.bases);
  rendered.findings = spec.findings;
  if (!HasError(spec.findings) && !Selects(spec, request.node)) {
    rendered.is_skipped = true;
    CapFindings(rendered.findings);
    return rendered;
  }
  rendered.needs_bases = resolved.needs_bases;
  if (rendered.needs_bases) return rendered;
  rendered.findings.insert(rendered.findings.end(), resolved.findings.begin(),
                           resolved.findings.end());
  Result<void> result = RenderResolved(spec, std::move(resolved.profile), *native, rendered);
  if (!result.ok()) return result.error();
  CapFindings(rendered.findings);
  return rendered;
}

}  // namespace seccompd::profile
