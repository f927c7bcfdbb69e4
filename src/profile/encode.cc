// SPDX-License-Identifier: Apache-2.0
#include "seccompd/profile/encode.h"

#include <algorithm>
#include <string_view>
#include <vector>

#include "seccompd/profile/json.h"

namespace seccompd::profile {
namespace {

// Keys are ours: nothing in them needs escaping.
void AppendKey(std::string& out, std::string_view key) {
  out += out.back() != '{' ? ",\"" : "\"";
  out += key;
  out += "\":";
}

void AppendString(std::string& out, std::string_view key, std::string_view value) {
  AppendKey(out, key);
  AppendJsonString(out, value);
}

void AppendNumber(std::string& out, std::string_view key, std::uint64_t value) {
  AppendKey(out, key);
  out += std::to_string(value);
}

void AppendErrno(std::string& out, std::string_view key, Action action, std::uint32_t number) {
  if (HasErrno(action) && number != kDefaultErrno) AppendNumber(out, key, number);
}

void AppendArg(std::string& out, const Arg& arg) {
  out.push_back('{');
  AppendNumber(out, "index", arg.index);
  AppendString(out, "op", OperatorName(arg.op));
  AppendNumber(out, "value", arg.value);
  if (arg.op == Operator::kMaskedEqual && arg.value_two != 0) {
    AppendNumber(out, "valueTwo", arg.value_two);
  }
  out.push_back('}');
}

// Up to the name.
void AppendHead(std::string& out, const Rule& rule) {
  out += "{\"action\":\"";
  out += ActionName(rule.action);
  out.push_back('"');
  if (!rule.args.empty()) {
    AppendKey(out, "args");
    out.push_back('[');
    for (const Arg& arg : rule.args) {
      if (&arg != rule.args.data()) out.push_back(',');
      AppendArg(out, arg);
    }
    out.push_back(']');
  }
  AppendErrno(out, "errnoRet", rule.action, rule.errno_ret);
  out += ",\"names\":[";
}

// Most rules begin as the one before.
void AppendRules(std::string& out, const std::vector<const Rule*>& rules) {
  const Rule* before = nullptr;
  std::string head;
  for (const Rule* rule : rules) {
    if (before == nullptr || !rule->SameVerdict(*before) || rule->args != before->args) {
      head.clear();
      AppendHead(head, *rule);
    }
    if (before != nullptr) out.push_back(',');
    out += head;
    AppendJsonString(out, rule->name);
    out += "]}";
    before = rule;
  }
}

void AppendArchitectures(std::string& out, const Profile& profile) {
  if (profile.architectures.empty()) return;
  std::vector<std::string_view> names;
  for (const Architecture architecture : profile.architectures) {
    names.push_back(ArchitectureName(architecture));
  }
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
  AppendKey(out, "architectures");
  out.push_back('[');
  for (const std::string_view name : names) {
    if (out.back() != '[') out.push_back(',');
    AppendJsonString(out, name);
  }
  out.push_back(']');
}

}  // namespace

std::string Encode(const Profile& profile) {
  std::vector<const Rule*> rules;
  rules.reserve(profile.rules.size());
  for (const Rule& rule : profile.rules) rules.push_back(&rule);
  const auto before = [](const Rule* a, const Rule* b) { return ComesBefore(*a, *b); };
  if (!std::is_sorted(rules.begin(), rules.end(), before)) {
    std::sort(rules.begin(), rules.end(), before);
  }
  std::string out = "{";
  out.reserve(kTypicalRuleBytes * (rules.size() + 2));
  AppendArchitectures(out, profile);
  AppendString(out, "defaultAction", ActionName(profile.default_action));
  AppendErrno(out, "defaultErrnoRet", profile.default_action, profile.default_errno);
  if (!rules.empty()) {
    AppendKey(out, "syscalls");
    out.push_back('[');
    AppendRules(out, rules);
    out.push_back(']');
  }
  out += "}\n";
  return out;
}

}  // namespace seccompd::profile
