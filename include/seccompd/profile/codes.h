// SPDX-License-Identifier: Apache-2.0
#pragma once
// The one table of every finding code: the README's list is checked against it by a test, and a
// finding is made from its row, so that a code without a row cannot be used. Constant data,
// thread-safe.

#include <span>
#include <string>
#include <string_view>

#include "seccompd/profile/diagnostic.h"

namespace seccompd::profile {

enum class Code {
  kInvalidJson,
  kInvalidYaml,
  kDuplicateKey,
  kUnknownField,
  kMissingField,
  kWrongType,
  kInvalidValue,
  kOutOfRange,
  kTooLarge,
  kNotSupported,
  kNotifyRefused,
  kDuplicateArgIndex,
  kEmptyProfile,
  kUnknownSyscall,
  kSyscallNotInLibseccomp,
  kSyscallNotOnArchitecture,
  kForeignArchitecture,
  kConflictingRules,
  kShadowedRule,
  kDeadRule,
  kEmptyNames,
  kErrnoRetIgnored,
  kValueTwoIgnored,
  kTraceAction,
  kFailOpenDefault,
  kCannotStart,
  kUnsafeComparison,
  kTooManyInstructions,
  kCompileFailed,
  kConflictingFields,
  kFlagsLeftOut,
  kCapabilitiesAssumed,
  kKernelUnknown,
  kDryRun,
  kBaseMissing,
  kBaseInvalid,
  kBaseCycle,
  kBaseTooDeep,
  kRewritten,
  kMistranslated,
  kTooManyCases,
  kNarrowComparison,
  kAboveCeiling,
  kDangerousSyscall,
  kUnfilteredArgument,
  kTerminalIoctl,
  kUnfilteredClone,
  kClone3Allowed,
  kClone3Unmentioned,
  kClone3Added,
  kMayNotStart,
  kExecMayFail,
  kProgramsMayFail,
  kFallbackBlocked,
  kErrnoZero,
  kKillThreadDefault,
  kTruncatedArgument,
  kPointerArgument,
  kOverlappingRules,
  kRulesCoverAll,
  kMultiplexedArguments,
  kCompatArchitecture,
  kUnusedArchitecture,
  kNativeArchitectureAdded,
  kReadOtherwise,
  kMoreFindings,
};

struct CodeRow {
  Code code;
  std::string_view name;  // as in Diagnostic::code
  Severity severity;      // as a rule; UnknownSyscall is a warning with unknownSyscalls: Warn
  std::string_view title;
  std::string_view what_to_do;
  std::string_view example;  // a part of a spec that has it, or, where none is short, a message
};

// In the order of the enumeration.
std::span<const CodeRow> CodeTable();
const CodeRow& RowOf(Code code);

// A finding of the code's own severity. `message` must be clean already (see text.h).
Diagnostic MakeFinding(Code code, std::string pointer, std::string message);

// At most this many findings leave the compiler: errors first, then warnings; MoreFindings says how
// many not.
inline constexpr std::size_t kMaxFindings = 64;
void CapFindings(std::vector<Diagnostic>& findings);

}  // namespace seccompd::profile
