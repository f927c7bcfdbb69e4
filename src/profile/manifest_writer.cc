// SPDX-License-Identifier: Apache-2.0
#include "profile/manifest_writer.h"

#include <utility>

#include "seccompd/profile/text.h"

#include "profile/yaml_writer.h"

namespace seccompd::profile {
namespace {

using Kind = JsonValue::Kind;

void AppendRule(std::string& out, const JsonValue& rule) {
  std::string lead = "      - ";
  for (const std::string_view name : kWrittenRuleMembers) {
    const JsonValue* value = rule.Find(name);
    if (value == nullptr) continue;
    const std::string head = std::exchange(lead, "        ") + std::string(name) + ": ";
    if (name == "names" && value->kind == Kind::kArray) {
      out += head + YamlList(*value, std::string("        names: [").size(), head.size()) + "\n";
    } else if (name == "args" && value->kind == Kind::kArray) {
      out += head + "\n";
      out.erase(out.size() - 2, 1);  // the space behind the colon
      for (const JsonValue& arg : value->elements) out += "          - " + YamlFlow(arg) + "\n";
    } else {
      out += head + YamlFlow(*value) + "\n";
    }
  }
}

}  // namespace

std::string WriteManifest(const ConvertRequest& request, const JsonValue& spec,
                          const JsonValue& profile, const std::vector<std::string>& notes) {
  std::string out = "# From " + CleanText(request.origin) + ".\n";
  for (const std::string& note : notes) out += "# " + note + ".\n";
  out += "apiVersion: seccompd.io/v1alpha1\nkind: TenantSeccompProfile\nmetadata:\n  name: " +
         YamlScalar(request.name) + "\n";
  if (!request.name_space.empty()) out += "  namespace: " + YamlScalar(request.name_space) + "\n";
  out += "spec:\n";
  for (const JsonMember& member : spec.members) {
    if (member.key == "profile") continue;
    out += "  " + YamlScalar(member.key) + ": " + YamlFlow(member.value) + "\n";
  }
  out += profile.members.empty() ? "  profile: {}\n" : "  profile:\n";
  for (const std::string_view name : kWrittenProfileMembers) {
    const JsonValue* value = profile.Find(name);
    if (value != nullptr) out += "    " + std::string(name) + ": " + YamlFlow(*value) + "\n";
  }
  const JsonValue* syscalls = profile.Find("syscalls");
  if (syscalls == nullptr) return out;
  out += "    syscalls:\n";
  for (const JsonValue& rule : syscalls->elements) {
    if (rule.kind == Kind::kObject && !rule.members.empty()) {
      AppendRule(out, rule);
    } else {
      out += "      - " + YamlFlow(rule) + "\n";
    }
  }
  return out;
}

}  // namespace seccompd::profile
