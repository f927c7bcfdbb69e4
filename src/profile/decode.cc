// SPDX-License-Identifier: Apache-2.0
#include "seccompd/profile/decode.h"

#include <array>
#include <utility>

#include "profile/fields.h"
#include "profile/rule_decoder.h"

namespace seccompd::profile {
namespace {

constexpr std::size_t kMaxDuplicatesTold = 16;

constexpr std::array<std::string_view, 4> kSpecFields = {"profile", "mode", "unknownSyscalls",
                                                         "onInvalid"};
constexpr std::array<UnsupportedField, 4> kSpecUnsupported = {{
    {"bases", "write all rules in spec.profile"},
    {"capabilities", "leave it out and write the rules without conditions"},
    {"nodeSelector", "leave it out: the profile goes to every node"},
    {"immutable", "leave it out"},
}};

constexpr std::array<std::string_view, 4> kProfileFields = {"defaultAction", "defaultErrnoRet",
                                                            "architectures", "syscalls"};
constexpr std::array<UnsupportedField, 5> kProfileUnsupported = {{
    {"defaultErrno", "write the number in defaultErrnoRet (EPERM is 1, ENOSYS is 38)"},
    {"archMap", "list the architectures in architectures"},
    {"flags", "leave them out: runc before 1.2 refuses a profile that has any"},
    {"listenerPath",
     "remove it: the runtime would connect, as root, to a socket of the profile's choice"},
    {"listenerMetadata", "remove it together with listenerPath"},
}};

struct ChoiceRow {
  std::string_view name;
  bool is_on;
};
constexpr std::array<ChoiceRow, 2> kUnknownSyscalls = {{{"Reject", false}, {"Warn", true}}};
constexpr std::array<ChoiceRow, 2> kOnInvalid = {{{"Keep", false}, {"Remove", true}}};
constexpr std::array<ChoiceRow, 2> kModes = {{{"Enforce", false}, {"Log", true}}};

std::vector<Architecture> DecodeArchitectures(ObjectReader& reader) {
  std::vector<Architecture> architectures;
  const JsonValue* list = reader.Get("architectures", JsonValue::Kind::kArray);
  if (list == nullptr) return architectures;
  if (list->elements.size() > kMaxArchitectures) {
    reader.Report(Code::kTooLarge, "architectures",
                  "more than " + std::to_string(kMaxArchitectures) + " architectures");
    return architectures;
  }
  for (std::size_t i = 0; i < list->elements.size(); ++i) {
    const ArchitectureRow* row = FindRow(list->elements[i], Join(reader.At("architectures"), i),
                                         ArchitectureTable(), reader.findings());
    if (row != nullptr) architectures.push_back(row->value);
  }
  return architectures;
}

void DecodeOptions(ObjectReader& reader, DecodedSpec& decoded) {
  const auto is_on = [&](std::string_view name, std::span<const ChoiceRow> table) {
    const ChoiceRow* row = reader.GetEnum(name, table);
    return row != nullptr && row->is_on;
  };
  decoded.warn_unknown_syscalls = is_on("unknownSyscalls", kUnknownSyscalls);
  decoded.remove_when_invalid = is_on("onInvalid", kOnInvalid);
  if (is_on("mode", kModes)) {
    reader.Report(Code::kNotSupported, "mode",
                  "mode: Log is not supported by this version of seccompd; write defaultAction: "
                  "SCMP_ACT_LOG in spec.profile for a profile that only logs");
  }
}

}  // namespace

Profile DecodeProfile(const JsonValue& value, std::string_view pointer,
                      std::vector<Diagnostic>& findings, std::size_t max_elements) {
  Profile profile;
  ObjectReader reader(value, std::string(pointer), findings);
  if (value.kind == JsonValue::Kind::kObject && value.members.empty()) {
    findings.push_back(MakeFinding(
        Code::kEmptyProfile, reader.pointer(),
        "the profile is empty, and runtimes would run a container without any filter; give at "
        "least defaultAction"));
    return profile;
  }
  reader.CheckNames(kProfileFields, kProfileUnsupported);
  const ActionRow* action = reader.GetEnum("defaultAction", ActionTable());
  if (action == nullptr && reader.Get("defaultAction") == nullptr) {
    reader.ReportMissing("defaultAction", "write what happens to every call that no rule names");
  }
  if (action != nullptr) {
    profile.default_action = action->value;
    JudgeAction(action->value, reader.At("defaultAction"), findings);
    profile.default_errno = DecodeErrno(reader, "defaultErrnoRet", action->value);
  }
  profile.architectures = DecodeArchitectures(reader);
  const JsonValue* syscalls = reader.Get("syscalls", JsonValue::Kind::kArray);
  if (syscalls != nullptr) {
    RuleDecoder(findings, max_elements).DecodeAll(*syscalls, reader.At("syscalls"), profile.rules);
  }
  return profile;
}

DecodedSpec DecodeSpec(std::string_view spec) {
  DecodedSpec decoded;
  if (spec.size() > kMaxSpecBytes) {
    decoded.findings.push_back(MakeFinding(Code::kTooLarge, "",
                                           "the spec has " + std::to_string(spec.size()) +
                                               " bytes; at most " + std::to_string(kMaxSpecBytes) +
                                               " are taken"));
    return decoded;
  }
  if (spec.empty()) {
    decoded.findings.push_back(MakeFinding(Code::kMissingField, "",
                                           "there is no spec; put the seccomp profile into "
                                           "spec.profile"));
    return decoded;
  }
  const Result<JsonValue> json = ParseJson(spec, kMaxSpecDepth);
  if (!json.ok()) {
    decoded.findings.push_back(
        MakeFinding(Code::kInvalidJson, "", "spec cannot be read: " + json.error().message));
    return decoded;
  }
  for (std::string& pointer : FindDuplicateKeys(*json, kMaxDuplicatesTold)) {
    decoded.findings.push_back(MakeFinding(Code::kDuplicateKey, std::move(pointer),
                                           "this key stands twice in its object; keep one"));
  }
  ObjectReader reader(*json, "", decoded.findings);
  reader.CheckNames(kSpecFields, kSpecUnsupported);
  DecodeOptions(reader, decoded);
  const JsonValue* profile = reader.Get("profile");
  if (profile == nullptr) {
    reader.ReportMissing("profile", "put the seccomp profile there");
  } else {
    decoded.profile = DecodeProfile(*profile, reader.At("profile"), decoded.findings);
  }
  return decoded;
}

}  // namespace seccompd::profile
