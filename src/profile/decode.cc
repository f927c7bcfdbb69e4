// SPDX-License-Identifier: Apache-2.0
#include "seccompd/profile/decode.h"

#include <algorithm>
#include <array>
#include <span>
#include <utility>

#include "seccompd/profile/builtins.h"

#include "profile/condition_decoder.h"
#include "profile/fields.h"
#include "profile/rule_decoder.h"

namespace seccompd::profile {
namespace {

constexpr std::size_t kMaxDuplicatesTold = 16;

constexpr std::array<std::string_view, 7> kSpecFields = {
    "profile", "bases", "mode", "capabilities", "nodeSelector", "unknownSyscalls", "onInvalid"};
constexpr std::array<UnsupportedField, 1> kSpecUnsupported = {{
    {"immutable", "leave it out"},
}};
constexpr std::array<std::string_view, 1> kSelectorFields = {"matchLabels"};

constexpr std::array<std::string_view, 7> kProfileFields = {
    "defaultAction", "defaultErrnoRet", "defaultErrno", "architectures",
    "archMap",       "flags",           "syscalls"};
constexpr std::array<UnsupportedField, 2> kProfileUnsupported = {{
    {"listenerPath",
     "remove it: the runtime would connect, as root, to a socket of the profile's choice"},
    {"listenerMetadata", "remove it together with listenerPath"},
}};

// Flags are never written: runc before 1.2 refuses a profile that has any. None of them changes
// what a call gets, so that leaving them out keeps the meaning.
struct FlagRow {
  std::string_view name;
  Severity severity;
  std::string_view why;
};
constexpr std::array<FlagRow, 4> kFlags = {{
    {"SECCOMP_FILTER_FLAG_TSYNC", Severity::kInfo,
     "nothing changes: the runtimes load the filter before there is a second thread"},
    {"SECCOMP_FILTER_FLAG_LOG", Severity::kWarning,
     "every call gets what it got, but denials are not logged; SCMP_ACT_LOG logs calls that are "
     "let through, mode: Log all that would be denied"},
    {"SECCOMP_FILTER_FLAG_SPEC_ALLOW", Severity::kInfo,
     "nothing changes: it is what runtimes take where there are no flags"},
    {"SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV", Severity::kInfo,
     "nothing changes: it is about SCMP_ACT_NOTIFY only, which is refused"},
}};
constexpr std::size_t kMaxFlags = 8;

struct ChoiceRow {
  std::string_view name;
  bool is_on;
};
constexpr std::array<ChoiceRow, 2> kUnknownSyscalls = {{{"Reject", false}, {"Warn", true}}};
constexpr std::array<ChoiceRow, 2> kOnInvalid = {{{"Keep", false}, {"Remove", true}}};
constexpr std::array<ChoiceRow, 2> kModes = {{{"Enforce", false}, {"Log", true}}};

void JudgeFlags(ObjectReader& reader) {
  const JsonValue* list = reader.Get("flags", JsonValue::Kind::kArray);
  if (list == nullptr) return;
  if (list->elements.size() > kMaxFlags) {
    reader.Report(Code::kTooLarge, "flags", "more than " + std::to_string(kMaxFlags) + " flags");
    return;
  }
  for (std::size_t i = 0; i < list->elements.size(); ++i) {
    const std::string pointer = Join(reader.At("flags"), i);
    const FlagRow* row =
        FindRow(list->elements[i], pointer, std::span<const FlagRow>(kFlags), reader.findings());
    if (row == nullptr) continue;
    reader.findings().push_back(MakeFinding(
        Code::kFlagsLeftOut, pointer,
        std::string(row->name) + " is left out, because runc before 1.2 refuses every flag; " +
            std::string(row->why)));
    reader.findings().back().severity = row->severity;
  }
}

bool IsLabel(std::string_view text) {
  const auto is_alphanumeric = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
  };
  return !text.empty() && text.size() <= 63 && is_alphanumeric(text.front()) &&
         is_alphanumeric(text.back()) && std::all_of(text.begin(), text.end(), [&](char c) {
           return is_alphanumeric(c) || c == '-';
         });
}

void DecodeBases(ObjectReader& reader, DecodedSpec& decoded) {
  for (TextAt& base : reader.GetTexts("bases", kMaxBases)) {
    std::string_view name = base.text;
    if (name.starts_with(kBuiltinPrefix)) name.remove_prefix(kBuiltinPrefix.size());
    std::string message;
    if (!IsLabel(name)) {
      message = Quote(base.text) +
                " is no name of a base; write builtin/<name>-v<N>, or the name of a profile of the "
                "namespace";
    } else if (std::find(decoded.bases.begin(), decoded.bases.end(), base.text) !=
               decoded.bases.end()) {
      message = Quote(base.text) + " stands twice; keep one";
    }
    if (!message.empty()) {
      decoded.findings.push_back(
          MakeFinding(Code::kInvalidValue, std::move(base.pointer), std::move(message)));
      base.text.clear();  // bases[i] stays /bases/i
    }
    decoded.bases.push_back(std::move(base.text));
  }
}

void DecodeSelector(ObjectReader& spec, DecodedSpec& decoded) {
  const JsonValue* selector = spec.Get("nodeSelector", JsonValue::Kind::kObject);
  if (selector == nullptr) return;
  ObjectReader reader(*selector, spec.At("nodeSelector"), decoded.findings);
  reader.CheckNames(kSelectorFields, {});
  const JsonValue* labels = reader.Get("matchLabels", JsonValue::Kind::kObject);
  if (labels == nullptr) return;
  if (labels->members.size() > kMaxNodeLabels) {
    reader.Report(Code::kTooLarge, "matchLabels",
                  "more than " + std::to_string(kMaxNodeLabels) + " labels");
    return;
  }
  for (const JsonMember& label : labels->members) {
    if (label.value.kind == JsonValue::Kind::kString) {
      decoded.match_labels[label.key] = label.value.text;
    } else {
      decoded.findings.push_back(
          WrongType(Join(reader.At("matchLabels"), label.key), label.value, "a string"));
    }
  }
}

void DecodeOptions(ObjectReader& reader, DecodedSpec& decoded) {
  const auto is_on = [&](std::string_view name, std::span<const ChoiceRow> table) {
    const ChoiceRow* row = reader.GetEnum(name, table);
    return row != nullptr && row->is_on;
  };
  decoded.warn_unknown_syscalls = is_on("unknownSyscalls", kUnknownSyscalls);
  decoded.remove_when_invalid = is_on("onInvalid", kOnInvalid);
  decoded.is_dry_run = is_on("mode", kModes);
  if (reader.Get("capabilities") != nullptr) {
    decoded.capabilities = DecodeCapabilities(reader, "capabilities");
  }
  DecodeBases(reader, decoded);
  DecodeSelector(reader, decoded);
}

// What only a profile without bases must say.
void RequireDefault(ObjectReader& reader, const JsonValue* profile, DecodedSpec& decoded) {
  const JsonValue* bases = reader.Get("bases");
  const bool has_bases =
      bases != nullptr && (bases->kind != JsonValue::Kind::kArray || !bases->elements.empty());
  if (decoded.has_default_action || has_bases) return;
  if (profile == nullptr) {
    reader.ReportMissing("profile", "put the seccomp profile there");
  } else if (profile->kind == JsonValue::Kind::kObject && profile->members.empty()) {
    reader.Report(Code::kEmptyProfile, "profile",
                  "the profile is empty, and runtimes would run a container without any filter; "
                  "give at least defaultAction");
  } else if (profile->kind == JsonValue::Kind::kObject &&
             (profile->Find("defaultAction") == nullptr ||
              profile->Find("defaultAction")->kind == JsonValue::Kind::kNull)) {
    reader.Report(Code::kMissingField, "profile",
                  "defaultAction is missing; write what happens to every call that no rule names");
  }
}

}  // namespace

