// SPDX-License-Identifier: Apache-2.0
#include "seccompd/profile/convert.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <map>
#include <optional>
#include <utility>

#include "seccompd/profile/json.h"
#include "seccompd/profile/text.h"
#include "seccompd/profile/types.h"

#include "profile/manifest_writer.h"

namespace seccompd::profile {
namespace {

using Kind = JsonValue::Kind;

constexpr std::size_t kMaxDepth = 40;
constexpr std::uint64_t kMaxApiNumber = std::uint64_t{1} << 63;  // the API server takes no larger
constexpr int kMaxErrnoNumber = 133;

struct LeftOutRow {
  std::string_view name;
  std::string_view why;
};
constexpr std::array<LeftOutRow, 3> kLeftOut = {{
    {"flags", "runc before 1.2 refuses a profile that has any"},
    {"listenerPath", "the runtime would connect, as root, to a socket of the profile's choice"},
    {"listenerMetadata", "it goes with listenerPath"},
}};

JsonValue StringValue(std::string text) {
  JsonValue value;
  value.kind = Kind::kString;
  value.text = std::move(text);
  return value;
}

JsonValue NumberValue(std::uint64_t number) {
  JsonValue value;
  value.kind = Kind::kUnsigned;
  value.number = number;
  return value;
}

bool IsEmpty(const JsonValue& value) {
  return value.kind == Kind::kNull || (value.kind == Kind::kString && value.text.empty()) ||
         (value.kind == Kind::kArray && value.elements.empty()) ||
         (value.kind == Kind::kObject && value.members.empty());
}

void Set(JsonValue& object, std::string_view key, JsonValue value) {
  std::erase_if(object.members, [&](const JsonMember& member) { return member.key == key; });
  object.members.push_back({std::string(key), std::move(value)});
}

void Remove(JsonValue& object, std::string_view key) {
  std::erase_if(object.members, [&](const JsonMember& member) { return member.key == key; });
}

std::string TextAt(const JsonValue& object, std::string_view key) {
  const JsonValue* value = object.Find(key);
  return value != nullptr && value->kind == Kind::kString ? value->text : "";
}

// "ENOSYS" or "38".
std::optional<std::uint64_t> ErrnoOf(const std::string& text) {
  for (int number = 1; number <= kMaxErrnoNumber; ++number) {
    const char* const name = ::strerrorname_np(number);
    if (std::to_string(number) == text || (name != nullptr && text == name)) {
      return static_cast<std::uint64_t>(number);
    }
  }
  return std::nullopt;
}

class Converter {
 public:
  explicit Converter(std::vector<std::string>& notes) : notes_(notes) {}

  // The profile with its members tidied; its syscalls are the elements of the answer's.
  JsonValue Tidy(const JsonValue& profile);

 private:
  void Note(std::string text) {
    if (std::find(notes_.begin(), notes_.end(), text) == notes_.end()) {
      notes_.push_back(std::move(text));
    }
  }
  // Docker's string form beside or instead of the number; and a number where none can be.
  void TidyErrno(JsonValue& object, std::string_view action, std::string_view text_key,
                 std::string_view number_key);
  std::vector<JsonValue> TidyRule(JsonValue rule);
  void TidyArg(JsonValue& arg);
  void KeepOnly(JsonValue& object, std::span<const std::string_view> known);
  static void AddTo(std::vector<JsonValue>& elements, JsonValue rule);

