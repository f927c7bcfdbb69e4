// SPDX-License-Identifier: Apache-2.0
#include "seccompd/profile/read_profile.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <utility>

#include "seccompd/profile/codes.h"
#include "seccompd/profile/json.h"
#include "seccompd/profile/text.h"

#include "profile/read_otherwise.h"

namespace seccompd::profile {
namespace {

constexpr std::size_t kMaxDepth = 40;  // YAML's 32 and some
constexpr std::size_t kMaxProfiles = 1024;

constexpr std::string_view kOwnApi = "seccompd.io/";
constexpr std::string_view kOwnKind = "TenantSeccompProfile";
constexpr std::string_view kPeerKind = "SeccompProfile";

// Members of a plain profile file: one of them makes an object without kind a profile.
constexpr std::array<std::string_view, 4> kProfileMembers = {"defaultAction", "syscalls", "archMap",
                                                             "architectures"};
// What the other tools' specs hold beside the profile.
constexpr std::array<std::string_view, 3> kPeerFields = {"baseProfileName", "disabled", "state"};

std::string StringAt(const JsonValue& object, std::string_view key) {
  const JsonValue* value = object.Find(key);
  return value == nullptr || value->kind != JsonValue::Kind::kString ? "" : value->text;
}

JsonValue* FindMutable(JsonValue& object, std::string_view key) {
  for (JsonMember& member : object.members) {
    if (member.key == key) return &member.value;
  }
  return nullptr;
}

std::string SpecAround(const JsonValue& profile) {
  return "{\"profile\":" + WriteJson(profile) + "}";
}

// The other tools write Go's zero values by leaving them out: index 0, value 0; and errnoRet 0 is
// no error number but "none given".
void FillZeroes(JsonValue& rule) {
  std::erase_if(rule.members, [](const JsonMember& member) {
    return member.key == "errnoRet" && member.value.kind == JsonValue::Kind::kUnsigned &&
           member.value.number == 0;
  });
  JsonValue* args = FindMutable(rule, "args");
  if (args == nullptr) return;
  for (JsonValue& arg : args->elements) {
    if (arg.kind != JsonValue::Kind::kObject) continue;
    for (const std::string_view name : {"index", "value"}) {
      if (arg.Find(name) != nullptr) continue;
      JsonValue zero;
      zero.kind = JsonValue::Kind::kUnsigned;
      arg.members.push_back({std::string(name), std::move(zero)});
    }
  }
}

// The spec of another tool's SeccompProfile as a plain profile.
JsonValue PeerProfile(JsonValue spec, std::vector<std::string>& left_out) {
  for (const std::string_view name : kPeerFields) {
    const JsonValue* field = spec.Find(name);
    if (field == nullptr) continue;
    const std::string value =
        field->kind == JsonValue::Kind::kString ? field->text : WriteJson(*field);
    left_out.push_back(std::string(name) + ": " + CleanText(value));
  }
  std::erase_if(spec.members, [](const JsonMember& member) {
    return std::find(kPeerFields.begin(), kPeerFields.end(), member.key) != kPeerFields.end();
  });
  if (JsonValue* architectures = FindMutable(spec, "architectures"); architectures != nullptr) {
    // The node's own architecture is always in.
    std::erase_if(architectures->elements,
                  [](const JsonValue& value) { return value.text == "SCMP_ARCH_NATIVE"; });
  }
  if (JsonValue* syscalls = FindMutable(spec, "syscalls"); syscalls != nullptr) {
    for (JsonValue& rule : syscalls->elements) FillZeroes(rule);
  }
  return spec;
}

class Reader {
 public:
  void ReadDocument(std::size_t index, const YamlDocument& document) {
    document_ = index;
    line_ = document.line;
    const Result<JsonValue> json = ParseJson(document.json, kMaxDepth);
    if (!json.ok()) {
      Report(Code::kInvalidYaml, "", json.error().message);
      return;
    }
    ReadValue(*json, "");
  }
  bool has_plain() const { return has_plain_; }
  void Note(std::optional<Diagnostic> finding) {
    if (finding.has_value()) {
      file_.findings.push_back({document_, *std::move(finding), std::nullopt});
    }
  }
  ReadFile Take() { return std::move(file_); }
  void Report(Code code, std::string pointer, std::string message) {
    file_.findings.push_back(
        {document_, MakeFinding(code, std::move(pointer), std::move(message)), std::nullopt});
  }

