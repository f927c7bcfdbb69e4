// SPDX-License-Identifier: Apache-2.0
#pragma once
// The strict decoder of a TenantSeccompProfile's .spec: spec.profile (an OCI LinuxSeccomp object or
// a Docker profile file's content) and the fields beside it. Finds all that is wrong, not just the
// first. Judges form only: what holds on a node is for resolve.h, whether a name is a syscall's for
// compile.h, what the rules mean together for lint.h. Thread-safe.

#include <compare>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "seccompd/profile/diagnostic.h"
#include "seccompd/profile/json.h"
#include "seccompd/profile/types.h"

namespace seccompd::profile {

struct KernelVersion {
  std::uint32_t major = 0;
  std::uint32_t minor = 0;

  auto operator<=>(const KernelVersion&) const = default;  // NOLINT(modernize-use-nullptr)
};

// The leading "6.1" of a uname's release; nothing where it does not begin so.
std::optional<KernelVersion> KernelOfRelease(std::string_view release);

// Docker's `includes` or `excludes`; what is absent is empty.
struct Condition {
  std::vector<std::string> arches;  // libseccomp's own names: "amd64"
  std::vector<std::string> caps;    // "CAP_SYS_ADMIN"
  std::optional<KernelVersion> min_kernel;

  bool IsEmpty() const { return arches.empty() && caps.empty() && !min_kernel.has_value(); }
};

// The conditions of one element of syscalls[], which became `count` of the profile's rules.
struct RuleCondition {
  std::size_t first = 0;
  std::size_t count = 0;
  std::string pointer;  // "/profile/syscalls/3"
  Condition includes;
  Condition excludes;
};

struct ArchMapEntry {
  std::optional<Architecture> architecture;  // none: one of OCI's that no node of ours has
  std::vector<Architecture> sub_architectures;
};

// What is written below /profile.
struct DecodedProfile {
  Profile profile;  // every rule, whatever its condition; complete only when nothing is in error
  bool has_default_action = false;
  bool has_default_errno = false;         // without has_default_action: of a base's action
  std::vector<RuleCondition> conditions;  // in the order of the rules; unconditional ones have none
  std::optional<std::vector<ArchMapEntry>> arch_map;  // instead of architectures
};

// A whole .spec: its profile and what stands beside it.
struct DecodedSpec : DecodedProfile {
  // "builtin/<name>-v<N>" or a name of the namespace; empty where one is in error.
  std::vector<std::string> bases;
  bool is_dry_run = false;  // mode: Log
  std::optional<std::vector<std::string>> capabilities;
  std::map<std::string, std::string> match_labels;  // of nodeSelector
  bool warn_unknown_syscalls = false;               // unknownSyscalls: Warn
  bool remove_when_invalid = false;  // onInvalid: Remove; told even when the rest is in error
  std::vector<Diagnostic> findings;
};

// Profiles of the namespace that one builds on, directly or not; also the most that `bases` lists.
inline constexpr std::size_t kMaxBases = 16;
inline constexpr std::size_t kMaxNodeLabels = 64;

// `spec`: raw JSON text, any bytes, any length.
DecodedSpec DecodeSpec(std::string_view spec);

// The part below /profile alone; `pointer` says where it stands. Whether it must have a default
// action is the caller's to say. Canonical text, one name per element, has more elements than a
// person may write.
DecodedProfile DecodeProfile(const JsonValue& value, std::string_view pointer,
                             std::vector<Diagnostic>& findings,
                             std::size_t max_elements = kMaxSyscallElements);

}  // namespace seccompd::profile
