// SPDX-License-Identifier: Apache-2.0
#include "profile/rule_decoder.h"

#include <algorithm>
#include <array>
#include <iterator>
#include <utility>

#include "seccompd/profile/syscalls.h"

#include "profile/condition_decoder.h"
#include "profile/errnos.h"

namespace seccompd::profile {
namespace {

constexpr std::array<std::string_view, 3> kRequiredArgFields = {"index", "op", "value"};

constexpr std::size_t kMaxArgsRead =
    64;  // more than six are wrong anyway; this bounds the findings

constexpr std::array<std::string_view, 9> kRuleFields = {
    "names", "name", "action", "errnoRet", "errno", "args", "comment", "includes", "excludes"};
constexpr std::array<std::string_view, 4> kArgFields = {"index", "op", "value", "valueTwo"};

std::optional<Arg> DecodeArg(const JsonValue& value, std::string pointer,
                             std::vector<Diagnostic>& findings) {
  ObjectReader reader(value, std::move(pointer), findings);
  reader.CheckNames(kArgFields, {});
  const auto index = reader.GetNumber("index", kMaxArgIndex);
  const auto number = reader.GetUint64("value");
  const auto number_two = reader.GetUint64("valueTwo");
  const OperatorRow* op = reader.GetEnum("op", OperatorTable());
  for (const std::string_view name : kRequiredArgFields) {
    if (reader.Get(name) == nullptr) {
      reader.ReportMissing(name, "a condition needs index, op and value");
    }
  }
  if (!index.has_value() || !number.has_value() || op == nullptr) return std::nullopt;
  if (reader.Get("valueTwo") != nullptr && !number_two.has_value()) return std::nullopt;
  Arg arg{static_cast<std::uint32_t>(*index), op->value, *number, 0};
  if (op->value == Operator::kMaskedEqual) {
    arg.value_two = number_two.value_or(0) & arg.value;  // libseccomp masks it just so
    if (number_two.value_or(0) != arg.value_two) {
      reader.Report(Code::kValueTwoIgnored, "valueTwo",
                    "valueTwo has bits outside the mask in value; they are ignored");
    }
  } else if (number_two.value_or(0) != 0) {
    reader.Report(Code::kValueTwoIgnored, "valueTwo",
                  "valueTwo is only used by SCMP_CMP_MASKED_EQ; it is ignored");
  }
  return arg;
}

// "ENOSYS", or a number in decimal digits.
std::optional<std::uint32_t> DecodeErrnoText(ObjectReader& reader, std::string_view name) {
  const std::optional<std::string> text = reader.GetText(name);
  if (!text.has_value()) return std::nullopt;
  if (text->find_first_not_of("0123456789") == std::string::npos) {
    const auto number = reader.GetUint64(name);
    if (number.has_value() && *number <= kMaxErrno) return static_cast<std::uint32_t>(*number);
    if (number.has_value()) {
      reader.Report(
          Code::kOutOfRange, name,
          std::string(name) + " must be a name or a number of 0 to " + std::to_string(kMaxErrno));
    }
    return std::nullopt;
  }
  const std::optional<std::uint32_t> known = FindErrno(*text);
  if (!known.has_value()) {
    std::vector<std::string_view> names;
    for (const ErrnoRow& row : ErrnoTable()) names.push_back(row.name);
    const std::string hint = DidYouMean(*text, names);
    reader.Report(Code::kInvalidValue, name,
                  Quote(*text) + " is no error of Linux" +
                      (hint.empty() ? "; write its name, as in EPERM, or its number" : hint));
  }
  return known;
}

}  // namespace

void JudgeAction(Action action, std::string pointer, std::vector<Diagnostic>& findings) {
  if (action == Action::kNotify) {
    findings.push_back(MakeFinding(
        Code::kNotifyRefused, std::move(pointer),
        "SCMP_ACT_NOTIFY is refused: it hands the calls to a listener that the runtime contacts as "
        "root; use SCMP_ACT_ERRNO or SCMP_ACT_LOG"));
  } else if (action == Action::kTrace) {
    findings.push_back(
        MakeFinding(Code::kTraceAction, std::move(pointer),
                    "SCMP_ACT_TRACE fails with ENOSYS where no tracer is attached; use "
                    "SCMP_ACT_ERRNO or SCMP_ACT_LOG unless one always is"));
  }
}

std::optional<std::uint32_t> DecodeErrno(ObjectReader& reader, const ErrnoFields& fields) {
  const auto number = reader.GetNumber(fields.number, kMaxErrno);
  const auto named = DecodeErrnoText(reader, fields.text);
  if (number.has_value() && named.has_value() && *number != *named) {
    reader.Report(Code::kConflictingFields, fields.text,
                  std::string(fields.number) + " says " + std::to_string(*number) + ", " +
                      std::string(fields.text) + " says " + std::to_string(*named) + "; keep " +
                      std::string(fields.number) + ": containerd reads no other");
  }
  if (number.has_value()) return static_cast<std::uint32_t>(*number);
  return named;
}

std::uint32_t DecodeErrnoOf(ObjectReader& reader, const ErrnoFields& fields, Action action) {
  const auto number = DecodeErrno(reader, fields);
  if (HasErrno(action)) return number.value_or(kDefaultErrno);
  if (number.has_value()) {
    const bool is_number = reader.Get(fields.number) != nullptr;
    const std::string_view name = is_number ? fields.number : fields.text;
    reader.Report(Code::kErrnoRetIgnored, name,
                  std::string(name) + " has no meaning beside " + std::string(ActionName(action)) +
                      "; it is left out, because crun refuses such a profile");
  }
  return 0;
}

void RuleDecoder::DecodeAll(const JsonValue& list, const std::string& pointer,
                            DecodedProfile& decoded) {
  if (list.elements.size() > max_elements_) {
    findings_.push_back(
        MakeFinding(Code::kTooLarge, pointer,
                    std::to_string(list.elements.size()) + " elements; at most " +
                        std::to_string(max_elements_) +
                        " are taken: put names with the same action into one element"));
    return;
  }
  for (std::size_t i = 0; i < list.elements.size(); ++i) {
    DecodeElement(list.elements[i], Join(pointer, i), decoded);
  }
  if (expanded_ > kMaxRules) {
    findings_.push_back(MakeFinding(Code::kTooLarge, pointer,
                                    std::to_string(expanded_) +
                                        " rules (names over all elements); at most " +
                                        std::to_string(kMaxRules) + " are taken"));
  }
  if (expanded_with_args_ > kMaxRulesWithArgs) {
    findings_.push_back(MakeFinding(Code::kTooLarge, pointer,
                                    std::to_string(expanded_with_args_) +
                                        " rules with args (names over all elements); at most " +
                                        std::to_string(kMaxRulesWithArgs) + " are taken"));
  }
}

void RuleDecoder::DecodeElement(const JsonValue& value, std::string pointer,
                                DecodedProfile& decoded) {
  ObjectReader reader(value, std::move(pointer), findings_);
  reader.CheckNames(kRuleFields, {});
  reader.Get("comment", JsonValue::Kind::kString);  // for people: not written
  Rule pattern;
  const ActionRow* action = reader.GetEnum("action", ActionTable());
  if (action != nullptr) {
    pattern.action = action->value;
    JudgeAction(action->value, reader.At("action"), findings_);
    pattern.errno_ret = DecodeErrnoOf(reader, kRuleErrno, action->value);
  } else if (reader.Get("action") == nullptr) {
    reader.ReportMissing("action", "write what happens to the calls named");
  }
  bool is_good = action != nullptr;
  const JsonValue* args = reader.Get("args", JsonValue::Kind::kArray);
  if (args != nullptr && !DecodeArgs(*args, reader.At("args"), pattern.args)) is_good = false;
  RuleCondition condition{decoded.profile.rules.size(), 0, reader.pointer(),
                          DecodeCondition(reader, "includes"), DecodeCondition(reader, "excludes")};
  std::vector<Rule> added;
  AddNames(reader, pattern, added);
  if (!is_good) return;
  condition.count = added.size();
  std::move(added.begin(), added.end(), std::back_inserter(decoded.profile.rules));
  if (!condition.includes.IsEmpty() || !condition.excludes.IsEmpty()) {
    decoded.conditions.push_back(std::move(condition));
  }
}

void RuleDecoder::AddNames(ObjectReader& reader, const Rule& pattern, std::vector<Rule>& rules) {
  const JsonValue* name = reader.Get("name");
  if (name != nullptr && name->kind == JsonValue::Kind::kString && name->text.empty()) {
    name = nullptr;  // as Docker's own tools write it where it is absent
  }
  const JsonValue* names = reader.Get("names", JsonValue::Kind::kArray);
  if (name != nullptr) {
    if (names != nullptr && !names->elements.empty()) {
      reader.Report(Code::kConflictingFields, "name",
                    "name and names both name system calls, and runtimes refuse a rule with both; "
                    "keep names");
    }
    AddName(*name, RulePlace(reader.At("name")), pattern, rules);
    return;
  }
  if (names == nullptr) {
    if (reader.Get("names") == nullptr) {
      reader.ReportMissing("names", "list the system calls that the rule is about");
    }
    return;
  }
  if (names->elements.empty()) {
    reader.Report(Code::kEmptyNames, "names", "the rule names no system call and has no effect");
  }
  const auto list = std::make_shared<const std::string>(reader.At("names"));
  rules.reserve(std::min(names->elements.size(), kMaxRules));
  for (std::size_t i = 0; i < names->elements.size(); ++i) {
    AddName(names->elements[i], RulePlace(list, i), pattern, rules);
  }
}

void RuleDecoder::AddName(const JsonValue& name, RulePlace place, const Rule& pattern,
                          std::vector<Rule>& rules) {
  if (name.kind != JsonValue::Kind::kString) {
    findings_.push_back(WrongType(place.Text(), name, "a string"));
    return;
  }
  ++expanded_;
  if (!pattern.args.empty()) ++expanded_with_args_;
  if (expanded_ > kMaxRules) return;  // counted, for the message
  if (!IsNameShaped(name.text)) {
    findings_.push_back(MakeFinding(Code::kInvalidValue, place.Text(),
                                    Quote(name.text) +
                                        " is no name of a system call: 1 to 64 of a-z, 0-9 and _" +
                                        DidYouMean(name.text, LinuxSyscalls())));
    return;
  }
  rules.push_back(pattern);
  rules.back().name = name.text;
  rules.back().place = std::move(place);
}

bool RuleDecoder::DecodeArgs(const JsonValue& list, const std::string& pointer,
                             std::vector<Arg>& args) {
  bool is_good = true;
  if (list.elements.size() > kMaxArgsRead) {
    findings_.push_back(
        MakeFinding(Code::kTooLarge, pointer, "more than 64 conditions; a call has six arguments"));
    return false;
  }
  for (std::size_t i = 0; i < list.elements.size(); ++i) {
    const auto arg = DecodeArg(list.elements[i], Join(pointer, i), findings_);
    if (!arg.has_value()) {
      is_good = false;
      continue;
    }
    const bool is_double = std::any_of(args.begin(), args.end(),
                                       [&](const Arg& other) { return other.index == arg->index; });
    if (is_double) {
      findings_.push_back(MakeFinding(
          Code::kDuplicateArgIndex, Join(pointer, i),
          "argument " + std::to_string(arg->index) +
              " has two conditions in one rule, which the runtimes read as alternatives; write two "
              "rules, or one condition"));
      is_good = false;
      continue;
    }
    args.push_back(*arg);
  }
  std::sort(args.begin(), args.end());
  return is_good;
}

}  // namespace seccompd::profile
