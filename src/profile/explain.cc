// SPDX-License-Identifier: Apache-2.0
#include "seccompd/profile/explain.h"

#include <algorithm>
#include <utility>

#include "seccompd/profile/compile.h"
#include "seccompd/profile/rewrite.h"
#include "seccompd/profile/syscalls.h"
#include "seccompd/profile/text.h"

#include "profile/explain_text.h"

namespace seccompd::profile {
namespace {

constexpr std::string_view kDefaultPointer = "/profile/defaultAction";
constexpr std::string_view kArchitecturesPointer = "/profile/architectures";

bool Holds(const Arg& arg, std::uint64_t value) {
  switch (arg.op) {
    case Operator::kNotEqual:
      return value != arg.value;
    case Operator::kLess:
      return value < arg.value;
    case Operator::kLessOrEqual:
      return value <= arg.value;
    case Operator::kEqual:
      return value == arg.value;
    case Operator::kGreaterOrEqual:
      return value >= arg.value;
    case Operator::kGreater:
      return value > arg.value;
    case Operator::kMaskedEqual:
      return (value & arg.value) == arg.value_two;
  }
  return false;
}

// Of one call: the rules that the known arguments leave possible, without the conditions that they
// fulfil.
std::vector<BoundRule> Remaining(const BoundProfile::Section& section, std::uint32_t number,
                                 const std::map<std::uint32_t, std::uint64_t>& known) {
  std::vector<BoundRule> remaining;
  for (BoundRule rule : section.RulesOf(number)) {
    const bool is_possible = std::all_of(rule.args.begin(), rule.args.end(), [&](const Arg& arg) {
      const auto value = known.find(arg.index);
      return value == known.end() || Holds(arg, value->second);
    });
    if (!is_possible) continue;
    std::erase_if(rule.args, [&](const Arg& arg) { return known.contains(arg.index); });
    remaining.push_back(std::move(rule));
  }
  return remaining;
}

bool DependsOnUnknown(const std::vector<BoundRule>& remaining) {
  const bool is_settled = std::any_of(remaining.begin(), remaining.end(),
                                      [](const BoundRule& rule) { return rule.args.empty(); });
  return !is_settled && !remaining.empty();
}

Outcome OutcomeOf(const Decision& decision, const Profile& profile) {
  Outcome outcome{decision.verdict, decision.why, VerdictPhrase(decision.verdict), ""};
  switch (decision.why) {
    case Why::kRule:
      outcome.pointer = profile.rules[decision.rule.value_or(0)].place.Text();
      break;
    case Why::kDefault:
      outcome.pointer = kDefaultPointer;
      break;
    case Why::kRuntimeStub:
      break;  // nothing in the profile
    case Why::kForeignArchitecture:
    case Why::kX32Range:
      outcome.pointer = kArchitecturesPointer;
      break;
  }
  return outcome;
}

// One case for each rule that may match, and the one where none does.
void AddCases(const Meaning& meaning, const std::vector<BoundRule>& remaining,
              Explanation& explanation) {
  const Profile& profile = meaning.profile();
  for (const BoundRule& bound : remaining) {
    const Rule& rule = profile.rules[bound.rule];
    Outcome outcome{{rule.action, rule.errno_ret}, Why::kRule, "", rule.place.Text()};
    outcome.phrase = VerdictPhrase(outcome.verdict);
    explanation.cases.push_back({ConditionText(bound.args), std::move(outcome)});
  }
  const Verdict otherwise{profile.default_action, profile.default_errno};
  explanation.cases.push_back(
      {"", {otherwise, Why::kDefault, VerdictPhrase(otherwise), std::string(kDefaultPointer)}});
}

// What a node would load: the rules rewritten and compiled.
struct FinalFilter {
  std::vector<Diagnostic> rewritten;
  std::optional<Program> program;  // none: no node would load it, and lint says why
};

FinalFilter MakeFilter(const Profile& meant) {
  FinalFilter made;
  const std::optional<Profile> rewritten = Rewrite(meant, made.rewritten);
  std::vector<Diagnostic> untold;
  const auto filters = Compile(rewritten.has_value() ? *rewritten : meant, untold, Trees::kNo);
  if (!filters.ok() || !filters->has_value()) return made;
  const Filter& filter = (*filters)->by_priority;
  auto program = Program::Decode(filter.program, filter.is_big_endian);
  if (program.ok()) made.program = *std::move(program);
  return made;
}

// Where rules contradict each other, only the filter knows; elsewhere both agree, or Lint refuses
// the profile.
void TakeFiltersVerdict(const FinalFilter& filter, const CallData& call, Decision& decision,
                        Explanation& explanation) {
  if (!filter.program.has_value() || decision.why == Why::kRuntimeStub) return;
  const Verdict verdict = VerdictOf(filter.program->Run(call));
  if (verdict == decision.verdict) return;
  if (!decision.contradicting_rule.has_value()) {
    explanation.note = "the rules say " + VerdictText(decision.verdict) +
                       ", but libseccomp compiles them otherwise: nodes refuse the profile";
  }
  decision.verdict = verdict;
}

void NoteRewriting(const FinalFilter& filter, const BoundProfile::Section* section,
                   std::uint32_t number, const Profile& profile, Explanation& explanation) {
  if (section == nullptr) return;
  for (const BoundRule& bound : section->RulesOf(number)) {
    for (const Diagnostic& finding : filter.rewritten) {
      if (finding.pointer == profile.rules[bound.rule].place.Text())
        explanation.note = finding.message;
    }
  }
}

Error NoSuchCall(const Question& question) {
  const std::string architecture(ArchitectureName(question.architecture));
  if (!IsLinuxSyscall(question.syscall)) {
    return {ErrorCode::kNotFound, "Linux has no system call " + Quote(question.syscall) +
                                      DidYouMean(question.syscall, LinuxSyscalls())};
  }
  return {ErrorCode::kNotFound, question.syscall + " has no number of its own on " + architecture +
                                    " that this libseccomp knows: no program there can make it"};
}

}  // namespace

Result<Explanation> Explain(const Meaning& meaning, const Question& question) {
  const auto number = SyscallNumber(question.syscall, question.architecture);
  if (!number.has_value()) return NoSuchCall(question);
  CallData call{*number, AuditArchitecture(question.architecture), 0, {}};
  for (const auto& [index, value] : question.args) {
    if (index < kMaxArgs) call.args.at(index) = value;
  }
  Explanation explanation;
  explanation.number = *number;
  Decision decision;
  const BoundProfile::Section* const section =
      meaning.bound().FindSection(call.architecture, call.number, decision);
  std::vector<BoundRule> remaining;
  bool has_rules = false;
  if (section != nullptr) {
    remaining = Remaining(*section, call.number, question.args);
    has_rules = !section->RulesOf(call.number).empty();
  }
  const FinalFilter filter = MakeFilter(meaning.profile());
  NoteRewriting(filter, section, call.number, meaning.profile(), explanation);
  if (DependsOnUnknown(remaining)) {
    explanation.sentence = question.syscall + " depends on its arguments";
    explanation.why = "the profile has rules for some of their values only";
    explanation.change = "to ask about one call, give its arguments: --arg " +
                         std::to_string(remaining.front().args.front().index) + "=VALUE";
    AddCases(meaning, remaining, explanation);
    return explanation;
  }
  decision = ExplainCall(meaning, question.runtime, call);
  TakeFiltersVerdict(filter, call, decision, explanation);
  explanation.outcome = OutcomeOf(decision, meaning.profile());
  explanation.sentence = question.syscall + " is " + explanation.outcome->phrase;
  explanation.why = WhyText(decision, question, meaning.profile(), has_rules);
  explanation.change = ChangeText(decision, question, meaning.profile());
  return explanation;
}

std::vector<TableRow> ExplainAll(const Meaning& meaning, Architecture architecture,
                                 Runtime runtime) {
  std::vector<TableRow> rows;
  Decision without;
  for (const std::string_view name : LinuxSyscalls()) {
    const auto number = SyscallNumber(name, architecture);
    if (!number.has_value()) continue;
    const CallData call{*number, AuditArchitecture(architecture), 0, {}};
    TableRow row{std::string(name), *number, std::nullopt};
    const BoundProfile::Section* const section =
        meaning.bound().FindSection(call.architecture, call.number, without);
    const bool depends =
        section != nullptr && DependsOnUnknown(Remaining(*section, call.number, {}));
    if (!depends) row.verdict = ExplainCall(meaning, runtime, call).verdict;
    rows.push_back(std::move(row));
  }
  return rows;
}

}  // namespace seccompd::profile