  std::vector<std::string>& notes_;
};

void Converter::TidyErrno(JsonValue& object, std::string_view action, std::string_view text_key,
                          std::string_view number_key) {
  const std::string text = TextAt(object, text_key);
  if (const auto number = ErrnoOf(text); number.has_value() && object.Find(number_key) == nullptr) {
    Set(object, number_key, NumberValue(*number));
    Note(std::string(text_key) + ": " + text + " is written as " + std::string(number_key));
  }
  Remove(object, text_key);
  const std::optional<Action> known = FindAction(TextAt(object, action));
  const JsonValue* number = object.Find(number_key);
  if (known.has_value() && !HasErrno(*known) && number != nullptr) {
    Note(std::string(number_key) + " beside " + std::string(ActionName(*known)) +
         " is left out: it has no effect, and crun refuses it");
    Remove(object, number_key);
  }
}

void Converter::KeepOnly(JsonValue& object, std::span<const std::string_view> known) {
  for (const JsonMember& member : object.members) {
    if (IsEmpty(member.value)) continue;
    if (std::find(known.begin(), known.end(), member.key) != known.end()) continue;
    const auto* const row = std::find_if(kLeftOut.begin(), kLeftOut.end(),
                                         [&](const LeftOutRow& r) { return r.name == member.key; });
    const std::string_view why = row == kLeftOut.end() ? "no runtime reads it" : row->why;
    Note(CleanText(member.key) + " is left out: " + std::string(why));
  }
  std::erase_if(object.members, [&](const JsonMember& member) {
    return IsEmpty(member.value) ||
           std::find(known.begin(), known.end(), member.key) == known.end();
  });
}

void Converter::TidyArg(JsonValue& arg) {
  if (arg.kind != Kind::kObject) return;
  const JsonValue* two = arg.Find("valueTwo");
  const bool is_masked = TextAt(arg, "op") == OperatorName(Operator::kMaskedEqual);
  if (two != nullptr && !is_masked) {
    if (two->kind != Kind::kUnsigned || two->number != 0) {
      Note("valueTwo is left out where op is not SCMP_CMP_MASKED_EQ: it has no effect there");
    }
    Remove(arg, "valueTwo");
  }
  for (JsonMember& member : arg.members) {
    JsonValue& value = member.value;
    if (value.kind == Kind::kUnsigned && value.number >= kMaxApiNumber) {
      value = StringValue(std::to_string(value.number));
    }
  }
}

// Several elements where one argument has two conditions: the runtimes read those as alternatives.
std::vector<JsonValue> Converter::TidyRule(JsonValue rule) {
  if (rule.kind != Kind::kObject) return {std::move(rule)};
  TidyErrno(rule, "action", "errno", "errnoRet");
  if (const std::string name = TextAt(rule, "name");
      !name.empty() && rule.Find("names") == nullptr) {
    JsonValue names;
    names.kind = Kind::kArray;
    names.elements.push_back(StringValue(name));
    Set(rule, "names", std::move(names));
    Note("name is written as names: the runtimes ignore a rule with name");
  }
  Remove(rule, "name");
  KeepOnly(rule, kWrittenRuleMembers);
  auto args = std::find_if(rule.members.begin(), rule.members.end(),
                           [](const JsonMember& member) { return member.key == "args"; });
  if (args == rule.members.end()) return {std::move(rule)};
  std::map<std::uint64_t, std::size_t> uses;
  bool is_double = false;
  for (JsonValue& arg : args->value.elements) {
    TidyArg(arg);
    const JsonValue* index = arg.Find("index");
    if (index != nullptr && ++uses[index->number] > 1) is_double = true;
  }
  if (!is_double) return {std::move(rule)};
  Note(
      "a rule with two conditions on one argument is written as one rule for each of its "
      "conditions: that is how the runtimes read it");
  std::vector<JsonValue> rules;
  for (const JsonValue& arg : args->value.elements) {
    JsonValue one = rule;
    JsonValue list;
    list.kind = Kind::kArray;
    list.elements.push_back(arg);
    Set(one, "args", std::move(list));
    rules.push_back(std::move(one));
  }
  return rules;
}

// Into the element that says the same about other names, if there is one.
void Converter::AddTo(std::vector<JsonValue>& elements, JsonValue rule) {
  const auto rest = [](JsonValue value) {
    Remove(value, "names");
    std::sort(value.members.begin(), value.members.end(),
              [](const JsonMember& a, const JsonMember& b) { return a.key < b.key; });
    return WriteJson(value);
  };
  const JsonValue* names = rule.Find("names");
  if (names == nullptr || names->kind != Kind::kArray) {
    elements.push_back(std::move(rule));
    return;
  }
  for (JsonValue& element : elements) {
    const auto list = std::find_if(element.members.begin(), element.members.end(),
                                   [](const JsonMember& member) { return member.key == "names"; });
    if (list == element.members.end() || rest(element) != rest(rule)) continue;
    auto& into = list->value.elements;
    into.insert(into.end(), names->elements.begin(), names->elements.end());
    return;
  }
  elements.push_back(std::move(rule));
}

JsonValue Converter::Tidy(const JsonValue& profile) {
  JsonValue tidy = profile;
  JsonValue syscalls;
  syscalls.kind = Kind::kArray;
  if (const JsonValue* list = profile.Find("syscalls"); list != nullptr) {
    for (const JsonValue& element : list->elements) {
      for (JsonValue& rule : TidyRule(element)) AddTo(syscalls.elements, std::move(rule));
    }
  }
  for (JsonValue& element : syscalls.elements) {
    for (JsonMember& member : element.members) {
      if (member.key != "names") continue;
      auto& names = member.value.elements;
      std::sort(names.begin(), names.end(),
                [](const JsonValue& a, const JsonValue& b) { return a.text < b.text; });
      const auto is_same = [](const JsonValue& a, const JsonValue& b) {
        return a.kind == Kind::kString && b.kind == Kind::kString && a.text == b.text;
      };
      names.erase(std::unique(names.begin(), names.end(), is_same), names.end());
    }
  }
  Remove(tidy, "syscalls");
  TidyErrno(tidy, "defaultAction", "defaultErrno", "defaultErrnoRet");
  KeepOnly(tidy, kWrittenProfileMembers);
  if (!syscalls.elements.empty()) tidy.members.push_back({"syscalls", std::move(syscalls)});
  return tidy;
}

}  // namespace

Result<Converted> Convert(const ConvertRequest& request) {
  const Result<JsonValue> spec = ParseJson(request.spec, kMaxDepth);
  if (!spec.ok()) return spec.error();
  const JsonValue* profile = spec->Find("profile");
  if (profile == nullptr || profile->kind != Kind::kObject) {
    return Error{ErrorCode::kInvalid, "there is no object spec.profile to convert"};
  }
  Converted converted;
  const JsonValue tidy = Converter(converted.notes).Tidy(*profile);
  converted.yaml = WriteManifest(request, *spec, tidy, converted.notes);
  return converted;
}

}  // namespace seccompd::profile
