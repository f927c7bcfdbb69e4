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
#include "profile/compare_decisions.h"
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
  Comparison(const Compared& a, const Compared& b, Wanted wanted)
      : a_(a), b_(b), filters_{a.decisions, b.decisions}, wanted_(wanted) {}

  Result<std::vector<Difference>> Run() {
    std::vector<Predicate> asked;
    for (const Decisions* filter : filters_) {
      const std::vector<Predicate>& more = filter->architecture_predicates();
      asked.insert(asked.end(), more.begin(), more.end());
    }
    const auto classes = Classes(asked, kMaxCases);
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
    return in(*a_.profile) || in(*b_.profile);
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
    }
    if (!CanMatter(starts)) return {};
    for (std::size_t i = 0; i < filters_.size(); ++i) {
      filters_.at(i)->Collect(starts.at(i), words, asked);
    }
    auto& predicates = asked.at(kNumberWord);
    predicates.push_back({~0U, kX32Bit - 1, false});
    const auto classes = Classes(predicates, kMaxCases);
    if (!classes.has_value()) return TooMany("the numbers");
    for (std::size_t i = 0; i < filters_.size(); ++i) {
      filters_.at(i)->AdvanceAll(starts.at(i), words, *classes, reached_.at(i));
    }
    for (std::size_t i = 0; i < classes->size(); ++i) {
      words.Set(kNumberWord, (*classes)[i].value);
      Result<void> result =
          CompareCall(words, {reached_[0][i], reached_[1][i]}, !(*classes)[i].is_alone);
      if (!result.ok()) return result.error();
    }
    return {};
  }

  Verdict VerdictAt(std::size_t side, std::uint16_t index) const {
    return VerdictOf(filters_.at(side)->node(index).k);
  }
  bool Matter(const std::array<std::uint16_t, 2>& at) const {
    if (filters_[0]->node(at[0]).k == filters_[1]->node(at[1]).k) return false;
    const Verdict a = VerdictAt(0, at[0]);
    const Verdict b = VerdictAt(1, at[1]);
    if (wanted_ == Wanted::kAbove) return MayLetThrough(a.action) && !MayLetThrough(b.action);
    return a != b;
  }
  // Not: what is settled already decides it, whatever the rest asks.
  bool CanMatter(const std::array<std::uint16_t, 2>& at) const {
    if (filters_[0]->IsReturn(at[0]) && filters_[1]->IsReturn(at[1])) return Matter(at);
    if (wanted_ == Wanted::kAll) return true;
    if (filters_[0]->IsReturn(at[0])) return MayLetThrough(VerdictAt(0, at[0]).action);
    return !filters_[1]->IsReturn(at[1]) || !MayLetThrough(VerdictAt(1, at[1]).action);
  }

  Result<void> CompareCall(const Words& words, const std::array<std::uint16_t, 2>& at,
                           bool is_any_other) {
    if (!CanMatter(at)) return {};
    const std::size_t first = found_.size();
    const auto note = [&](const Words& known, std::span<const std::uint16_t> returns) {
      const std::array<std::uint16_t, 2> both = {returns[0], returns[1]};
      if (Matter(both)) {
        Note(known, VerdictAt(0, both[0]), VerdictAt(1, both[1]), is_any_other, first);
      }
      return true;
    };
    if (filters_[0]->IsReturn(at[0]) && filters_[1]->IsReturn(at[1])) {
      static_cast<void>(note(words, at));
      return {};
    }
    const CaseWalk::Asks nothing = [](const Words&) { return std::nullopt; };
    CaseWalk walk(filters_, kMaxCases);
    if (!walk.Run(words, at, nothing, note)) {
      return TooMany("the conditions of system call " + std::to_string(words.value[kNumberWord]));
    }
    return {};
  }

  // Once per pair of verdicts among the call's own, which begin at `first`; of all calls without a
  // name once per architecture.
  void Note(const Words& words, const Verdict& verdict_a, const Verdict& verdict_b,
            bool is_any_other, std::size_t first) {
    const CallData call = words.Call(a_.is_big_endian);
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

  const Compared& a_;
  const Compared& b_;
  std::array<const Decisions*, 2> filters_;
  Wanted wanted_;
  std::array<std::vector<std::uint16_t>, 2> reached_;  // per filter, by number
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
    if (rule.name == difference.syscall && !rule.place.empty()) return rule.place.Text();
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

Result<std::vector<Difference>> CompareDecisions(const Compared& a, const Compared& b,
                                                 Wanted wanted) {
  if (a.is_big_endian != b.is_big_endian) {
    return Error{ErrorCode::kInvalid, "the two profiles are for machines of another byte order"};
  }
  return Comparison(a, b, wanted).Run();
}

Result<std::vector<Difference>> Compare(const CompiledProfile& a, const CompiledProfile& b) {
  const Result<Decisions> filter_a = DecisionsOf(a.filter);
  if (!filter_a.ok()) return filter_a.error();
  const Result<Decisions> filter_b = DecisionsOf(b.filter);
  if (!filter_b.ok()) return filter_b.error();
  return CompareDecisions({&a.profile, &*filter_a, a.filter.is_big_endian},
                          {&b.profile, &*filter_b, b.filter.is_big_endian}, Wanted::kAll);
}

std::string DifferenceText(const Difference& difference) {
  return ExampleOf(difference) + ": " + VerdictText(difference.a) + " -> " +
         VerdictText(difference.b) + " (" + std::string(ChangeName(difference.change)) + ")";
}

bool MayLetThrough(Action action) {
  return LetsThrough(action) || action == Action::kTrace || action == Action::kNotify;
}

std::vector<Diagnostic> CheckCeiling(const Compared& profile, const Compared& ceiling) {
  const Result<std::vector<Difference>> above = CompareDecisions(profile, ceiling, Wanted::kAbove);
  if (!above.ok()) {
    return {
        MakeFinding(Code::kTooManyCases, "/profile",
                    "the profile cannot be compared with its ceiling: " + above.error().message)};
  }
  if (above->empty()) return {};
  return {AboveCeiling(*profile.profile, *above)};
}

std::vector<Diagnostic> CheckCeiling(const CompiledProfile& profile,
                                     const CompiledProfile& ceiling) {
  const Result<Decisions> ours = DecisionsOf(profile.filter);
  const Result<Decisions> limit = DecisionsOf(ceiling.filter);
  for (const Result<Decisions>* side : {&ours, &limit}) {
    if (side->ok()) continue;
    return {
        MakeFinding(Code::kTooManyCases, "/profile",
                    "the profile cannot be compared with its ceiling: " + side->error().message)};
  }
  return CheckCeiling(Compared{&profile.profile, &*ours, profile.filter.is_big_endian},
                      Compared{&ceiling.profile, &*limit, ceiling.filter.is_big_endian});
}

}  // namespace seccompd::profile
