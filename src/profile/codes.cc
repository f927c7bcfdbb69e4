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
    {Code::kRewritten, "Rewritten", Severity::kInfo,
     "Comparisons that libseccomp would compile wrongly are written in another way",
     "nothing: the rules in the file match the same calls"},
    {Code::kMistranslated, "Mistranslated", Severity::kError,
     "The compiled filter does not do what the profile says",
     "write the system call's conditions in another way; the message has a call that goes wrong"},
    {Code::kTooManyCases, "TooManyCases", Severity::kError,
     "Conditions that make too many cases to check them all",
     "use fewer rules, or fewer arguments and bit masks, for the system call"},
    {Code::kVoidArgFilter, "VoidArgFilter", Severity::kWarning,
     "Conditions on arguments that do not hold for the multiplexed form of the call",
     "leave out the 32-bit architecture, or do not rely on these conditions there"},
    {Code::kNarrowComparison, "NarrowComparison", Severity::kInfo,
     "Only the lower 32 bits of arguments are compared", "nothing, or leave out SCMP_ARCH_X32"},
    {Code::kAboveCeiling, "AboveCeiling", Severity::kError,
     "The profile lets through what its ceiling denies",
     "deny the calls named, or ask the operator for a higher ceiling"},
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