DecodedProfile DecodeProfile(const JsonValue& value, std::string_view pointer,
                             std::vector<Diagnostic>& findings, std::size_t max_elements) {
  DecodedProfile decoded;
  Profile& profile = decoded.profile;
  ObjectReader reader(value, std::string(pointer), findings);
  reader.CheckNames(kProfileFields, kProfileUnsupported);
  const ActionRow* action = reader.GetEnum("defaultAction", ActionTable());
  decoded.has_default_action = action != nullptr;
  if (action != nullptr) {
    profile.default_action = action->value;
    JudgeAction(action->value, reader.At("defaultAction"), findings);
    profile.default_errno = DecodeErrnoOf(reader, kDefaultErrnoFields, action->value);
  } else {
    const auto number = DecodeErrno(reader, kDefaultErrnoFields);
    decoded.has_default_errno = number.has_value();
    profile.default_errno = number.value_or(kDefaultErrno);
  }
  DecodeArchitectures(reader, decoded);
  JudgeFlags(reader);
  const JsonValue* syscalls = reader.Get("syscalls", JsonValue::Kind::kArray);
  if (syscalls != nullptr) {
    RuleDecoder(findings, max_elements).DecodeAll(*syscalls, reader.At("syscalls"), decoded);
  }
  return decoded;
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
  if (profile != nullptr) {
    static_cast<DecodedProfile&>(decoded) =
        DecodeProfile(*profile, reader.At("profile"), decoded.findings);
  }
  RequireDefault(reader, profile, decoded);
  return decoded;
}

}  // namespace seccompd::profile
