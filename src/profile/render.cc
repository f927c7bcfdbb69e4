// SPDX-License-Identifier: Apache-2.0
#include "seccompd/profile/render.h"

#include <optional>
#include <utility>

#include "seccompd/profile/ceiling.h"
#include "seccompd/profile/codes.h"
#include "seccompd/profile/compile.h"
#include "seccompd/profile/decode.h"
#include "seccompd/profile/encode.h"
#include "seccompd/profile/lint.h"
#include "seccompd/profile/resolve.h"
#include "seccompd/profile/rewrite.h"
#include "seccompd/profile/text.h"

#include "profile/compare_decisions.h"
#include "profile/lint_rules.h"
#include "profile/validate_decisions.h"

namespace seccompd::profile {
namespace {

// What is merely worth knowing about a base is told at the base; here only what is in error.
void DropNotesOnBases(std::vector<Diagnostic>& findings) {
  std::erase_if(findings, [](const Diagnostic& finding) {
    return finding.severity != Severity::kError && finding.pointer.starts_with("/bases/");
  });
}

// That a dry run lets everything through is its purpose: what is said of its default need not be
// told too.
void ReportDryRun(std::vector<Diagnostic>& findings) {
  std::erase_if(findings, [](const Diagnostic& finding) {
    return finding.code == RowOf(Code::kFailOpenDefault).name ||
           (finding.code == RowOf(Code::kDangerousSyscall).name &&
            finding.pointer == kDefaultPointer);
  });
  findings.push_back(MakeFinding(
      Code::kDryRun, "/mode",
      "nothing is denied on this node: mode is Log, and what would be denied is logged instead"));
}

LintOptions OptionsOf(const DecodedSpec& spec, const NodeContext& node) {
  LintOptions options;
  if (node.runtime == "runc") options.runtime = RuntimeChoice::kRunc;
  if (node.runtime == "crun") options.runtime = RuntimeChoice::kCrun;
  if (spec.capabilities.has_value()) options.capabilities = *spec.capabilities;
  return options;
}

struct Question {
  const RenderRequest& request;
  const Ceiling* ceiling;  // a whole one, or none
  ExportFile* file;        // or none
  Architecture native;
};

Result<std::vector<Diagnostic>> JudgeByCeiling(const Question& question, const Compared& profile) {
  const RenderRequest& request = question.request;
  if (question.ceiling != nullptr && question.ceiling->IsOf(request)) {
    return question.ceiling->Judge(profile);
  }
  const Result<Ceiling> made =
      Ceiling::Make(request.ceiling, request.node, profile.profile->architectures);
  if (!made.ok()) return made.error();
  return made->Judge(profile);
}

// Fills in bytes and instructions when nothing is in error. What the rules mean together is judged
// only when each of them could be read: a rule left out for a fault of its own would look like a
// missing one.
Result<void> RenderResolved(const Question& question, const DecodedSpec& spec, Profile plain,
                            Rendered& rendered) {
  const RenderRequest& request = question.request;
  std::vector<Diagnostic>& findings = rendered.findings;
  const bool is_complete = !HasError(findings);
  CompleteArchitectures(plain, question.native, findings);
  ResolveNames(plain, spec.warn_unknown_syscalls, findings);
  if (!is_complete) return {};
  Profile meant = Normalize(std::move(plain), findings);
  DropNotesOnBases(findings);
  if (spec.is_dry_run) meant = DryRun(std::move(meant));
  const std::optional<Profile> rewritten = Rewrite(meant, findings);
  const Profile& profile = rewritten.has_value() ? *rewritten : meant;
  Lint(profile, OptionsOf(spec, request.node), findings);
  if (spec.is_dry_run) ReportDryRun(findings);
  if (HasError(findings)) return {};
  const Trees trees = request.is_thorough ? Trees::kWhereRuncMakesThem : Trees::kNo;
  const Result<std::optional<Filters>> filters = Compile(profile, findings, trees, question.file);
  if (!filters.ok()) return filters.error();
  if (!filters->has_value() || HasError(findings)) return {};
  const std::vector<Decisions> decisions = ValidateDecisions(meant, **filters, findings);
  if (HasError(findings)) return {};
  if (request.ceiling != "none") {
    const Compared compared{&profile, &decisions.front(), IsBigEndian(question.native)};
    const auto above = JudgeByCeiling(question, compared);
    if (!above.ok()) return above.error();
    rendered.is_denied = !above->empty();
    findings.insert(findings.end(), above->begin(), above->end());
    if (rendered.is_denied && spec.is_dry_run) {
      findings.back().message += "; mode: Log lets every call through";
    }
    if (rendered.is_denied) return {};
  }
  rendered.instructions = (*filters)->instructions();
  rendered.bytes = Encode(profile);
  rendered.has_unchecked_tree = !request.is_thorough && HasTree(profile);
  return {};
}

}  // namespace

Result<Rendered> Render(const RenderRequest& request, const Ceiling* ceiling, ExportFile* file) {
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
  rendered.uses_labels = !spec.match_labels.empty();
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
  const Question question{request, ceiling, file, *native};
  Result<void> result = RenderResolved(question, spec, std::move(resolved.profile), rendered);
  if (!result.ok()) return result.error();
  CapFindings(rendered.findings);
  return rendered;
}

}  // namespace seccompd::profile
