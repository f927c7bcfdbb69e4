// SPDX-License-Identifier: Apache-2.0
#include "seccompd/profile/codes.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <utility>

namespace seccompd::profile {
namespace {

constexpr auto kCodes = std::to_array<CodeRow>({
    {Code::kInvalidJson, "InvalidJson", Severity::kError, "The text is no JSON",
     "mend the syntax at the position given"},
    {Code::kInvalidYaml, "InvalidYaml", Severity::kError, "The file is no YAML that can be used",
     "mend the line given"},
    {Code::kDuplicateKey, "DuplicateKey", Severity::kError, "A key stands twice in one object",
     "keep one; readers differ in which of the two they take"},
    {Code::kUnknownField, "UnknownField", Severity::kError, "No such field",
     "mend the spelling (case counts) or remove it; runtimes would ignore it in silence"},
    {Code::kMissingField, "MissingField", Severity::kError, "A required field is missing",
     "add it"},
    {Code::kWrongType, "WrongType", Severity::kError, "A value of the wrong type",
     "write the type that the message names"},
    {Code::kInvalidValue, "InvalidValue", Severity::kError, "A value outside the known set",
     "use one of those that the message lists"},
    {Code::kOutOfRange, "OutOfRange", Severity::kError, "A number outside its range",
     "use a number within the range given"},
    {Code::kTooLarge, "TooLarge", Severity::kError, "The profile is over a limit",
     "make it smaller: fewer rules, names or architectures"},
    {Code::kNotSupported, "NotSupported", Severity::kError,
     "A field that this version of seccompd does not support", "write what the message proposes"},
    {Code::kNotifyRefused, "NotifyRefused", Severity::kError, "SCMP_ACT_NOTIFY is refused",
     "use SCMP_ACT_ERRNO or SCMP_ACT_LOG: a notifying filter would make the runtime, as root, "
     "hand a tenant control over other processes' calls"},
    {Code::kDuplicateArgIndex, "DuplicateArgIndex", Severity::kError,
     "One argument has two conditions in one rule",
     "write two rules (either holds) or one condition: the runtimes read the conditions as "
     "alternatives, not as a conjunction"},
    {Code::kEmptyProfile, "EmptyProfile", Severity::kError, "The profile is empty",
     "give at least defaultAction: runtimes run a container without any filter for an empty one"},
    {Code::kUnknownSyscall, "UnknownSyscall", Severity::kError, "No such system call in Linux",
     "mend the spelling; unknownSyscalls: Warn leaves such names out instead"},
    {Code::kSyscallNotInLibseccomp, "SyscallNotInLibseccomp", Severity::kWarning,
     "The node's libseccomp does not know this system call",
     "nothing, or update the node: the name is left out, so the default action holds for it"},
    {Code::kSyscallNotOnArchitecture, "SyscallNotOnArchitecture", Severity::kInfo,
     "The system call exists on none of the profile's architectures",
     "nothing: the name has no effect on this node"},
    {Code::kForeignArchitecture, "ForeignArchitecture", Severity::kError,
     "An architecture that cannot stand beside the node's own",
     "list architectures of the node's byte order only"},
    {Code::kConflictingRules, "ConflictingRules", Severity::kError,
     "Two rules say different things about the same call",
     "keep the one you mean: which one wins depends on the library, not on their order"},
    {Code::kShadowedRule, "ShadowedRule", Severity::kWarning, "The rule has no effect",
     "remove it: another rule says the same already"},
    {Code::kDeadRule, "DeadRule", Severity::kWarning,
     "The rule's action is the default action: runtimes skip it", "remove it"},
    {Code::kEmptyNames, "EmptyNames", Severity::kWarning, "A rule without names has no effect",
     "name the system calls or remove the rule"},
    {Code::kErrnoRetIgnored, "ErrnoRetIgnored", Severity::kWarning,
     "An error number beside an action that has none",
     "remove it: it is left out, because crun refuses such a profile"},
    {Code::kValueTwoIgnored, "ValueTwoIgnored", Severity::kWarning,
     "valueTwo has no meaning for this operator", "remove it, or use SCMP_CMP_MASKED_EQ"},
    {Code::kTraceAction, "TraceAction", Severity::kWarning,
     "SCMP_ACT_TRACE fails with ENOSYS where no tracer is attached",
     "use SCMP_ACT_ERRNO or SCMP_ACT_LOG unless a tracer is always there"},
    {Code::kFailOpenDefault, "FailOpenDefault", Severity::kWarning,
     "What the profile does not name is allowed",
     "deny by default (SCMP_ACT_ERRNO) and list what is needed: new system calls stay closed then"},
    {Code::kCannotStart, "CannotStart", Severity::kError,
     "No container can start under this profile",
     "allow the calls named: the runtime starts the program under the filter"},
    {Code::kUnsafeComparison, "UnsafeComparison", Severity::kError,
     "Comparisons that libseccomp compiles wrongly or never finishes",
     "use one rule for the system call, or only SCMP_CMP_EQ and SCMP_CMP_MASKED_EQ in its rules"},
    {Code::kTooManyInstructions, "TooManyInstructions", Severity::kError,
     "The filter is longer than the kernel takes",
     "use fewer architectures or fewer rules with arguments"},
    {Code::kCompileFailed, "CompileFailed", Severity::kError, "libseccomp refuses the profile",
     "see the message; it names the rule"},
    {Code::kConflictingFields, "ConflictingFields", Severity::kError,
     "Two fields that say the same thing differently", "keep the one that the message proposes"},
    {Code::kFlagsLeftOut, "FlagsLeftOut", Severity::kInfo, "A flag of the filter is left out",
     "nothing, or remove the flag: no verdict depends on it, and runc before 1.2 refuses every "
     "flag"},
    {Code::kCapabilitiesAssumed, "CapabilitiesAssumed", Severity::kWarning,
     "Conditions on capabilities, and the spec does not say which ones the containers hold",
     "list them in spec.capabilities; without that none counts as held"},
    {Code::kKernelUnknown, "KernelUnknown", Severity::kError,
     "A condition on the kernel's version, which is not known here",
     "give the kernel's version, or write the rule without minKernel"},
    {Code::kDryRun, "DryRun", Severity::kInfo, "The profile denies nothing: mode is Log",
     "set mode to Enforce once the kernel's log shows no call that the programs need"},
    {Code::kBaseMissing, "BaseMissing", Severity::kError, "There is no base of that name",
     "mend the name, or create that profile in the same namespace"},
    {Code::kBaseInvalid, "BaseInvalid", Severity::kError, "A base is in error itself",
     "mend the base; the message carries its first error"},
    {Code::kBaseCycle, "BaseCycle", Severity::kError, "Profiles build on each other in a circle",
     "remove one of the bases named"},
    {Code::kBaseTooDeep, "BaseTooDeep", Severity::kError, "More than four levels of bases",
     "build on what the lower ones build on directly"},
    {Code::kMoreFindings, "MoreFindings", Severity::kInfo, "There are more findings",
     "mend those shown, then look again"},
});

}  // namespace

std::span<const CodeRow> CodeTable() { return kCodes; }

const CodeRow& RowOf(Code code) {
  for (const CodeRow& row : kCodes) {
    if (row.code == code) return row;
  }
  std::abort();
}

Diagnostic MakeFinding(Code code, std::string pointer, std::string message) {
  const CodeRow& row = RowOf(code);
  return Diagnostic{row.severity, std::string(row.name), std::move(pointer), std::move(message)};
}

void CapFindings(std::vector<Diagnostic>& findings) {
  if (findings.size() <= kMaxFindings) return;
  std::stable_sort(findings.begin(), findings.end(), [](const Diagnostic& a, const Diagnostic& b) {
    return a.severity > b.severity;
  });
  const std::size_t left_out = findings.size() - (kMaxFindings - 1);
  findings.resize(kMaxFindings - 1);
  findings.push_back(MakeFinding(Code::kMoreFindings, "",
                                 std::to_string(left_out) + " more findings are not shown"));
}

}  // namespace seccompd::profile
