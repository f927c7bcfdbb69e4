// SPDX-License-Identifier: Apache-2.0
#pragma once
// One JSON object read strictly: typed members by name, each fault a finding with its pointer. An
// explicit null counts as absent, as Go's reader has it. Internal to the decoder; not thread-safe.

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "seccompd/profile/codes.h"
#include "seccompd/profile/json.h"
#include "seccompd/profile/text.h"

namespace seccompd::profile {

// A member that is known but has no effect yet: refused unless empty (null, false, "", [], {}).
struct UnsupportedField {
  std::string_view name;
  std::string_view instead;  // what to write: the end of the message
};

// A string and where it stands.
struct TextAt {
  std::string text;
  std::string pointer;
};

class ObjectReader {
 public:
  // The value is no object: one finding, and every member is absent.
  ObjectReader(const JsonValue& value, std::string pointer, std::vector<Diagnostic>& findings);

  // Finds members that are neither in `known` nor in `unsupported`, and non-empty ones of the
  // latter.
  void CheckNames(std::span<const std::string_view> known,
                  std::span<const UnsupportedField> unsupported);

  // Null when absent.
  const JsonValue* Get(std::string_view name) const;
  // Null when absent, or of another kind (a finding).
  const JsonValue* Get(std::string_view name, JsonValue::Kind kind);
  std::optional<std::uint64_t> GetNumber(std::string_view name, std::uint64_t most);
  // Of a string; an empty one counts as absent.
  std::optional<std::string> GetText(std::string_view name);
  // The elements of a list of strings. One that is no string is a finding and left out, a list of
  // more than `most` too.
  std::vector<TextAt> GetTexts(std::string_view name, std::size_t most);
  // A number, or a string of decimal or 0x digits.
  std::optional<std::uint64_t> GetUint64(std::string_view name);
  // The row of `table` whose .name the member is.
  template <class Row>
  const Row* GetEnum(std::string_view name, std::span<const Row> table);

  void Report(Code code, std::string_view name, std::string message);
  void ReportMissing(std::string_view name, std::string_view hint);
  std::string At(std::string_view name) const { return Join(pointer_, name); }
  const std::string& pointer() const { return pointer_; }
  std::vector<Diagnostic>& findings() { return findings_; }

 private:
  const JsonValue& value_;
  std::string pointer_;
  std::vector<Diagnostic>& findings_;
};

// "X, Y or Z".
std::string ListNames(std::span<const std::string_view> names);
Diagnostic WrongType(std::string pointer, const JsonValue& value, std::string_view wanted);
// Adds a finding InvalidValue about `text` at `pointer`.
void ReportNotOneOf(std::string pointer, std::string_view text,
                    std::span<const std::string_view> names, std::vector<Diagnostic>& findings);

template <class Row>
const Row* FindRow(const JsonValue& value, const std::string& pointer, std::span<const Row> table,
                   std::vector<Diagnostic>& findings) {
  if (value.kind != JsonValue::Kind::kString) {
    findings.push_back(WrongType(pointer, value, "a string"));
    return nullptr;
  }
  std::vector<std::string_view> names;
  for (const Row& row : table) {
    if (row.name == value.text) return &row;
    names.push_back(row.name);
  }
  ReportNotOneOf(pointer, value.text, names, findings);
  return nullptr;
}

template <class Row>
const Row* ObjectReader::GetEnum(std::string_view name, std::span<const Row> table) {
  const JsonValue* value = Get(name);
  return value == nullptr ? nullptr : FindRow(*value, At(name), table, findings_);
}

}  // namespace seccompd::profile
