// SPDX-License-Identifier: Apache-2.0
#include "profile/layer.h"

#include <algorithm>
#include <utility>

#include "profile/native_names.h"

namespace seccompd::profile {
namespace {

class Judge {
 public:
  Judge(const Facts& facts, Gaps& gaps) : facts_(facts), gaps_(gaps) {}

  // As moby's setupSeccomp: includes must hold in all its parts; one part of excludes suffices.
  // arches: one of them is the node's own (a sub-architecture does not count). caps: includes wants
  // all of them held, excludes any.
  bool Holds(const RuleCondition& condition) {
    const Condition& includes = condition.includes;
    const Condition& excludes = condition.excludes;
    Note(condition);
    if (!includes.arches.empty() && !IsOnArch(includes)) return false;
    const auto is_held = [this](const std::string& name) { return IsHeld(name); };
    if (!std::all_of(includes.caps.begin(), includes.caps.end(), is_held)) return false;
    if (includes.min_kernel.has_value() && facts_.kernel < includes.min_kernel) return false;
    if (IsOnArch(excludes)) return false;
    if (std::any_of(excludes.caps.begin(), excludes.caps.end(), is_held)) return false;
    return !excludes.min_kernel.has_value() || facts_.kernel < excludes.min_kernel;
  }

 private:
  void Note(const RuleCondition& condition) {
    for (const Condition* part : {&condition.includes, &condition.excludes}) {
      gaps_.capabilities.insert(part->caps.begin(), part->caps.end());
      if (part->min_kernel.has_value() && !facts_.kernel.has_value() &&
          !gaps_.kernel_pointer.has_value()) {
        gaps_.kernel_pointer = condition.pointer;
      }
    }
  }

  bool IsOnArch(const Condition& condition) const {
    return std::any_of(condition.arches.begin(), condition.arches.end(),
                       [&](const std::string& name) { return IsNameOf(name, facts_.native); });
  }

  bool IsHeld(const std::string& name) const { return facts_.capabilities.contains(name); }

  const Facts& facts_;
  Gaps& gaps_;
};

struct Kept {
  Rule rule;
  bool is_conditional;
};

// `first` makes `second` needless: it says the same of every call that `second` is about.
bool MakesNeedless(const Rule& first, const Rule& second) {
  return first.SameVerdict(second) && (first.args.empty() || first.args == second.args);
}

// The rule at `at` contradicts a plain one for all calls of that name before it.
bool IsOverruled(const std::vector<Kept>& kept, std::size_t at) {
  if (!kept[at].is_conditional) return false;
  for (std::size_t i = at; i > 0 && kept[i - 1].rule.name == kept[at].rule.name; --i) {
    const Kept& before = kept[i - 1];
    if (!before.is_conditional && before.rule.args.empty() &&
        !before.rule.SameVerdict(kept[at].rule)) {
      return true;
    }
  }
  return false;
}

// Of every two rules of which at least one is conditional, the needless one. Between two plain
// rules it is a fault, which Normalize tells.
std::vector<Rule> WithoutNeedless(std::vector<Kept> kept, Gaps& gaps) {
  std::vector<Rule> rules;
  if (std::none_of(kept.begin(), kept.end(), [](const Kept& k) { return k.is_conditional; })) {
    rules.reserve(kept.size());
    for (Kept& plain : kept) rules.push_back(std::move(plain.rule));
    return rules;
  }
  std::stable_sort(kept.begin(), kept.end(),
                   [](const Kept& a, const Kept& b) { return a.rule.name < b.rule.name; });
  for (std::size_t i = 0; i < kept.size(); ++i) {
    const auto is_needless_beside = [&](std::size_t other) {
      if (other == i || (!kept[other].is_conditional && !kept[i].is_conditional)) return false;
      if (!MakesNeedless(kept[other].rule, kept[i].rule)) return false;
      // Of two that say exactly the same, the first stays.
      return other < i || !MakesNeedless(kept[i].rule, kept[other].rule);
    };
    bool is_needless = false;
    for (std::size_t o = i; o > 0 && kept[o - 1].rule.name == kept[i].rule.name; --o) {
      is_needless = is_needless || is_needless_beside(o - 1);
    }
    for (std::size_t o = i + 1; o < kept.size() && kept[o].rule.name == kept[i].rule.name; ++o) {
      is_needless = is_needless || is_needless_beside(o);
    }
    if (is_needless) continue;
    (IsOverruled(kept, i) ? gaps.overruled : rules).push_back(kept[i].rule);
  }
  return rules;
}

// archMap: the first entry of the node's architecture, or that one alone.
std::optional<std::vector<Architecture>> ArchitecturesOf(const DecodedProfile& decoded,
                                                         Architecture native) {
  if (!decoded.arch_map.has_value()) {
    if (decoded.profile.architectures.empty()) return std::nullopt;
    return decoded.profile.architectures;
  }
  std::vector<Architecture> architectures = {native};
  for (const ArchMapEntry& entry : *decoded.arch_map) {
    if (entry.architecture != native) continue;
    architectures.insert(architectures.end(), entry.sub_architectures.begin(),
                         entry.sub_architectures.end());
    break;
  }
  return architectures;
}

}  // namespace

Layer MakeLayer(const DecodedProfile& decoded, const Facts& facts, Gaps& gaps,
                std::vector<Rule>* left_out) {
  Layer layer;
  if (decoded.has_default_action) layer.default_action = decoded.profile.default_action;
  if (decoded.has_default_action || decoded.has_default_errno) {
    layer.default_errno = decoded.profile.default_errno;
  }
  layer.architectures = ArchitecturesOf(decoded, facts.native);
  Judge judge(facts, gaps);
  std::vector<Kept> kept;
  kept.reserve(decoded.profile.rules.size());
  auto condition = decoded.conditions.begin();
  bool holds = true;
  for (std::size_t i = 0; i < decoded.profile.rules.size(); ++i) {
    const Rule& rule = decoded.profile.rules[i];
    while (condition != decoded.conditions.end() && i >= condition->first + condition->count) {
      ++condition;
    }
    const bool is_conditional = condition != decoded.conditions.end() && i >= condition->first;
    if (is_conditional && i == condition->first) holds = judge.Holds(*condition);
    if (!is_conditional || holds) {
      kept.push_back({rule, is_conditional});
    } else if (left_out != nullptr) {
      left_out->push_back(rule);
    }
  }
  layer.rules = WithoutNeedless(std::move(kept), gaps);
  return layer;
}

std::set<std::string> Overlay(Layer& layer, Layer over) {
  std::set<std::string> replaced;
  if (layer.rules.empty()) {  // the profile builds on nothing, as most do
    layer.rules = std::move(over.rules);
  } else {
    std::set<std::string> names;
    for (const Rule& rule : over.rules) names.insert(rule.name);
    std::erase_if(layer.rules, [&](const Rule& rule) {
      if (!names.contains(rule.name)) return false;
      replaced.insert(rule.name);
      return true;
    });
    layer.rules.insert(layer.rules.end(), over.rules.begin(), over.rules.end());
  }
  if (over.default_action.has_value()) layer.default_action = over.default_action;
  if (over.default_errno.has_value()) layer.default_errno = over.default_errno;
  if (over.architectures.has_value()) layer.architectures = over.architectures;
  return replaced;
}

}  // namespace seccompd::profile
