// SPDX-License-Identifier: Apache-2.0
#include "profile/yaml_writer.h"

#include <algorithm>
#include <array>

namespace seccompd::profile {
namespace {

constexpr std::size_t kColumns = 100;
// Words that YAML 1.1 or 1.2 reads as something else than a string, in lower case.
constexpr std::array<std::string_view, 9> kWords = {"null", "true", "false", "yes", "no",
                                                    "on",   "off",  "y",     "n"};

bool IsLetter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }

bool IsPlain(std::string_view text) {
  if (text.empty() || !IsLetter(text.front())) return false;
  const bool has_plain_characters = std::all_of(text.begin(), text.end(), [](char c) {
    return IsLetter(c) || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '/';
  });
  std::string lower(text);
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  return has_plain_characters && std::find(kWords.begin(), kWords.end(), lower) == kWords.end();
}

}  // namespace

std::string YamlScalar(std::string_view text) {
  if (IsPlain(text)) return std::string(text);
  std::string quoted;
  AppendJsonString(quoted, text);
  return quoted;
}

std::string YamlFlow(const JsonValue& value) {
  std::string out;
  switch (value.kind) {
    case JsonValue::Kind::kString:
      return YamlScalar(value.text);
    case JsonValue::Kind::kArray:
      for (const JsonValue& element : value.elements) {
        out += (out.empty() ? "" : ", ") + YamlFlow(element);
      }
      return "[" + out + "]";
    case JsonValue::Kind::kObject:
      for (const JsonMember& member : value.members) {
        out += (out.empty() ? "" : ", ") + YamlScalar(member.key) + ": " + YamlFlow(member.value);
      }
      return "{" + out + "}";
    case JsonValue::Kind::kNull:
    case JsonValue::Kind::kBoolean:
    case JsonValue::Kind::kUnsigned:
    case JsonValue::Kind::kOtherNumber:
      return WriteJson(value);
  }
  return out;
}

std::string YamlList(const JsonValue& list, std::size_t indent, std::size_t used) {
  std::string out = "[";
  std::size_t column = used + 1;
  for (std::size_t i = 0; i < list.elements.size(); ++i) {
    const bool is_last = i + 1 == list.elements.size();
    const std::string element = YamlFlow(list.elements[i]) + (is_last ? "]" : ",");
    const std::size_t space = i == 0 ? 0 : 1;
    if (i > 0 && column + space + element.size() > kColumns) {
      out += "\n" + std::string(indent, ' ');
      column = indent;
    } else if (i > 0) {
      out.push_back(' ');
      ++column;
    }
    out += element;
    column += element.size();
  }
  return list.elements.empty() ? "[]" : out;
}

}  // namespace seccompd::profile
