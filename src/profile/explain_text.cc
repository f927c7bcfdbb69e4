// SPDX-License-Identifier: Apache-2.0
#include "profile/explain_text.h"

#include <cerrno>
#include <cstring>

namespace seccompd::profile {
namespace {

std::string NumberText(std::uint64_t number) {
  constexpr std::uint64_t kPlain = 256;  // small ones are families and signals, large ones flags
  if (number < kPlain) return std::to_string(number);
  constexpr std::string_view kHex = "0123456789abcdef";
  std::string digits;
  for (; number != 0; number >>= 4) digits.insert(digits.begin(), kHex[number & 0xf]);
  return "0x" + digits;
}

std::string ConditionText(const Arg& arg) {
  const std::string name = "a" + std::to_string(arg.index);
  const std::string value = NumberText(arg.value);
  switch (arg.op) {
    case Operator::kNotEqual:
      return name + " != " + value;
    case Operator::kLess:
      return name + " < " + value;
    case Operator::kLessOrEqual:
      return name + " <= " + value;
    case Operator::kEqual:
      return name + " == " + value;
    case Operator::kGreaterOrEqual:
      return name + " >= " + value;
    case Operator::kGreater:
      return name + " > " + value;
    case Operator::kMaskedEqual:
      return "(" + name + " & " + value + ") == " + NumberText(arg.value_two);
  }
  return "";
}

std::string ErrnoText(std::uint32_t number) {
  const int code = static_cast<int>(number);
  const char* const name = ::strerrorname_np(code);
  const char* const text = ::strerrordesc_np(code);
  if (name == nullptr || text == nullptr) return "error number " + std::to_string(number);
  return std::string(name) + " (" + text + ")";
}

}  // namespace

std::string ConditionText(const std::vector<Arg>& args) {
  std::string text;
  for (const Arg& arg : args) text += (text.empty() ? "" : " and ") + ConditionText(arg);
  return text;
}

std::string VerdictPhrase(const Verdict& verdict) {
  switch (verdict.action) {
    case Action::kAllow:
      return "allowed";
    case Action::kLog:
      return "allowed and logged";
    case Action::kErrno:
      if (verdict.data == 0) return "not run, and the program is told that it succeeded";
      return "denied: " + ErrnoText(verdict.data);
    case Action::kKillProcess:
      return "fatal: the process is killed";
    case Action::kKillThread:
      return "fatal: the thread that makes it is killed";
    case Action::kTrap:
      return "denied by a signal: SIGSYS";
    case Action::kTrace:
      return "up to a tracer, and without one denied: " + ErrnoText(ENOSYS);
    case Action::kNotify:
      return "up to a listener";
  }
  return "";
}

std::string WhyText(const Decision& decision, const Question& question, const Profile& profile,
                    bool has_rules) {
  const std::string architecture(ArchitectureName(question.architecture));
  switch (decision.why) {
    case Why::kRule: {
      const Rule& rule = profile.rules[*decision.rule];
      std::string text = "a rule says " + std::string(ActionName(rule.action));
      if (!rule.args.empty()) text += " where " + ConditionText(rule.args);
      if (!decision.contradicting_rule.has_value()) return text;
      return text + "; another one, at " +
             profile.rules[*decision.contradicting_rule].place.Text() +
             ", says something else, and which of them wins is the library's whim";
    }
    case Why::kDefault:
      return (has_rules ? "no rule for it matches these arguments" : "no rule names it") +
             std::string(", so defaultAction holds: ") +
             std::string(ActionName(profile.default_action));
    case Why::kRuntimeStub:
      return "runc answers ENOSYS by itself for calls newer than all that the profile names, "
             "whatever defaultAction is";
    case Why::kForeignArchitecture:
      return architecture +
             " is not among the profile's architectures, and a filter kills what comes from "
             "others, "
             "whatever defaultAction is";
    case Why::kX32Range:
      return "SCMP_ARCH_X32 is not among the profile's architectures, and the filter kills its "
             "calls, whatever defaultAction is";
  }
  return "";
}

std::string ChangeText(const Decision& decision, const Question& question, const Profile& profile) {
  const bool is_through = LetsThrough(decision.verdict.action);
  const std::string wanted = is_through ? "SCMP_ACT_ERRNO" : "SCMP_ACT_ALLOW";
  switch (decision.why) {
    case Why::kRule: {
      const bool is_default_through = LetsThrough(profile.default_action);
      if (is_default_through != is_through) return "without that rule, defaultAction would hold";
      return "to have it otherwise, write " + wanted + " in that rule";
    }
    case Why::kDefault:
    case Why::kRuntimeStub:
      return std::string(is_through ? "to deny it" : "to allow it") + ", add " + question.syscall +
             " to the names of a rule with " + wanted;
    case Why::kForeignArchitecture:
    case Why::kX32Range:
      return "to have the rules hold for it too, add " +
             std::string(ArchitectureName(question.architecture)) + " to architectures";
  }
  return "";
}

}  // namespace seccompd::profile
