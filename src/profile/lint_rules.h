// SPDX-License-Identifier: Apache-2.0
#pragma once
// The groups of lints behind Lint(), one file each, and what they share. All take a normalized
// profile: rules sorted by name, none that says what the default says.

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "seccompd/profile/codes.h"
#include "seccompd/profile/lint.h"

namespace seccompd::profile {

inline constexpr std::string_view kSyscallsPointer = "/profile/syscalls";
inline constexpr std::string_view kDefaultPointer = "/profile/defaultAction";

// lint_dangerous.cc: DangerousSyscall, UnfilteredArgument, TerminalIoctl
void LintDangerous(const Profile& profile, const LintOptions& options,
                   std::vector<Diagnostic>& findings);
// lint_clone.cc: UnfilteredClone, Clone3Allowed, Clone3Unmentioned
void LintClone(const Profile& profile, const LintOptions& options,
               std::vector<Diagnostic>& findings);
// Of Normalize: Clone3Added.
void MakeClone3Explicit(Profile& profile, std::vector<Diagnostic>& findings);
// lint_start.cc: CannotStart, MayNotStart, ExecMayFail, ProgramsMayFail
void LintStart(const Profile& profile, const LintOptions& options,
               std::vector<Diagnostic>& findings);
// lint_verdicts.cc: FailOpenDefault, KillThreadDefault, ErrnoZero, FallbackBlocked
void LintVerdicts(const Profile& profile, std::vector<Diagnostic>& findings);
// lint_arguments.cc: TruncatedArgument, PointerArgument
void LintArguments(const Profile& profile, std::vector<Diagnostic>& findings);
// lint_overlaps.cc: OverlappingRules, RulesCoverAll
void LintOverlaps(const Profile& profile, std::vector<Diagnostic>& findings);
// lint_architectures.cc: MultiplexedArguments
void LintMultiplexed(const Profile& profile, std::vector<Diagnostic>& findings);
// Of the architectures as the profile lists them, before the node's own is added:
// CompatArchitecture, UnusedArchitecture, NativeArchitectureAdded.
void LintArchitectures(std::span<const Architecture> listed, Architecture native,
                       std::vector<Diagnostic>& findings);

// The rules of one system call.
std::span<const Rule> RulesOf(const Profile& profile, std::string_view name);
// With some arguments at least.
bool MayRun(const Profile& profile, std::string_view name);
// Of those of `names` that may not run.
std::vector<std::string_view> Denied(const Profile& profile,
                                     std::span<const std::string_view> names);
// "a, b and c": at most `limit` names, then "and 5 more".
std::string ListNames(std::span<const std::string_view> names, std::size_t limit = 8);
// "is" or "are".
std::string_view IsOrAre(std::size_t count);
// ENOSYS has another number on MIPS.
std::uint32_t EnosysOf(const Profile& profile);

void Report(Code code, std::string_view pointer, std::string message,
            std::vector<Diagnostic>& findings);

}  // namespace seccompd::profile
