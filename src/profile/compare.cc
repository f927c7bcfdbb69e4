// SPDX-License-Identifier: Apache-2.0
#include "seccompd/profile/compare.h"

#include <algorithm>
#include <span>
#include <string_view>
#include <tuple>
#include <utility>

#include "seccompd/profile/codes.h"
#include "seccompd/profile/meaning.h"
#include "seccompd/profile/validate.h"

#include "profile/case_walk.h"
#include "profile/decision.h"
#include "profile/example.h"

namespace seccompd::profile {
namespace {

constexpr std::size_t kMaxNamesShown = 8;
constexpr std::uint32_t kX32Bit = 0x40000000;
constexpr std::string_view kAnyOther = "any other system call";

Change ChangeOf(const Verdict& a, const Verdict& b) {
  const int strictness_a = Strictness(a.action);
  const int strictness_b = Strictness(b.action);
  if (strictness_a == strictness_b) return Change::kDifferent;
  return strictness_b < strictness_a ? Change::kLooser : Change::kTighter;
}

Result<Decisions> DecisionsOf(const Filter& filter) {
  const Result<Program> program = Program::Decode(filter.program, filter.is_big_endian);
  if (!program.ok()) return program.error();
  return Decisions::Of(*program);
}

class Comparison {
 public:
  Comparison(const CompiledProfile& a, const CompiledProfile& b, const Decisions& filter_a,
             const Decisions& filter_b)
      : a_(a), b_(b), filters_{&filter_a, &filter_b} {}

  Result<std::vector<Difference>> Run() {
    std::array<std::vector<Predicate>, kWords> asked;
    for (const Decisions* filter : filters_) filter->Collect(filter->entry(), Words(), asked);
    const auto classes = Classes(asked.at(kArchitectureWord), kMaxCases);
    if (!classes.has_value()) return TooMany("the architectures");
    for (const Representative& architecture : *classes) {
      Result<void> result = CompareArchitecture(architecture.value);
      if (!result.ok()) return result.error();
    }
    std::stable_sort(found_.begin(), found_.end(), [](const Difference& x, const Difference& y) {
      return std::tie(x.architecture, x.is_any_other, x.syscall, x.number) <
             std::tie(y.architecture, y.is_any_other, y.syscall, y.number);
    });
    return std::move(found_);
  }

 private:
  static Error TooMany(const std::string& what) {
    return Error{ErrorCode::kInvalid,
                 what + " make more than " + std::to_string(kMaxCases) + " cases"};
  }

  bool Lists(Architecture architecture) const {
    const auto in = [&](const Profile& profile) {
      return std::find(profile.architectures.begin(), profile.architectures.end(), architecture) !=
             profile.architectures.end();
    };
    return in(a_.profile) || in(b_.profile);
  }

  std::optional<Architecture> ArchitectureOf(std::uint32_t audit, std::uint32_t number) const {
    std::optional<Architecture> found;
    for (const ArchitectureRow& row : ArchitectureTable()) {
      if (AuditArchitecture(row.value) != audit || !Lists(row.value)) continue;
      const bool fits = (row.value == Architecture::kX32) == (number >= kX32Bit);
      if (!found.has_value() || fits) found = row.value;
    }
    return found;
  }

  Result<void> CompareArchitecture(std::uint32_t audit) {
    Words words;
    words.Set(kArchitectureWord, audit);
    std::array<std::vector<Predicate>, kWords> asked;
    std::array<std::uint16_t, 2> starts{};
    for (std::size_t i = 0; i < filters_.size(); ++i) {
      starts.at(i) = filters_.at(i)->Advance(filters_.at(i)->entry(), words);
      filters_.at(i)->Collect(starts.at(i), words, asked);
    }
    auto& predicates = asked.at(kNumberWord);
    predicates.push_back({~0U, kX32Bit - 1, false});
    const auto classes = Classes(predicates, kMaxCases);
    if (!classes.has_value()) return TooMany("the numbers");
    for (const Representative& number : *classes) {
      words.Set(kNumberWord, number.value);
      std::array<std::uint16_t, 2> at{};
      for (std::size_t i = 0; i < filters_.size(); ++i) {
        at.at(i) = filters_.at(i)->Advance(starts.at(i), words);
      }
      Result<void> result = CompareCall(words, at, !number.is_alone);
      if (!result.ok()) return result.error();
    }
    return {};
  }

  Result<void> CompareCall(const Words& words, std::span<const std::uint16_t> at,
                           bool is_any_other) {
    const std::size_t first = found_.size();
    const CaseWalk::Asks nothing = [](const Words&) { return std::nullopt; };
    const CaseWalk::Leaf leaf = [&](const Words& known, std::span<const std::uint16_t> returns) {
      const Verdict verdict_a = VerdictOf(filters_[0]->node(returns[0]).k);
      const Verdict verdict_b = VerdictOf(filters_[1]->node(returns[1]).k);
      if (verdict_a != verdict_b) Note(known, verdict_a, verdict_b, is_any_other, first);
      return true;
    };
    if (filters_[0]->IsReturn(at[0]) && filters_[1]->IsReturn(at[1])) {
      static_cast<void>(leaf(words, at));
      return {};
    }
    CaseWalk walk(filters_, kMaxCases);
    if (!walk.Run(words, at, nothing, leaf)) {
      return TooMany("the conditions of system call " + std::to_string(words.value[kNumberWord]));
    }
    return {};
  }

