// SPDX-License-Identifier: Apache-2.0
#pragma once
// The strict decoder of a TenantSeccompProfile's .spec: spec.profile (an OCI LinuxSeccomp object or
// a Docker profile file's content) and the fields beside it. Finds all that is wrong, not just the
// first. Judges form only: whether a name is a syscall's is for compile.h, what the rules mean
// together for lint.h. Thread-safe.

#include <string_view>
#include <vector>

#include "seccompd/profile/diagnostic.h"
#include "seccompd/profile/json.h"
#include "seccompd/profile/types.h"

namespace seccompd::profile {

struct DecodedSpec {
  Profile profile;                     // complete only when no finding is an error
  bool warn_unknown_syscalls = false;  // unknownSyscalls: Warn
  bool remove_when_invalid = false;    // onInvalid: Remove; told even when the rest is in error
  std::vector<Diagnostic> findings;
};

// `spec`: raw JSON text, any bytes, any length.
DecodedSpec DecodeSpec(std::string_view spec);

// The part below /profile alone; `pointer` says where it stands. Canonical text, one name per
// element, has more elements than a person may write.
Profile DecodeProfile(const JsonValue& value, std::string_view pointer,
                      std::vector<Diagnostic>& findings,
                      std::size_t max_elements = kMaxSyscallElements);

}  // namespace seccompd::profile
