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
     "mend the syntax at the position given", R"({"profile": {"defaultAction": ]})"},
    {Code::kInvalidYaml, "InvalidYaml", Severity::kError, "The file is no YAML that can be used",
     "mend the line given", "syscalls: [names: [read]"},
    {Code::kDuplicateKey, "DuplicateKey", Severity::kError, "A key stands twice in one object",
     "keep one; readers differ in which of the two they take",
     R"("defaultAction": "SCMP_ACT_ALLOW", "defaultAction": "SCMP_ACT_ERRNO")"},
    {Code::kUnknownField, "UnknownField", Severity::kError, "No such field",
     "mend the spelling (case counts) or remove it; runtimes would ignore it in silence",
     R"("defaultErrnoret": 38)"},
    {Code::kMissingField, "MissingField", Severity::kError, "A required field is missing", "add it",
     R"({"syscalls": []})"},
    {Code::kWrongType, "WrongType", Severity::kError, "A value of the wrong type",
     "write the type that the message names", R"("names": "read")"},
    {Code::kInvalidValue, "InvalidValue", Severity::kError, "A value outside the known set",
     "use one of those that the message lists", R"("action": "SCMP_ACT_DENY")"},
    {Code::kOutOfRange, "OutOfRange", Severity::kError, "A number outside its range",
     "use a number within the range given", R"("errnoRet": 5000)"},
    {Code::kTooLarge, "TooLarge", Severity::kError, "The profile is over a limit",
     "make it smaller: fewer rules, names or architectures",
     "more than 1024 rules, or 128 with args"},
    {Code::kNotSupported, "NotSupported", Severity::kError,
     "A field that this version of seccompd does not support", "write what the message proposes",
     R"("flags": ["SECCOMP_FILTER_FLAG_LOG"])"},
    {Code::kNotifyRefused, "NotifyRefused", Severity::kError, "SCMP_ACT_NOTIFY is refused",
     "use SCMP_ACT_ERRNO or SCMP_ACT_LOG: a notifying filter would make the runtime, as root, "
     "hand a tenant control over other processes' calls",
     R"("action": "SCMP_ACT_NOTIFY")"},
    {Code::kDuplicateArgIndex, "DuplicateArgIndex", Severity::kError,
     "One argument has two conditions in one rule",
     "write two rules (either holds) or one condition: the runtimes read the conditions as "
     "alternatives, not as a conjunction",
     R"("args": [{"index": 0, "op": "SCMP_CMP_GE", "value": 2}, {"index": 0, "op": "SCMP_CMP_LE", "value": 4}])"},
    {Code::kEmptyProfile, "EmptyProfile", Severity::kError, "The profile is empty",
     "give at least defaultAction: runtimes run a container without any filter for an empty one",
     R"("profile": {})"},
    {Code::kUnknownSyscall, "UnknownSyscall", Severity::kError, "No such system call in Linux",
     "mend the spelling; unknownSyscalls: Warn leaves such names out instead",
     R"("names": ["mkdri"])"},
    {Code::kSyscallNotInLibseccomp, "SyscallNotInLibseccomp", Severity::kWarning,
     "The node's libseccomp does not know this system call",
     "nothing, or update the node: the name is left out, so the default action holds for it",
     R"("names": ["file_setattr"])"},
    {Code::kSyscallNotOnArchitecture, "SyscallNotOnArchitecture", Severity::kInfo,
     "The system call exists on none of the profile's architectures",
     "nothing: the name has no effect on this node", R"("names": ["socketcall"] on x86_64)"},
    {Code::kForeignArchitecture, "ForeignArchitecture", Severity::kError,
     "An architecture that cannot stand beside the node's own",
     "list architectures of the node's byte order only",
     R"("architectures": ["SCMP_ARCH_S390X"] on x86_64)"},
    {Code::kConflictingRules, "ConflictingRules", Severity::kError,
     "Two rules say different things about the same call",
     "keep the one you mean: which one wins depends on the library, not on their order",
     R"({"names": ["mkdir"], "action": "SCMP_ACT_ALLOW"}, {"names": ["mkdir"], "action": "SCMP_ACT_ERRNO"})"},
    {Code::kShadowedRule, "ShadowedRule", Severity::kWarning, "The rule has no effect",
     "remove it: another rule says the same already",
     R"({"names": ["mkdir", "mkdir"], "action": "SCMP_ACT_ALLOW"})"},
    {Code::kDeadRule, "DeadRule", Severity::kWarning,
     "The rule's action is the default action: runtimes skip it", "remove it",
     R"("defaultAction": "SCMP_ACT_ERRNO", "syscalls": [{"names": ["mkdir"], "action": "SCMP_ACT_ERRNO"}])"},
    {Code::kEmptyNames, "EmptyNames", Severity::kWarning, "A rule without names has no effect",
     "name the system calls or remove the rule", R"("names": [])"},
    {Code::kErrnoRetIgnored, "ErrnoRetIgnored", Severity::kWarning,
     "An error number beside an action that has none",
     "remove it: it is left out, because crun refuses such a profile",
     R"("action": "SCMP_ACT_ALLOW", "errnoRet": 1)"},
    {Code::kValueTwoIgnored, "ValueTwoIgnored", Severity::kWarning,
     "valueTwo has no meaning for this operator", "remove it, or use SCMP_CMP_MASKED_EQ",
     R"("op": "SCMP_CMP_EQ", "value": 1, "valueTwo": 2)"},
    {Code::kTraceAction, "TraceAction", Severity::kWarning,
     "SCMP_ACT_TRACE fails with ENOSYS where no tracer is attached",
     "use SCMP_ACT_ERRNO or SCMP_ACT_LOG unless a tracer is always there",
     R"("action": "SCMP_ACT_TRACE")"},
    {Code::kFailOpenDefault, "FailOpenDefault", Severity::kWarning,
     "What the profile does not name is allowed",
     "deny by default (SCMP_ACT_ERRNO) and list what is needed: new system calls stay closed then",
     R"("defaultAction": "SCMP_ACT_ALLOW")"},
    {Code::kCannotStart, "CannotStart", Severity::kError,
     "No container can start under this profile",
     "allow the calls named: the runtime starts the program under the filter",
     "default SCMP_ACT_ERRNO and no rule that allows execve"},
    {Code::kUnsafeComparison, "UnsafeComparison", Severity::kError,
     "Comparisons that libseccomp compiles wrongly or never finishes",
     "use one rule for the system call, or only SCMP_CMP_EQ and SCMP_CMP_MASKED_EQ in its rules",
     R"(one rule of mkdir with {"op": "SCMP_CMP_LE", "value": 2}, one with {"op": "SCMP_CMP_GT", "value": 8589934591})"},
    {Code::kTooManyInstructions, "TooManyInstructions", Severity::kError,
     "The filter is longer than the kernel takes",
     "use fewer architectures or fewer rules with arguments",
     "a list of 400 names for four architectures, and 120 rules with args"},
    {Code::kCompileFailed, "CompileFailed", Severity::kError, "libseccomp refuses the profile",
     "see the message; it names the rule",
     "libseccomp 2.5.4: the rule for mkdir: Invalid argument"},
    {Code::kRewritten, "Rewritten", Severity::kInfo,
     "Comparisons that libseccomp would compile wrongly are written in another way",
     "nothing: the rules in the file match the same calls",
     R"(mkdir: SCMP_ACT_ALLOW if argument 1 <= 2, SCMP_ACT_ALLOW if argument 1 > 8589934591)"},
    {Code::kMistranslated, "Mistranslated", Severity::kError,
     "The compiled filter does not do what the profile says",
     "write the system call's conditions in another way; the message has a call that goes wrong",
     R"(mkdir(a1=0x3) on SCMP_ARCH_X86_64: the profile says ERRNO, the filter ALLOW)"},
    {Code::kTooManyCases, "TooManyCases", Severity::kError,
     "Conditions that make too many cases to check them all",
     "use fewer rules, or fewer arguments and bit masks, for the system call",
     R"(many SCMP_CMP_MASKED_EQ conditions on several arguments of one call)"},
    {Code::kNarrowComparison, "NarrowComparison", Severity::kInfo,
     "Only the lower 32 bits of arguments are compared", "nothing, or leave out SCMP_ARCH_X32",
     R"("architectures": ["SCMP_ARCH_X32"], and a condition)"},
    {Code::kAboveCeiling, "AboveCeiling", Severity::kError,
     "The profile lets through what its ceiling denies",
     "deny the calls named, or ask the operator for a higher ceiling",
     R"(mount is allowed, and the ceiling is builtin/runtime-default-v1)"},
    {Code::kDangerousSyscall, "DangerousSyscall", Severity::kWarning,
     "System calls that containers hardly need and attackers like are allowed",
     "remove them unless the container holds the capability named and needs them; in a cluster the "
     "ceiling denies most of them anyway",
     R"("names": ["mount", "umount2"], "action": "SCMP_ACT_ALLOW")"},
    {Code::kUnfilteredArgument, "UnfilteredArgument", Severity::kWarning,
     "A system call is allowed with arguments that are known to be abused",
     "allow only the values needed, one rule for each",
     R"("names": ["socket"], "action": "SCMP_ACT_ALLOW" (AF_ALG and AF_VSOCK included))"},
    {Code::kTerminalIoctl, "TerminalIoctl", Severity::kInfo,
     "ioctl may put input into a terminal (TIOCSTI, TIOCLINUX)",
     "nothing unless a terminal of the host is handed in: set dev.tty.legacy_tiocsti=0 on the node "
     "(Linux 6.2 and later)",
     R"("names": ["ioctl"], "action": "SCMP_ACT_ALLOW")"},
    {Code::kUnfilteredClone, "UnfilteredClone", Severity::kWarning,
     "clone may make namespaces, user namespaces among them",
     "allow it with args: index 0, op SCMP_CMP_MASKED_EQ, value 0x7E020000, valueTwo 0 (index 1 on "
     "s390)",
     R"("names": ["clone"], "action": "SCMP_ACT_ALLOW")"},
    {Code::kClone3Allowed, "Clone3Allowed", Severity::kWarning,
     "clone3 may make namespaces, and no filter can see its flags",
     "write a rule: clone3, SCMP_ACT_ERRNO, errnoRet 38; the C library then uses clone",
     R"("names": ["clone3"], "action": "SCMP_ACT_ALLOW")"},
    {Code::kClone3Unmentioned, "Clone3Unmentioned", Severity::kWarning,
     "What clone3 does is left to the runtime, and a thread may die of it",
     "write a rule: clone3, SCMP_ACT_ERRNO, errnoRet 38; the C library then uses clone",
     R"("defaultAction": "SCMP_ACT_KILL_PROCESS" and no rule for clone3)"},
    {Code::kClone3Added, "Clone3Added", Severity::kInfo,
     "clone3 is denied with ENOSYS, so that the C library uses clone under every runtime",
     "nothing, or write a rule for clone3 of your own",
     R"("defaultAction": "SCMP_ACT_ERRNO" and no rule for clone3)"},
    {Code::kMayNotStart, "MayNotStart", Severity::kWarning,
     "Some runtimes cannot start a container under this profile",
     "allow the calls named, or build on builtin/runtime-start-v1",
     "default SCMP_ACT_ERRNO and no rule that allows statx and openat2"},
    {Code::kProgramsMayFail, "ProgramsMayFail", Severity::kWarning,
     "Almost every program needs a system call that is denied",
     "allow the calls named, unless the container's program was seen to do without",
     "default SCMP_ACT_ERRNO and no rule that allows mmap"},
    {Code::kFallbackBlocked, "FallbackBlocked", Severity::kWarning,
     "Newer system calls fail with an error at which programs do not fall back on the older ones",
     "write defaultErrnoRet: 38 (ENOSYS), or allow the calls named",
     R"("defaultAction": "SCMP_ACT_ERRNO" without defaultErrnoRet)"},
    {Code::kErrnoZero, "ErrnoZero", Severity::kWarning,
     "A denied system call looks as if it had worked",
     "give another errnoRet (EPERM is 1, ENOSYS is 38) unless the program is to be deceived",
     R"("action": "SCMP_ACT_ERRNO", "errnoRet": 0)"},
    {Code::kKillThreadDefault, "KillThreadDefault", Severity::kWarning,
     "By default only the thread that makes the call dies",
     "use SCMP_ACT_ERRNO or SCMP_ACT_KILL_PROCESS: programs in Go and Java hang without the thread",
     R"("defaultAction": "SCMP_ACT_KILL")"},
    {Code::kTruncatedArgument, "TruncatedArgument", Severity::kWarning,
     "A condition is evaded with bits that the kernel does not look at",
     "use SCMP_CMP_MASKED_EQ with value 0xFFFFFFFF and what is compared with in valueTwo",
     R"({"names": ["ioctl"], "action": "SCMP_ACT_ERRNO", "args": [{"index": 1, "op": "SCMP_CMP_EQ", "value": 21522}]})"},
    {Code::kPointerArgument, "PointerArgument", Severity::kWarning, "A condition on a pointer",
     "remove it: a filter sees the address, not what is there; the address is the program's choice",
     R"("names": ["openat"], "args": [{"index": 1, "op": "SCMP_CMP_EQ", "value": 4096}])"},
    {Code::kOverlappingRules, "OverlappingRules", Severity::kWarning,
     "Two rules with different actions hold for the same arguments",
     "make their conditions exclude each other: libseccomp, not the order in the file, decides "
     "which wins",
     "mkdir: SCMP_ACT_LOG if argument 1 > 5, SCMP_ACT_ALLOW if argument 1 > 7"},
    {Code::kRulesCoverAll, "RulesCoverAll", Severity::kWarning, "The conditions leave nothing out",
     "rules are alternatives: name the values that are allowed, with SCMP_CMP_EQ",
     "socket: SCMP_ACT_ALLOW if argument 0 != 38, SCMP_ACT_ALLOW if argument 0 != 40"},
    {Code::kMultiplexedArguments, "MultiplexedArguments", Severity::kWarning,
     "Conditions on arguments do not hold on an architecture that has the call behind socketcall "
     "or ipc too",
     "leave that architecture out, or judge the call without conditions",
     R"("architectures": ["SCMP_ARCH_X86"], and a condition on socket)"},
    {Code::kCompatArchitecture, "CompatArchitecture", Severity::kWarning,
     "32-bit or x32 programs may run as well",
     "list SCMP_ARCH_X86_64 alone unless the container has such programs: the filter is up to "
     "three times as long, and socketcall passes by conditions",
     R"("architectures": ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86", "SCMP_ARCH_X32"])"},
    {Code::kUnusedArchitecture, "UnusedArchitecture", Severity::kInfo,
     "No program of that architecture runs on this node",
     "nothing, if other nodes of the cluster are of it; it makes the filter longer",
     R"("architectures": ["SCMP_ARCH_X86_64", "SCMP_ARCH_AARCH64"])"},
    {Code::kNativeArchitectureAdded, "NativeArchitectureAdded", Severity::kInfo,
     "The node's own architecture is not listed, and is added", "nothing: runtimes always add it",
     R"("architectures": ["SCMP_ARCH_AARCH64"] on x86_64)"},
    {Code::kMoreFindings, "MoreFindings", Severity::kInfo, "There are more findings",
     "mend those shown, then look again", "12 more findings are not shown"},
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
