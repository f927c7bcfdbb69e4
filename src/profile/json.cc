// SPDX-License-Identifier: Apache-2.0
#include "seccompd/profile/json.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <set>
#include <utility>

#include <nlohmann/json.hpp>

#include "seccompd/profile/text.h"

namespace seccompd::profile {
namespace {

constexpr std::string_view kHex = "0123456789abcdef";

// Builds the tree from nlohmann's events; answering false ends the parse.
class TreeBuilder {
 public:
  explicit TreeBuilder(std::size_t max_depth) : max_depth_(max_depth) {}

  bool null() { return Add({}); }
  bool boolean(bool value) {
    JsonValue node;
    node.kind = JsonValue::Kind::kBoolean;
    node.boolean = value;
    return Add(std::move(node));
  }
  bool number_integer(std::int64_t value) { return AddOtherNumber(std::to_string(value)); }
  bool number_unsigned(std::uint64_t value) {
    JsonValue node;
    node.kind = JsonValue::Kind::kUnsigned;
    node.number = value;
    return Add(std::move(node));
  }
  bool number_float(double /*value*/, const std::string& text) { return AddOtherNumber(text); }
  bool string(std::string& value) {
    JsonValue node;
    node.kind = JsonValue::Kind::kString;
    node.text = std::move(value);
    return Add(std::move(node));
  }
  bool binary(const nlohmann::json::binary_t& /*value*/) { return false; }  // never in text
  bool start_object(std::size_t /*size*/) { return Open(JsonValue::Kind::kObject); }
  bool start_array(std::size_t /*size*/) { return Open(JsonValue::Kind::kArray); }
  bool key(std::string& value) {
    open_.back()->members.push_back({std::move(value), {}});
    return true;
  }
  bool end_object() { return Close(); }
  bool end_array() { return Close(); }
  bool parse_error(std::size_t /*position*/, const std::string& /*last_token*/,
                   const nlohmann::json::exception& exception) {
    error_ = exception.what();
    // "[json.exception.parse_error.101] parse error at line 1, column 2: ...": the class is noise.
    const std::size_t end = error_.find("] ");
    if (end != std::string::npos) error_.erase(0, end + 2);
    return false;
  }

  bool is_too_deep() const { return is_too_deep_; }
  const std::string& error() const { return error_; }
  JsonValue Take() { return std::move(root_); }

 private:
  bool AddOtherNumber(std::string text) {
    JsonValue node;
    node.kind = JsonValue::Kind::kOtherNumber;
    node.text = std::move(text);
    return Add(std::move(node));
  }

  JsonValue* Place(JsonValue node) {
    if (open_.empty()) {
      root_ = std::move(node);
      return &root_;
    }
    JsonValue& parent = *open_.back();
    if (parent.kind == JsonValue::Kind::kArray) {
      parent.elements.push_back(std::move(node));
      return &parent.elements.back();
    }
    parent.members.back().value = std::move(node);
    return &parent.members.back().value;
  }
  bool Add(JsonValue node) {
    Place(std::move(node));
    return true;
  }
  bool Open(JsonValue::Kind kind) {
    if (open_.size() >= max_depth_) {
      is_too_deep_ = true;
      return false;
    }
    JsonValue node;
    node.kind = kind;
    // The pointer stays good: a parent gets no further child while this one is open.
    open_.push_back(Place(std::move(node)));
    return true;
  }
  bool Close() {
    open_.pop_back();
    return true;
  }

