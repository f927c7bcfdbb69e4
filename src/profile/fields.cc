// SPDX-License-Identifier: Apache-2.0
#include "profile/fields.h"

#include <algorithm>
#include <charconv>
#include <limits>
#include <utility>

namespace seccompd::profile {
namespace {

bool IsEmpty(const JsonValue& value) {
  switch (value.kind) {
    case JsonValue::Kind::kNull:
      return true;
    case JsonValue::Kind::kBoolean:
      return !value.boolean;
    case JsonValue::Kind::kString:
      return value.text.empty();
    case JsonValue::Kind::kArray:
      return value.elements.empty();
    case JsonValue::Kind::kObject:
      return value.members.empty();
    case JsonValue::Kind::kUnsigned:
    case JsonValue::Kind::kOtherNumber:
      return false;
  }
  return false;
}

// Decimal without leading zeros (010 is eight to some readers), or 0x.
std::optional<std::uint64_t> ParseUint64(std::string_view text) {
  const bool is_hex = text.starts_with("0x") || text.starts_with("0X");
  if (is_hex) text.remove_prefix(2);
  if (text.empty() || (!is_hex && text.size() > 1 && text.front() == '0')) return std::nullopt;
  std::uint64_t number = 0;
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, number, is_hex ? 16 : 10);
  if (error != std::errc() || stop != end) return std::nullopt;
  return number;
}

}  // namespace

ObjectReader::ObjectReader(const JsonValue& value, std::string pointer,
                           std::vector<Diagnostic>& findings)
    : value_(value), pointer_(std::move(pointer)), findings_(findings) {
  if (value.kind != JsonValue::Kind::kObject) {
    findings_.push_back(WrongType(pointer_, value, "an object"));
  }
}

void ObjectReader::CheckNames(std::span<const std::string_view> known,
                              std::span<const UnsupportedField> unsupported) {
  for (const JsonMember& member : value_.members) {
    if (std::find(known.begin(), known.end(), member.key) != known.end()) continue;
    const auto field =
        std::find_if(unsupported.begin(), unsupported.end(),
                     [&](const UnsupportedField& row) { return row.name == member.key; });
    if (field != unsupported.end()) {
      if (IsEmpty(member.value)) continue;
      Report(Code::kNotSupported, member.key,
             std::string(field->name) + " is not supported by this version of seccompd; " +
                 std::string(field->instead));
      continue;
    }
    std::vector<std::string_view> names(known.begin(), known.end());
    for (const UnsupportedField& row : unsupported) names.push_back(row.name);
    Report(Code::kUnknownField, member.key,
           "there is no field " + Quote(member.key) + " here" + DidYouMean(member.key, names));
  }
}

const JsonValue* ObjectReader::Get(std::string_view name) const {
  const JsonValue* value = value_.Find(name);
  return value == nullptr || value->kind == JsonValue::Kind::kNull ? nullptr : value;
}

const JsonValue* ObjectReader::Get(std::string_view name, JsonValue::Kind kind) {
  const JsonValue* value = Get(name);
  if (value == nullptr || value->kind == kind) return value;
  findings_.push_back(WrongType(At(name), *value, JsonKindName(kind)));
  return nullptr;
}

std::optional<std::uint64_t> ObjectReader::GetNumber(std::string_view name, std::uint64_t most) {
  const JsonValue* value = Get(name);
  if (value == nullptr) return std::nullopt;
  if (value->kind == JsonValue::Kind::kUnsigned && value->number <= most) return value->number;
  const bool is_number =
      value->kind == JsonValue::Kind::kUnsigned || value->kind == JsonValue::Kind::kOtherNumber;
  if (is_number) {
    Report(Code::kOutOfRange, name,
           std::string(name) + " must be a whole number of 0 to " + std::to_string(most));
  } else {
    findings_.push_back(WrongType(At(name), *value, "a number"));
  }
  return std::nullopt;
}

std::optional<std::uint64_t> ObjectReader::GetUint64(std::string_view name) {
  const JsonValue* value = Get(name);
  if (value == nullptr) return std::nullopt;
  if (value->kind != JsonValue::Kind::kString) {
    return GetNumber(name, std::numeric_limits<std::uint64_t>::max());
  }
  const std::optional<std::uint64_t> number = ParseUint64(value->text);
  if (!number.has_value()) {
    Report(Code::kOutOfRange, name,
           Quote(value->text) +
               " is no number of 0 to 18446744073709551615; write decimal digits without a leading "
               "zero, or 0x and hexadecimal ones");
  }
  return number;
}

std::optional<std::string> ObjectReader::GetText(std::string_view name) {
  const JsonValue* value = Get(name, JsonValue::Kind::kString);
  if (value == nullptr || value->text.empty()) return std::nullopt;
  return value->text;
}

std::vector<TextAt> ObjectReader::GetTexts(std::string_view name, std::size_t most) {
  std::vector<TextAt> texts;
  const JsonValue* list = Get(name, JsonValue::Kind::kArray);
  if (list == nullptr) return texts;
  if (list->elements.size() > most) {
    Report(Code::kTooLarge, name,
           std::to_string(list->elements.size()) + " elements; at most " + std::to_string(most) +
               " are taken");
    return texts;
  }
  for (std::size_t i = 0; i < list->elements.size(); ++i) {
    const JsonValue& element = list->elements[i];
    std::string pointer = Join(At(name), i);
    if (element.kind == JsonValue::Kind::kString) {
      texts.push_back({element.text, std::move(pointer)});
    } else {
      findings_.push_back(WrongType(std::move(pointer), element, "a string"));
    }
  }
  return texts;
}

void ObjectReader::Report(Code code, std::string_view name, std::string message) {
  findings_.push_back(MakeFinding(code, At(name), std::move(message)));
}

void ObjectReader::ReportMissing(std::string_view name, std::string_view hint) {
  if (value_.kind != JsonValue::Kind::kObject) return;  // found already
  findings_.push_back(MakeFinding(Code::kMissingField, pointer_,
                                  std::string(name) + " is missing; " + std::string(hint)));
}

std::string ListNames(std::span<const std::string_view> names) {
  std::string list;
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (i > 0) list += i + 1 == names.size() ? " or " : ", ";
    list += names[i];
  }
  return list;
}

Diagnostic WrongType(std::string pointer, const JsonValue& value, std::string_view wanted) {
  return MakeFinding(
      Code::kWrongType, std::move(pointer),
      "expected " + std::string(wanted) + ", found " + std::string(JsonKindName(value.kind)));
}

void ReportNotOneOf(std::string pointer, std::string_view text,
                    std::span<const std::string_view> names, std::vector<Diagnostic>& findings) {
  std::string message = Quote(text) + " is not known here" + DidYouMean(text, names);
  if (Nearest(text, names).empty()) message += "; use " + ListNames(names);
  findings.push_back(MakeFinding(Code::kInvalidValue, std::move(pointer), std::move(message)));
}

}  // namespace seccompd::profile
