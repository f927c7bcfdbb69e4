// SPDX-License-Identifier: Apache-2.0
#include "profile/yaml_scalar.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <cstdlib>

#include "seccompd/profile/json.h"
#include "seccompd/profile/text.h"

namespace seccompd::profile {
namespace {

struct WordRow {
  std::string_view word;
  std::string_view json;
};
constexpr std::array<WordRow, 11> kWords = {{
    {"", "null"},
    {"~", "null"},
    {"null", "null"},
    {"Null", "null"},
    {"NULL", "null"},
    {"true", "true"},
    {"True", "true"},
    {"TRUE", "true"},
    {"false", "false"},
    {"False", "false"},
    {"FALSE", "false"},
}};

constexpr std::array<std::string_view, 12> kNotFinite = {".inf",  ".Inf",  ".INF",  "-.inf",
                                                         "-.Inf", "-.INF", "+.inf", "+.Inf",
                                                         "+.INF", ".nan",  ".NaN",  ".NAN"};

// Takes the digits off the front of `text`.
std::string_view TakeDigits(std::string_view& text) {
  const std::size_t count = std::min(text.find_first_not_of("0123456789"), text.size());
  const std::string_view digits = text.substr(0, count);
  text.remove_prefix(count);
  return digits;
}

bool TakeOneOf(std::string_view& text, std::string_view characters) {
  if (text.empty() || characters.find(text.front()) == std::string_view::npos) return false;
  text.remove_prefix(1);
  return true;
}

// [-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?, written as JSON has it: digits are kept as
// they are, so that a number beyond a double's precision stays exact.
Result<std::string> DecimalToJson(std::string_view text) {
  const std::string_view whole_text = text;
  const Error no_number{ErrorCode::kNotFound, ""};
  std::string json;
  if (text.starts_with('-')) json.push_back('-');
  TakeOneOf(text, "+-");
  const std::string_view whole = TakeDigits(text);
  const bool has_point = TakeOneOf(text, ".");
  const std::string_view fraction = has_point ? TakeDigits(text) : std::string_view();
  if (whole.empty() && fraction.empty()) return no_number;
  json += whole.empty() ? "0" : whole;
  if (has_point) json.append(".").append(fraction.empty() ? "0" : fraction);
  if (TakeOneOf(text, "eE")) {
    json.push_back('e');
    if (text.starts_with('-')) json.push_back('-');
    TakeOneOf(text, "+-");
    const std::string_view exponent = TakeDigits(text);
    if (exponent.empty()) return no_number;
    json += exponent;
  }
  if (!text.empty()) return no_number;
  if (whole.size() > 1 && whole.front() == '0') {
    return Error{ErrorCode::kInvalid,
                 CleanText(whole_text) +
                     " has a leading zero, and readers differ on what it means; quote it, or write "
                     "it without (octal: 0o17)"};
  }
  if (std::isinf(std::strtod(json.c_str(), nullptr))) {
    return Error{ErrorCode::kInvalid,
                 CleanText(whole_text) + " is larger than any number here; quote it, or mend it"};
  }
  return json;
}

// 0o17, 0x1f
Result<std::string> PrefixedToJson(std::string_view text) {
  const int base = text.starts_with("0o") ? 8 : 16;
  const std::string_view digits = text.substr(2);
  std::uint64_t number = 0;
  const auto [stop, error] =
      std::from_chars(digits.data(), digits.data() + digits.size(), number, base);
  if (error == std::errc::result_out_of_range) {
    return Error{ErrorCode::kInvalid, CleanText(text) + " is larger than 64 bits hold"};
  }
  if (error != std::errc() || stop != digits.data() + digits.size()) {
    return Error{ErrorCode::kNotFound, ""};
  }
  return std::to_string(number);
}

}  // namespace

Result<std::string> PlainScalarToJson(std::string_view text) {
  for (const WordRow& row : kWords) {
    if (row.word == text) return std::string(row.json);
  }
  if (std::find(kNotFinite.begin(), kNotFinite.end(), text) != kNotFinite.end()) {
    return Error{ErrorCode::kInvalid, std::string(text) + " has no form in JSON; quote it"};
  }
  const bool is_prefixed = text.starts_with("0o") || text.starts_with("0x");
  Result<std::string> number = is_prefixed ? PrefixedToJson(text) : DecimalToJson(text);
  if (number.ok() || number.error().code == ErrorCode::kInvalid) return number;
  std::string json;
  AppendJsonString(json, text);
  return json;
}

}  // namespace seccompd::profile
