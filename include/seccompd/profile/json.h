// SPDX-License-Identifier: Apache-2.0
#pragma once
// JSON text -> a small tree that keeps what nlohmann's own drops: the order of members, duplicate
// keys, and numbers as they were written. Bounded depth; never recursive on input. Not a general
// JSON library: what seccompd reads strictly goes through here. Thread-safe (no state).

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "seccompd/base/result.h"

namespace seccompd::profile {

struct JsonMember;

struct JsonValue {
  enum class Kind { kNull, kBoolean, kUnsigned, kOtherNumber, kString, kArray, kObject };
  Kind kind = Kind::kNull;
  bool boolean = false;
  std::uint64_t number = 0;         // of kUnsigned: a whole number of 0 to 2^64-1
  std::string text;                 // of kString; of kOtherNumber as it was written
  std::vector<JsonValue> elements;  // of kArray
  std::vector<JsonMember> members;  // of kObject, in the text's order, duplicates included

  // The first member of that name; null when there is none (or no object).
  const JsonValue* Find(std::string_view key) const;
};

struct JsonMember {
  std::string key;
  JsonValue value;
};

// "a number", "an object", ...: for messages.
std::string_view JsonKindName(JsonValue::Kind kind);

// kInvalid: no JSON (with line and column), something behind it, invalid UTF-8, or deeper than
// max_depth.
Result<JsonValue> ParseJson(std::string_view text, std::size_t max_depth);

// JSON pointers of every member whose key stood before in the same object, at most `limit`.
std::vector<std::string> FindDuplicateKeys(const JsonValue& value, std::size_t limit);

// Compact JSON text.
std::string WriteJson(const JsonValue& value);
// Appends `text` as a JSON string. It must be UTF-8.
void AppendJsonString(std::string& out, std::string_view text);

}  // namespace seccompd::profile
