// SPDX-License-Identifier: Apache-2.0
#pragma once
// One profile text as it holds on one node, before it is merged with others. Internal to the
// resolver.

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "seccompd/profile/decode.h"
#include "seccompd/profile/types.h"

namespace seccompd::profile {

// What conditions are judged by.
struct Facts {
  Architecture native;
  std::set<std::string> capabilities;  // held
  std::optional<KernelVersion> kernel;
};

// What was asked of the facts that they could not tell, and what was found on the way.
struct Gaps {
  std::set<std::string> capabilities;  // all that conditions name, held or not
  std::optional<std::string> kernel_pointer;
  // Conditional rules that a rule without any condition before them contradicts: in every runtime
  // the first one wins, and the defaults of Podman and CRI-O have such.
  std::vector<Rule> overruled;
};

struct Layer {
  std::optional<Action> default_action;
  std::optional<std::uint32_t> default_errno;  // alone: of an inherited action
  std::optional<std::vector<Architecture>> architectures;
  std::vector<Rule> rules;
};

// The rules whose conditions hold; what they repeat of others goes without a word, because
// elsewhere it may not be a repetition. `left_out` gets the others.
Layer MakeLayer(const DecodedProfile& decoded, const Facts& facts, Gaps& gaps,
                std::vector<Rule>* left_out);

// `over` merged onto `layer`. Returns the names whose rules were replaced.
std::set<std::string> Overlay(Layer& layer, Layer over);

}  // namespace seccompd::profile