 private:
  void ReadValue(const JsonValue& value, const std::string& pointer);
  void ReadOwn(const JsonValue& object, const std::string& pointer);
  void ReadPeer(const JsonValue& object, const std::string& pointer);
  void ReadContainers(const JsonValue& object, const std::string& pointer);
  void Skip(const JsonValue& object, const std::string& pointer);
  FoundProfile Start(const JsonValue& object, std::string format) const;
  void Add(FoundProfile profile);

  ReadFile file_;
  std::size_t document_ = 0;
  std::uint32_t line_ = 1;
  bool has_plain_ = false;  // a profile that is no manifest
};

FoundProfile Reader::Start(const JsonValue& object, std::string format) const {
  FoundProfile found;
  found.format = std::move(format);
  found.document = document_;
  found.line = line_;
  if (const JsonValue* metadata = object.Find("metadata"); metadata != nullptr) {
    found.name_space = StringAt(*metadata, "namespace");
    found.name = StringAt(*metadata, "name");
  }
  return found;
}

void Reader::Add(FoundProfile profile) {
  if (file_.profiles.size() == kMaxProfiles) {
    Report(Code::kTooLarge, "", "more than 1024 profiles in one file; split it");
  }
  if (file_.profiles.size() < kMaxProfiles) file_.profiles.push_back(std::move(profile));
}

void Reader::ReadValue(const JsonValue& value, const std::string& pointer) {
  if (value.kind != JsonValue::Kind::kObject) {
    Report(
        Code::kWrongType, pointer,
        "expected a seccomp profile or a manifest, found " + std::string(JsonKindName(value.kind)));
    return;
  }
  const std::string kind = StringAt(value, "kind");
  const std::string api = StringAt(value, "apiVersion");
  const JsonValue* items = value.Find("items");
  if (kind.ends_with("List") && items != nullptr && items->kind == JsonValue::Kind::kArray) {
    for (std::size_t i = 0; i < items->elements.size(); ++i) {
      ReadValue(items->elements[i], Join(pointer + "/items", i));
    }
  } else if (kind == kOwnKind || api.starts_with(kOwnApi)) {
    ReadOwn(value, pointer);
  } else if (kind == kPeerKind) {
    ReadPeer(value, pointer);
  } else if (!kind.empty()) {
    Skip(value, pointer);
  } else if (value.Find("profile") != nullptr) {
    FoundProfile found = Start({}, "spec of a TenantSeccompProfile");
    found.spec = WriteJson(value);
    found.spec_pointer = pointer;
    found.profile_pointer = pointer + "/profile";
    Add(std::move(found));
  } else if (std::any_of(kProfileMembers.begin(), kProfileMembers.end(),
                         [&](std::string_view name) { return value.Find(name) != nullptr; })) {
    FoundProfile found = Start({}, "seccomp profile");
    found.spec = SpecAround(value);
    found.profile_pointer = pointer;
    Note(FindDockersWords(value, pointer));
    has_plain_ = true;
    Add(std::move(found));
  } else {
    Report(Code::kMissingField, pointer,
           "neither a seccomp profile (defaultAction is missing) nor a manifest (kind is missing)");
  }
}

void Reader::ReadOwn(const JsonValue& object, const std::string& pointer) {
  const std::string kind = StringAt(object, "kind");
  if (kind != kOwnKind) return Skip(object, pointer);
  if (StringAt(object, "apiVersion") != "seccompd.io/v1alpha1") {
    Report(Code::kInvalidValue, pointer + "/apiVersion",
           "the API version of a TenantSeccompProfile is seccompd.io/v1alpha1");
  }
  FoundProfile found = Start(object, kind);
  if (found.name.empty()) {
    Report(Code::kMissingField, pointer + "/metadata", "metadata.name is missing");
  }
  const JsonValue* spec = object.Find("spec");
  found.spec = spec == nullptr || spec->kind == JsonValue::Kind::kNull ? "" : WriteJson(*spec);
  found.spec_pointer = pointer + "/spec";
  found.profile_pointer = pointer + "/spec/profile";
  Add(std::move(found));
}

void Reader::ReadPeer(const JsonValue& object, const std::string& pointer) {
  const JsonValue* spec = object.Find("spec");
  if (spec == nullptr || spec->kind != JsonValue::Kind::kObject) {
    Report(Code::kMissingField, pointer, "spec is missing");
    return;
  }
  if (StringAt(object, "apiVersion").starts_with("security-profiles-operator.x-k8s.io/")) {
    FoundProfile found = Start(object, "SeccompProfile (Security Profiles Operator)");
    found.spec = SpecAround(PeerProfile(*spec, found.left_out));
    found.profile_pointer = pointer + "/spec";
    Add(std::move(found));
    return;
  }
  const std::size_t before = file_.profiles.size();
  ReadContainers(object, pointer);
  if (file_.profiles.size() == before) Skip(object, pointer);
}

// Kubescape: a profile for each container.
void Reader::ReadContainers(const JsonValue& object, const std::string& pointer) {
  for (const std::string_view list_name : {"containers", "initContainers", "ephemeralContainers"}) {
    const JsonValue* list = object.Find("spec")->Find(list_name);
    if (list == nullptr) continue;
    const std::string list_pointer = Join(pointer + "/spec", list_name);
    for (std::size_t i = 0; i < list->elements.size(); ++i) {
      const JsonValue* spec = list->elements[i].Find("spec");
      if (spec == nullptr || spec->kind != JsonValue::Kind::kObject) continue;
      FoundProfile found = Start(object, "SeccompProfile (Kubescape)");
      found.container = StringAt(list->elements[i], "name");
      found.spec = SpecAround(PeerProfile(*spec, found.left_out));
      found.profile_pointer = Join(list_pointer, i) + "/spec";
      Add(std::move(found));
    }
  }
}

// Beside profiles a file may hold anything; alone it is a fault (see ReadProfiles).
void Reader::Skip(const JsonValue& object, const std::string& pointer) {
  Diagnostic finding = MakeFinding(
      Code::kInvalidValue, pointer + "/kind",
      Quote(StringAt(object, "kind")) +
          " holds no seccomp profile and is skipped; what does: TenantSeccompProfile, "
          "SeccompProfile of the Security Profiles Operator or of Kubescape, a plain profile");
  finding.severity = Severity::kInfo;
  file_.findings.push_back({document_, std::move(finding), std::nullopt});
}

// "line 3, column 7: ..." is how the YAML reader says where.
FileFinding SyntaxFinding(const std::string& message) {
  FileFinding found{0, MakeFinding(Code::kInvalidYaml, "", message), std::nullopt};
  Position position;
  int used = 0;
  // NOLINTNEXTLINE(cert-err34-c): our own text, with numbers that fit
  if (std::sscanf(message.c_str(), "line %u, column %u: %n", &position.line, &position.column,
                  &used) == 2 &&
      used > 0) {
    found.position = position;
    found.finding.message.erase(0, static_cast<std::size_t>(used));
  }
  return found;
}

}  // namespace

ReadFile ReadProfiles(std::string_view text) {
  Reader reader;
  const auto documents = YamlToJson(text, kMaxProfileFileBytes);
  if (!documents.ok()) {
    return {{}, {SyntaxFinding(documents.error().message)}};
  }
  for (std::size_t i = 0; i < documents->size(); ++i) reader.ReadDocument(i, (*documents)[i]);
  if (reader.has_plain()) reader.Note(FindNoJson(text));
  ReadFile file = reader.Take();
  if (!file.profiles.empty()) return file;
  for (FileFinding& found : file.findings) found.finding.severity = Severity::kError;
  if (file.findings.empty()) {
    file.findings.push_back(
        {0, MakeFinding(Code::kEmptyProfile, "", "the file is empty; it holds no seccomp profile"),
         std::nullopt});
  }
  return file;
}

std::vector<Position> Locate(std::string_view text, const std::vector<Wanted>& wanted) {
  std::vector<Position> positions(wanted.size());
  const auto documents = YamlToJsonWithPositions(text, kMaxProfileFileBytes);
  if (!documents.ok()) return positions;
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    const Place& place = wanted[i].place;
    if (place.document >= documents->size()) continue;
    const YamlDocument& document = (*documents)[place.document];
    positions[i] = {document.line, 1};
    std::string pointer = place.pointer;
    for (bool is_exact = true;; is_exact = false) {
      const auto found = document.positions.find(pointer);
      if (found != document.positions.end()) {
        positions[i] = wanted[i].is_key && is_exact ? found->second.key : found->second.value;
        break;
      }
      if (pointer.empty()) break;
      pointer.erase(pointer.rfind('/'));
    }
  }
  return positions;
}

}  // namespace seccompd::profile
