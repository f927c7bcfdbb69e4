// SPDX-License-Identifier: Apache-2.0
#include "seccompd/profile/validate.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <utility>

#include "seccompd/profile/codes.h"
#include "seccompd/profile/meaning.h"
#include "seccompd/profile/simulate.h"

#include "profile/case_walk.h"
#include "profile/decision.h"
#include "profile/example.h"
#include "profile/judge.h"
#include "profile/validate_decisions.h"

namespace seccompd::profile {
namespace {

constexpr std::size_t kMaxReported = 8;
constexpr std::uint32_t kX32Bit = 0x40000000;
constexpr std::uint32_t kNoNumber = ~0U;

// One profile against its one or two filters.
class Validation {
 public:
  Validation(const Profile& profile, const std::vector<Decisions>& filters, bool is_big_endian,
             std::vector<Diagnostic>& findings)
      : profile_(profile),
        bound_(profile),
        filters_(filters),
        is_big_endian_(is_big_endian),
        findings_(findings) {
    for (const Decisions& filter : filters_) pointers_.push_back(&filter);
    at_.resize(filters_.size());
    starts_.resize(filters_.size());
    reached_.resize(filters_.size());
  }

  void Run() {
    ReportBlindSpots();
    std::vector<Predicate> predicates;
    for (const Decisions& filter : filters_) {
      const std::vector<Predicate>& more = filter.architecture_predicates();
      predicates.insert(predicates.end(), more.begin(), more.end());
    }
    for (const BoundProfile::Section& section : bound_.sections()) {
      predicates.push_back({~0U, section.audit_architecture, true});
    }
    const auto classes = Classes(predicates, kMaxCases);
    if (!classes.has_value()) return ReportTooMany({}, "the architectures");
    for (const Representative& architecture : *classes) CheckArchitecture(architecture.value);
  }

 private:
  // The rules of the call being looked at, where there are any.
  struct Call {
    std::uint32_t number = 0;
    Decision without;  // where no section is responsible
    const BoundProfile::Section* section = nullptr;
    std::span<const BoundRule> rules;
  };

  void CheckArchitecture(std::uint32_t architecture) {
    Words words;
    words.Set(kArchitectureWord, architecture);
    std::array<std::vector<Predicate>, kWords> asked;
    for (std::size_t i = 0; i < filters_.size(); ++i) {
      starts_[i] = filters_[i].Advance(filters_[i].entry(), words);
      filters_[i].Collect(starts_[i], words, asked);
    }
    auto& predicates = asked.at(kNumberWord);
    predicates.push_back({~0U, kX32Bit - 1, false});
    predicates.push_back({~0U, kNoNumber, true});
    for (const BoundProfile::Section& section : bound_.sections()) {
      if (section.audit_architecture != architecture) continue;
      for (const BoundRule& rule : section.rules) predicates.push_back({~0U, rule.number, true});
    }
    const auto classes = Classes(predicates, kMaxCases);
    if (!classes.has_value()) return ReportTooMany({}, "the numbers");
    for (std::size_t i = 0; i < filters_.size(); ++i) {
      filters_[i].AdvanceAll(starts_[i], words, *classes, reached_[i]);
    }
    for (std::size_t i = 0; i < classes->size(); ++i) {
      words.Set(kNumberWord, (*classes)[i].value);
      for (std::size_t filter = 0; filter < filters_.size(); ++filter) {
        at_[filter] = reached_[filter][i];
      }
      CheckNumber(words);
    }
  }

  void CheckNumber(const Words& words) {
    Call call;
    call.number = words.value[kNumberWord];
    call.section = bound_.FindSection(words.value[kArchitectureWord], call.number, call.without);
    if (call.section != nullptr) {
      call.rules = call.section->RulesOf(call.number);
      call.without = {DefaultVerdict(profile_), Why::kDefault, {}, {}};
    }
    bool is_decided =
        call.rules.empty() || (call.rules.size() == 1 && call.rules.front().args.empty());
    for (std::size_t i = 0; i < filters_.size(); ++i) {
      is_decided = is_decided && filters_[i].IsReturn(at_[i]);
    }
    if (is_decided) {
      static_cast<void>(CheckCase(call, words, 0, at_));
    } else {
      WalkCases(call, words);
    }
  }

  void WalkCases(const Call& call, Words words) {
    CaseWalk walk(pointers_, kMaxCases);
    AddPredicates(call.rules, is_big_endian_, walk);
    std::uint32_t given = 0;
    if (call.section != nullptr && call.section->is_32_bit) {
      given = SetHighWords(words, is_big_endian_);
    }
    const bool is_done = walk.Run(
        words, at_,
        [&](const Words& known) { return Judge(profile_, call.rules, known, is_big_endian_).asks; },
        [&](const Words& known, std::span<const std::uint16_t> returns) {
          return CheckCase(call, known, given, returns);
        });
    if (!is_done) ReportTooMany(call.rules, Name(call, words));
  }

  // False: told; one case of a call is enough.
  bool CheckCase(const Call& call, const Words& words, std::uint32_t given,
                 std::span<const std::uint16_t> returns) {
    Verdict meant = call.without.verdict;
    if (!call.rules.empty()) {
      const Judgement judgement = Judge(profile_, call.rules, words, is_big_endian_);
      if (judgement.contradicting_rule.has_value()) {
        ReportContradiction(call, judgement, words, given);
        return false;
      }
      if (judgement.rule.has_value()) meant = VerdictOfRule(RuleAt(*judgement.rule));
    }
    for (std::size_t i = 0; i < filters_.size(); ++i) {
      const Verdict done = VerdictOf(filters_[i].node(returns[i]).k);
      if (done == meant) continue;
      ReportMistranslated(call, words, given, i, meant, done);
      return false;
    }
    return true;
  }

