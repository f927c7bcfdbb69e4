// SPDX-License-Identifier: Apache-2.0
#pragma once
// What one judgement of a profile depends on, and what comes of it. Pure data, header only: the
// agent and the compiler child share it.

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "seccompd/profile/diagnostic.h"

namespace seccompd::profile {

// What of a node decides a profile's bytes there.
struct NodeContext {
  std::string architecture;  // "SCMP_ARCH_X86_64"
  std::string kernel;  // uname's release, "6.1.0-18-amd64"; empty: conditions on it are errors
  std::map<std::string, std::string> labels;  // the Node's; empty where there is no Node
  std::string runtime = "both";               // "runc", "crun", "both": what must start under it
};

// Another profile of the namespace, which spec.bases names.
struct BaseSpec {
  std::string name;
  std::optional<std::string> spec;  // raw JSON; nothing: there is no such profile
};

struct RenderRequest {
  std::string spec;  // raw JSON of the object's .spec
  NodeContext node;
  std::vector<BaseSpec> bases;   // those that an earlier answer asked for
  std::string ceiling = "none";  // "builtin/<name>-v<N>" or "none"
  // The filter as runc from 1.2 on makes it (a binary tree) is validated too. It doubles the cost,
  // so the agent does it where nobody waits (check_tree.h).
  bool is_thorough = true;
};

// Exactly one holds: there are bytes; a finding is an error; is_skipped; needs_bases.
struct Rendered {
  std::vector<Diagnostic> findings;  // at most kMaxFindings
  std::string bytes;                 // canonical OCI JSON
  std::uint32_t instructions = 0;    // of the exported BPF program
  bool remove_when_invalid = false;  // spec.onInvalid: Remove
  bool is_denied = false;            // the error is that it lets through more than the ceiling
  bool is_skipped = false;           // spec.nodeSelector does not match the node's labels
  bool needs_bases = false;          // ask again with all of `bases` given
  // Names of the namespace's profiles that this one builds on, directly or not, as far as known;
  // sorted. A change of one of them changes the result.
  std::vector<std::string> bases;
  bool uses_labels = false;         // it has a nodeSelector: other labels may give another result
  bool has_unchecked_tree = false;  // beside bytes: what is_thorough would have validated too

  bool operator==(const Rendered&) const = default;
};

}  // namespace seccompd::profile
