// SPDX-License-Identifier: Apache-2.0
#include "seccompd/profile/ceiling.h"

#include <algorithm>
#include <utility>

#include "seccompd/profile/builtins.h"
#include "seccompd/profile/capabilities.h"
#include "seccompd/profile/compile.h"
#include "seccompd/profile/decode.h"
#include "seccompd/profile/lint.h"
#include "seccompd/profile/resolve.h"
#include "seccompd/profile/text.h"

#include "profile/compare_decisions.h"

namespace seccompd::profile {
namespace {

Error Unusable(const std::string& name) {
  return Error{ErrorCode::kDenied, "the ceiling " + Quote(name) + " cannot be used on this node"};
}

// No value: something in it is in error on this node.
std::optional<Profile> PlainCeiling(const Builtin& builtin, const NodeContext& node,
                                    Architecture native, std::span<const Architecture> listed) {
  DecodedSpec spec = DecodeSpec(builtin.spec);
  const auto held = RuntimeCapabilities();
  spec.capabilities.emplace(held.begin(), held.end());
  RenderRequest request;
  request.node = node;
  Resolved resolved = Resolve(spec, request, native);
  std::vector<Diagnostic> findings = std::move(resolved.findings);
  CompleteArchitectures(resolved.profile, native, findings);
  std::erase_if(resolved.profile.architectures, [&](Architecture a) {
    return !listed.empty() && std::find(listed.begin(), listed.end(), a) == listed.end();
  });
  ResolveNames(resolved.profile, true, findings);
  Profile profile = Normalize(std::move(resolved.profile), findings);
  if (HasError(spec.findings) || HasError(findings)) return std::nullopt;
  return profile;
}

}  // namespace

struct Ceiling::Parts {
  std::string name, architecture, kernel;  // what it was made for
  Profile profile;
  Decisions decisions;
  bool is_big_endian = false;
};

Ceiling::Ceiling(std::unique_ptr<const Parts> parts) : parts_(std::move(parts)) {}
Ceiling::~Ceiling() = default;
Ceiling::Ceiling(Ceiling&& other) noexcept = default;
Ceiling& Ceiling::operator=(Ceiling&& other) noexcept = default;

Result<Ceiling> Ceiling::Make(const std::string& name, const NodeContext& node,
                              std::span<const Architecture> listed) {
  const Builtin* const builtin = FindBuiltin(name);
  if (builtin == nullptr) {
    return Error{ErrorCode::kDenied, "there is no ceiling " + Quote(name) +
                                         "; give --ceiling one that seccompd ships, or none"};
  }
  const std::optional<Architecture> native = FindArchitecture(node.architecture);
  if (!native.has_value()) return Unusable(name);
  std::optional<Profile> profile = PlainCeiling(*builtin, node, *native, listed);
  if (!profile.has_value()) return Unusable(name);
  std::vector<Diagnostic> findings;
  const Result<std::optional<Filters>> filters = Compile(*profile, findings, Trees::kNo);
  if (!filters.ok()) return filters.error();
  if (!filters->has_value()) return Unusable(name);
  const Filter& filter = (*filters)->by_priority;
  const Result<Program> program = Program::Decode(filter.program, filter.is_big_endian);
  if (!program.ok()) return Unusable(name);
  Result<Decisions> decisions = Decisions::Of(*program);
  if (!decisions.ok()) return Unusable(name);
  return Ceiling(
      std::make_unique<const Parts>(Parts{name, node.architecture, node.kernel, *std::move(profile),
                                          *std::move(decisions), filter.is_big_endian}));
}

bool Ceiling::IsOf(const RenderRequest& request) const {
  return parts_->name == request.ceiling && parts_->architecture == request.node.architecture &&
         parts_->kernel == request.node.kernel;
}

std::vector<Diagnostic> Ceiling::Judge(const Compared& profile) const {
  return CheckCeiling(profile, {&parts_->profile, &parts_->decisions, parts_->is_big_endian});
}

}  // namespace seccompd::profile
