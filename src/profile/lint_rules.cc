// SPDX-License-Identifier: Apache-2.0
#include "profile/lint_rules.h"

#include <algorithm>
#include <utility>

namespace seccompd::profile {
namespace {

struct ByName {
  bool operator()(const Rule& rule, std::string_view name) const { return rule.name < name; }
  bool operator()(std::string_view name, const Rule& rule) const { return name < rule.name; }
};

bool IsMips(Architecture architecture) {
  return ArchitectureName(architecture).starts_with("SCMP_ARCH_MIPS");
}

}  // namespace

std::span<const Rule> RulesOf(const Profile& profile, std::string_view name) {
  const auto [begin, end] =
      std::equal_range(profile.rules.begin(), profile.rules.end(), name, ByName());
  return {begin, end};
}

bool MayRun(const Profile& profile, std::string_view name) {
  bool may = LetsThrough(profile.default_action);
  for (const Rule& rule : RulesOf(profile, name)) {
    if (rule.args.empty()) return LetsThrough(rule.action);
    may = may || LetsThrough(rule.action);
  }
  return may;
}

std::vector<std::string_view> Denied(const Profile& profile,
                                     std::span<const std::string_view> names) {
  std::vector<std::string_view> denied;
  std::copy_if(names.begin(), names.end(), std::back_inserter(denied),
               [&](std::string_view name) { return !MayRun(profile, name); });
  return denied;
}

std::string ListNames(std::span<const std::string_view> names, std::size_t limit) {
  std::string text;
  const std::size_t shown = names.size() <= limit ? names.size() : limit - 1;
  for (std::size_t i = 0; i < shown; ++i) {
    const bool is_last = i + 1 == names.size();
    text += i == 0 ? "" : (is_last ? " and " : ", ");
    text += names[i];
  }
  if (shown < names.size()) text += " and " + std::to_string(names.size() - shown) + " more";
  return text;
}

std::string_view IsOrAre(std::size_t count) { return count == 1 ? "is" : "are"; }

std::uint32_t EnosysOf(const Profile& profile) {
  constexpr std::uint32_t kEnosys = 38;
  constexpr std::uint32_t kEnosysOfMips = 89;
  return std::any_of(profile.architectures.begin(), profile.architectures.end(), IsMips)
             ? kEnosysOfMips
             : kEnosys;
}

void Report(Code code, std::string_view pointer, std::string message,
            std::vector<Diagnostic>& findings) {
  findings.push_back(MakeFinding(code, std::string(pointer), std::move(message)));
}

}  // namespace seccompd::profile
