// SPDX-License-Identifier: Apache-2.0
#include "profile/bases.h"

#include <algorithm>
#include <utility>

#include "seccompd/profile/builtins.h"
#include "seccompd/profile/resolve.h"
#include "seccompd/profile/syscalls.h"
#include "seccompd/profile/text.h"

namespace seccompd::profile {
namespace {

constexpr std::size_t kMaxCarried = 400;  // of a base's message, within one of the dependant

bool IsBuiltin(std::string_view name) { return name.starts_with(kBuiltinPrefix); }

std::string Cut(std::string text) {
  if (text.size() <= kMaxCarried) return text;
  std::size_t end = kMaxCarried;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0U) == 0x80U) --end;
  return text.substr(0, end) + "...";
}

Bases::Fault Missing(std::string_view name) {
  if (!IsBuiltin(name)) {
    return {Code::kBaseMissing, "the namespace has no profile " + Quote(name) + " to build on"};
  }
  std::vector<std::string_view> names;
  for (const Builtin& builtin : AllBuiltins()) names.push_back(builtin.name);
  return {Code::kBaseMissing,
          "this version of seccompd has no " + Quote(name) + DidYouMean(name, names)};
}

Bases::Fault Carried(std::string_view name, Code code, std::string message) {
  return {code, "the base " + Quote(name) + " is in error: " + Cut(std::move(message))};
}

}  // namespace

const DecodedSpec* Bases::Find(const std::string& name) {
  const auto found = specs_.find(name);
  if (found != specs_.end()) return found->second.has_value() ? &*found->second : nullptr;
  std::optional<DecodedSpec>& spec = specs_[name];
  if (IsBuiltin(name)) {
    const Builtin* builtin = FindBuiltin(name);
    if (builtin != nullptr) spec = DecodeSpec(builtin->spec);
  } else {
    for (const BaseSpec& given : request_.bases) {
      if (given.name == name && given.spec.has_value()) spec = DecodeSpec(*given.spec);
    }
  }
  return spec.has_value() ? &*spec : nullptr;
}

void Bases::Collect(const std::vector<std::string>& direct) {
  std::vector<std::string> level = direct;
  for (std::size_t depth = 1; depth <= kMaxBaseLevels; ++depth) {
    std::vector<std::string> next;
    for (const std::string& name : level) {
      if (name.empty() || IsBuiltin(name) || names_.contains(name)) continue;
      if (names_.size() == kMaxBases) {
        has_too_many_ = true;
        continue;
      }
      names_.insert(name);
      is_waiting_ =
          is_waiting_ || std::none_of(request_.bases.begin(), request_.bases.end(),
                                      [&](const BaseSpec& given) { return given.name == name; });
      const DecodedSpec* spec = Find(name);
      if (spec != nullptr) next.insert(next.end(), spec->bases.begin(), spec->bases.end());
    }
    level = std::move(next);
  }
}

Bases::Fault Bases::Circle(const std::string& name) const {
  std::string circle;
  for (auto open = std::find(open_.begin(), open_.end(), name); open != open_.end(); ++open) {
    circle += *open + " -> ";
  }
  return {Code::kBaseCycle, "profiles build on each other in a circle: " + circle + name};
}

std::optional<Bases::Fault> Bases::FindFault(const std::string& name,
                                             const DecodedSpec* spec) const {
  if (spec == nullptr) {
    // One that was not even asked for lies below the deepest level; `levels` tells.
    const bool is_known = IsBuiltin(name) || names_.contains(name);
    return is_known ? std::optional<Fault>(Missing(name)) : std::nullopt;
  }
  for (const Diagnostic& finding : spec->findings) {
    if (finding.severity != Severity::kError) continue;
    return Carried(name, Code::kBaseInvalid, finding.pointer + ": " + finding.message);
  }
  if (spec->warn_unknown_syscalls) return std::nullopt;
  for (const Rule& rule : spec->profile.rules) {
    if (IsLinuxSyscall(rule.name)) continue;
    return Carried(name, Code::kBaseInvalid,
                   rule.place.Text() + ": Linux has no system call " + Quote(rule.name));
  }
  return std::nullopt;
}

const Bases::Base& Bases::Load(const std::string& name) {
  const auto [at, is_new] = bases_.try_emplace(name);
  Base& base = at->second;
  if (!is_new) return base;
  const DecodedSpec* spec = Find(name);
  base.fault = FindFault(name, spec);
  if (spec == nullptr || base.fault.has_value()) return base;
  base.is_open = true;
  open_.push_back(name);
  Fill(name, *spec, base);
  open_.pop_back();
  base.is_open = false;
  return base;
}

void Bases::Fill(const std::string& name, const DecodedSpec& spec, Base& base) {
  for (const std::string& lower_name : spec.bases) {
    const Base& lower = Load(lower_name);
    if (lower.is_open) {
      base.fault = Circle(lower_name);
      return;
    }
    if (lower.fault.has_value()) {
      base.fault = Carried(name, lower.fault->code, lower.fault->message);
      return;
    }
    base.levels = std::max(base.levels, lower.levels + 1);
    Overlay(base.layer, lower.layer);
    base.gaps.capabilities.insert(lower.gaps.capabilities.begin(), lower.gaps.capabilities.end());
    if (!base.gaps.kernel_pointer.has_value()) {
      base.gaps.kernel_pointer = lower.gaps.kernel_pointer;
    }
  }
  Layer own = MakeLayer(spec, facts_, base.gaps, nullptr);
  std::erase_if(own.rules, [](const Rule& rule) { return !IsLinuxSyscall(rule.name); });
  Overlay(base.layer, own);
}

}  // namespace seccompd::profile