  const Rule& RuleAt(std::size_t index) const { return profile_.rules[index]; }

  std::string PointerOf(std::span<const BoundRule> rules) const {
    return rules.empty() ? "/profile" : RuleAt(rules.front().rule).place.Text();
  }

  std::string Name(const Call& call, const Words& words) const {
    for (const BoundProfile::Section& section : bound_.sections()) {
      if (section.audit_architecture != words.value[kArchitectureWord]) continue;
      if (call.section == nullptr || call.section == &section) {
        return CallName(call.number, section.architecture);
      }
    }
    return "system call " + Hex(call.number);
  }

  std::string Where(const Call& call, const Words& words) const {
    if (call.section != nullptr) return std::string(ArchitectureName(call.section->architecture));
    return "architecture " + Hex(words.value[kArchitectureWord]) + ", which is not listed";
  }

  std::string Example(const Call& call, const Words& words, std::uint32_t given) const {
    return CallText(Name(call, words), words.Call(is_big_endian_).args, AskedArgs(words, given)) +
           " on " + Where(call, words);
  }

  // Each call once, however many architectures and filters have the fault, and not all of them.
  bool IsNew(const std::string& name) {
    return reported_.size() < kMaxReported && reported_.insert(name).second;
  }

  void ReportMistranslated(const Call& call, const Words& words, std::uint32_t given,
                           std::size_t filter, const Verdict& meant, const Verdict& done) {
    if (!IsNew(Name(call, words))) return;
    const std::string which = filter == 0 ? "" : " (as runc from 1.2 on has it do)";
    findings_.push_back(
        MakeFinding(Code::kMistranslated, PointerOf(call.rules),
                    "libseccomp " + LibseccompVersion() + " makes a wrong filter of this" + which +
                        ": " + Example(call, words, given) + " would be " + VerdictText(done) +
                        " where the profile says " + VerdictText(meant) +
                        "; write the conditions in another way"));
  }

  void ReportContradiction(const Call& call, const Judgement& judgement, const Words& words,
                           std::uint32_t given) {
    if (!IsNew(Name(call, words))) return;
    const Rule& one = RuleAt(*judgement.rule);
    const Rule& other = RuleAt(*judgement.contradicting_rule);
    findings_.push_back(MakeFinding(
        Code::kConflictingRules, other.place.Text(),
        "this rule and " + (one.place.empty() ? "another one" : "the rule at " + one.place.Text()) +
            " say different things about " + Example(call, words, given) +
            ", and not their order decides which one wins; keep the one you mean"));
  }

  void ReportTooMany(std::span<const BoundRule> rules, const std::string& name) {
    if (!IsNew(name)) return;
    findings_.push_back(MakeFinding(Code::kTooManyCases, PointerOf(rules),
                                    "the conditions of " + name + " make more than " +
                                        std::to_string(kMaxCases) +
                                        " cases, too many to check that the filter is right; use "
                                        "fewer rules, arguments or bit masks for it"));
  }

  void ReportBlindSpots() {
    for (const BoundProfile::Section& section : bound_.sections()) {
      const bool has_conditions =
          std::any_of(section.rules.begin(), section.rules.end(),
                      [&](const BoundRule& rule) { return !RuleAt(rule.rule).args.empty(); });
      if (section.architecture == Architecture::kX32 && has_conditions) {
        findings_.push_back(MakeFinding(
            Code::kNarrowComparison, "/profile/architectures",
            "for SCMP_ARCH_X32 libseccomp compares only the lower 32 bits of arguments, which has "
            "64 there; leave the architecture out unless you need it"));
      }
    }
  }

  const Profile& profile_;
  BoundProfile bound_;
  const std::vector<Decisions>& filters_;
  std::vector<const Decisions*> pointers_;
  bool is_big_endian_;
  std::vector<Diagnostic>& findings_;
  std::set<std::string> reported_;
  std::vector<std::uint16_t> starts_;  // per filter, behind what asks for the architecture
  std::vector<std::vector<std::uint16_t>> reached_;  // per filter, by number
  std::vector<std::uint16_t> at_;                    // of the call being looked at
};

bool Append(const Filter& filter, std::vector<Decisions>& out, std::vector<Diagnostic>& findings) {
  const Result<Program> program = Program::Decode(filter.program, filter.is_big_endian);
  Result<Decisions> decisions =
      program.ok() ? Decisions::Of(*program) : Result<Decisions>(program.error());
  if (!decisions.ok()) {
    findings.push_back(MakeFinding(
        Code::kMistranslated, "/profile",
        "libseccomp " + LibseccompVersion() +
            " makes a filter of this that cannot be checked: " + decisions.error().message));
    return false;
  }
  out.push_back(*std::move(decisions));
  return true;
}

}  // namespace

std::vector<Decisions> ValidateDecisions(const Profile& profile, const Filters& filters,
                                         std::vector<Diagnostic>& findings) {
  std::vector<Decisions> decisions;
  if (!Append(filters.by_priority, decisions, findings)) return {};
  if (filters.by_tree.has_value() && !Append(*filters.by_tree, decisions, findings)) return {};
  Validation(profile, decisions, filters.by_priority.is_big_endian, findings).Run();
  return decisions;
}

void Validate(const Profile& profile, const Filters& filters, std::vector<Diagnostic>& findings) {
  static_cast<void>(ValidateDecisions(profile, filters, findings));
}

}  // namespace seccompd::profile