  // Once per pair of verdicts among the call's own, which begin at `first`; of all calls without a
  // name once per architecture.
  void Note(const Words& words, const Verdict& verdict_a, const Verdict& verdict_b,
            bool is_any_other, std::size_t first) {
    const CallData call = words.Call(a_.filter.is_big_endian);
    Difference difference;
    difference.architecture = ArchitectureOf(call.architecture, call.number);
    difference.number = call.number;
    if (difference.architecture.has_value() && !is_any_other) {
      difference.syscall = SyscallName(call.number, *difference.architecture);
    }
    difference.is_any_other = difference.syscall.empty();
    for (std::size_t i = difference.is_any_other ? 0 : first; i < found_.size(); ++i) {
      const bool is_same_call = found_[i].architecture == difference.architecture &&
                                found_[i].is_any_other == difference.is_any_other;
      if (is_same_call && found_[i].a == verdict_a && found_[i].b == verdict_b) return;
    }
    difference.args = call.args;
    difference.decisive = AskedArgs(words, 0);
    difference.a = verdict_a;
    difference.b = verdict_b;
    difference.change = ChangeOf(verdict_a, verdict_b);
    found_.push_back(std::move(difference));
  }

  const CompiledProfile& a_;
  const CompiledProfile& b_;
  std::array<const Decisions*, 2> filters_;
  std::vector<Difference> found_;
};

std::string NameOf(const Difference& difference) {
  return difference.is_any_other ? std::string(kAnyOther) : difference.syscall;
}

std::string ExampleOf(const Difference& difference) {
  const std::string where = difference.architecture.has_value()
                                ? std::string(ArchitectureName(*difference.architecture))
                                : "an architecture that is not listed";
  return CallText(NameOf(difference), difference.args, difference.decisive) + " on " + where;
}

std::string PointerOf(const Profile& profile, const Difference& difference) {
  for (const Rule& rule : profile.rules) {
    if (rule.name == difference.syscall && !rule.pointer.empty()) return rule.pointer;
  }
  return difference.is_any_other ? "/profile/defaultAction" : "/profile";
}

Diagnostic AboveCeiling(const Profile& profile, const std::vector<Difference>& above) {
  std::vector<std::string> names;
  for (const Difference& difference : above) {
    std::string name = NameOf(difference);
    if (std::find(names.begin(), names.end(), name) == names.end()) {
      names.push_back(std::move(name));
    }
  }
  std::string shown;
  for (std::size_t i = 0; i < std::min(names.size(), kMaxNamesShown); ++i) {
    shown += (i == 0 ? "" : ", ") + names[i];
  }
  if (names.size() > kMaxNamesShown) {
    shown += ", and " + std::to_string(names.size() - kMaxNamesShown) + " more";
  }
  const Difference& first = above.front();
  return MakeFinding(Code::kAboveCeiling, PointerOf(profile, first),
                     "the profile lets through what its ceiling denies: " + shown +
                         "; for example " + ExampleOf(first) + " is " + VerdictText(first.a) +
                         " here and " + VerdictText(first.b) + " in the ceiling");
}

}  // namespace

std::string_view ChangeName(Change change) {
  switch (change) {
    case Change::kLooser:
      return "looser";
    case Change::kTighter:
      return "tighter";
    case Change::kDifferent:
      return "different";
  }
  return "";
}

Result<std::vector<Difference>> Compare(const CompiledProfile& a, const CompiledProfile& b) {
  if (a.filter.is_big_endian != b.filter.is_big_endian) {
    return Error{ErrorCode::kInvalid, "the two profiles are for machines of another byte order"};
  }
  const Result<Decisions> filter_a = DecisionsOf(a.filter);
  if (!filter_a.ok()) return filter_a.error();
  const Result<Decisions> filter_b = DecisionsOf(b.filter);
  if (!filter_b.ok()) return filter_b.error();
  return Comparison(a, b, *filter_a, *filter_b).Run();
}

std::string DifferenceText(const Difference& difference) {
  return ExampleOf(difference) + ": " + VerdictText(difference.a) + " -> " +
         VerdictText(difference.b) + " (" + std::string(ChangeName(difference.change)) + ")";
}

bool MayLetThrough(Action action) {
  return LetsThrough(action) || action == Action::kTrace || action == Action::kNotify;
}

std::vector<Diagnostic> CheckCeiling(const CompiledProfile& profile,
                                     const CompiledProfile& ceiling) {
  Result<std::vector<Difference>> differences = Compare(profile, ceiling);
  if (!differences.ok()) {
    return {MakeFinding(
        Code::kTooManyCases, "/profile",
        "the profile cannot be compared with its ceiling: " + differences.error().message)};
  }
  std::erase_if(*differences, [](const Difference& difference) {
    return !MayLetThrough(difference.a.action) || MayLetThrough(difference.b.action);
  });
  if (differences->empty()) return {};
  return {AboveCeiling(profile.profile, *differences)};
}

}  // namespace seccompd::profile
