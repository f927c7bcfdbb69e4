// SPDX-License-Identifier: Apache-2.0
#pragma once
// A decoded spec and what it builds on -> the plain profile of one node: conditions judged, bases
// merged, nothing left that a runtime would have to interpret. Depends on nothing but its
// arguments. Thread-safe (no state).

#include <string>
#include <vector>

#include "seccompd/profile/decode.h"
#include "seccompd/profile/request.h"
#include "seccompd/profile/types.h"

namespace seccompd::profile {

inline constexpr std::size_t kMaxBaseLevels = 4;

struct Resolved {
  Profile profile;  // architectures as listed; rules of a base point at "/bases/<i>"
  std::vector<Diagnostic> findings;
  std::vector<std::string> bases;  // as Rendered::bases
  bool needs_bases = false;        // as Rendered; the profile is not complete
};

// Precedence, per system call: the profile's own rules replace those of all bases, a later base's
// those of an earlier one - all rules of that name together, and only by rules whose conditions
// hold. defaultAction (with its number) and the architectures go the same way, each as a whole;
// defaultErrnoRet alone changes the number of an inherited action. Of a base nothing else counts:
// not its mode, nodeSelector, capabilities or onInvalid; its conditions are judged with the
// dependant's node and capabilities, its unknown names by its own unknownSyscalls.
// A spec with an error is resolved without its bases, so that its own names can be judged.
Resolved Resolve(const DecodedSpec& spec, const RenderRequest& request, Architecture native);

// All of spec.nodeSelector's labels are the node's.
bool Selects(const DecodedSpec& spec, const NodeContext& node);

// mode: Log. Of a normalized profile, and the result is one: what would be denied is logged and let
// through.
Profile DryRun(Profile profile);

}  // namespace seccompd::profile