  std::size_t max_depth_;
  bool is_too_deep_ = false;
  std::string error_;
  JsonValue root_;
  std::vector<JsonValue*> open_;
};

// By character: 1 for what JSON writes in another way within a string.
constexpr std::array<std::uint8_t, 256> kEscapes = [] {
  std::array<std::uint8_t, 256> escapes{};
  std::fill_n(escapes.begin(), 0x20, std::uint8_t{1});
  escapes['"'] = escapes['\\'] = 1;
  return escapes;
}();

// The way down to a value; the text of a pointer is made only for what is found.
struct Step {
  const Step* parent = nullptr;
  const std::string* key = nullptr;  // of an object's member
  std::size_t index = 0;             // of an array's element
};

std::string PointerTo(const Step* step) {
  if (step == nullptr) return "";
  const std::string parent = PointerTo(step->parent);
  return step->key != nullptr ? Join(parent, *step->key) : Join(parent, step->index);
}

bool StoodBefore(const std::vector<JsonMember>& members, std::size_t index) {
  const auto end = members.begin() + static_cast<std::ptrdiff_t>(index);
  return std::any_of(members.begin(), end,
                     [&](const JsonMember& other) { return other.key == members[index].key; });
}

void CollectDuplicates(const JsonValue& value, const Step* at, std::size_t limit,
                       std::vector<std::string>& found) {
  constexpr std::size_t kSmall = 16;  // from here on a set is cheaper than looking back
  for (std::size_t i = 0; i < value.elements.size(); ++i) {
    const Step step{at, nullptr, i};
    if (found.size() < limit) CollectDuplicates(value.elements[i], &step, limit, found);
  }
  std::set<std::string_view> keys;
  const bool is_small = value.members.size() <= kSmall;
  for (std::size_t i = 0; i < value.members.size() && found.size() < limit; ++i) {
    const JsonMember& member = value.members[i];
    const Step step{at, &member.key, 0};
    const bool is_double =
        is_small ? StoodBefore(value.members, i) : !keys.insert(member.key).second;
    if (is_double) found.push_back(PointerTo(&step));
    CollectDuplicates(member.value, &step, limit, found);
  }
}

void AppendJson(std::string& out, const JsonValue& value) {
  switch (value.kind) {
    case JsonValue::Kind::kNull:
      out += "null";
      return;
    case JsonValue::Kind::kBoolean:
      out += value.boolean ? "true" : "false";
      return;
    case JsonValue::Kind::kUnsigned:
      out += std::to_string(value.number);
      return;
    case JsonValue::Kind::kOtherNumber:
      out += value.text;
      return;
    case JsonValue::Kind::kString:
      AppendJsonString(out, value.text);
      return;
    case JsonValue::Kind::kArray:
      out.push_back('[');
      for (const JsonValue& element : value.elements) {
        if (&element != value.elements.data()) out.push_back(',');
        AppendJson(out, element);
      }
      out.push_back(']');
      return;
    case JsonValue::Kind::kObject:
      out.push_back('{');
      for (const JsonMember& member : value.members) {
        if (&member != value.members.data()) out.push_back(',');
        AppendJsonString(out, member.key);
        out.push_back(':');
        AppendJson(out, member.value);
      }
      out.push_back('}');
      return;
  }
}

}  // namespace

const JsonValue* JsonValue::Find(std::string_view key) const {
  for (const JsonMember& member : members) {
    if (member.key == key) return &member.value;
  }
  return nullptr;
}

std::string_view JsonKindName(JsonValue::Kind kind) {
  switch (kind) {
    case JsonValue::Kind::kNull:
      return "null";
    case JsonValue::Kind::kBoolean:
      return "true or false";
    case JsonValue::Kind::kUnsigned:
      return "a number";
    case JsonValue::Kind::kOtherNumber:
      return "a number with a sign or a fraction, or too large";
    case JsonValue::Kind::kString:
      return "a string";
    case JsonValue::Kind::kArray:
      return "a list";
    case JsonValue::Kind::kObject:
      return "an object";
  }
  return "";
}

Result<JsonValue> ParseJson(std::string_view text, std::size_t max_depth) {
  TreeBuilder builder(max_depth);
  if (nlohmann::json::sax_parse(text.begin(), text.end(), &builder)) return builder.Take();
  if (builder.is_too_deep()) {
    return Error{ErrorCode::kInvalid,
                 "nested deeper than " + std::to_string(max_depth) + " levels"};
  }
  // The library quotes the offending input; its position stands in front of it.
  std::string message = builder.error().substr(0, builder.error().find("; last read"));
  if (!IsUtf8(message)) message = "invalid UTF-8";
  return Error{ErrorCode::kInvalid, std::move(message)};
}

std::vector<std::string> FindDuplicateKeys(const JsonValue& value, std::size_t limit) {
  std::vector<std::string> found;
  CollectDuplicates(value, nullptr, limit, found);
  return found;
}

std::string WriteJson(const JsonValue& value) {
  std::string out;
  AppendJson(out, value);
  return out;
}

void AppendJsonString(std::string& out, std::string_view text) {
  out.push_back('"');
  unsigned int escapes = 0;  // hardly ever any
  for (const char c : text) escapes |= kEscapes[static_cast<unsigned char>(c)];
  if (escapes == 0) {
    out += text;
    out.push_back('"');
    return;
  }
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out.push_back('\\');
      out.push_back(c);
    } else if (byte < 0x20) {
      out += "\\u00";
      out.push_back(kHex[byte >> 4]);
      out.push_back(kHex[byte & 0xf]);
    } else {
      out.push_back(c);
    }
  }
  out.push_back('"');
}

}  // namespace seccompd::profile
