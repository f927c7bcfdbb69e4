// SPDX-License-Identifier: Apache-2.0
#pragma once
// What the rules of a decoded profile mean together: rules without effect, contradictions,
// comparisons that libseccomp is known to get wrong, profiles under which nothing starts, and what
// is dangerous, evaded or surprising. Pure: no libseccomp, so that what would make it spin never
// reaches it. Thread-safe (no state).

#include <optional>
#include <string>
#include <vector>

#include "seccompd/profile/diagnostic.h"
#include "seccompd/profile/types.h"

namespace seccompd::profile {

enum class RuntimeChoice { kBoth, kRunc, kCrun };

// What is known of the containers that will use the profile. The defaults know nothing.
struct LintOptions {
  RuntimeChoice runtime = RuntimeChoice::kBoth;
  // allowPrivilegeEscalation: false. The runtimes then load the filter last, and need less.
  std::optional<bool> no_new_privs;
  std::vector<std::string> capabilities;  // "CAP_SYS_ADMIN": held, so what needs them is meant
};

// The same meaning without dead, repeated and absorbed rules, sorted by ComesBefore, so that the
// order in which the rules were written is gone. Where two rules contradict each other:
// ConflictingRules, an error. Where clone3 would get an error other than ENOSYS by default, a rule
// for it is added (Clone3Added): denied it stays, but the same under every runtime.
Profile Normalize(Profile profile, std::vector<Diagnostic>& findings);

// Of a normalized profile, architectures complete. One finding for each class of fault, naming the
// calls, at the first rule concerned.
void Lint(const Profile& profile, const LintOptions& options, std::vector<Diagnostic>& findings);
void Lint(const Profile& profile, std::vector<Diagnostic>& findings);

}  // namespace seccompd::profile
