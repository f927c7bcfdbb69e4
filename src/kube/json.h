// SPDX-License-Identifier: Apache-2.0
#pragma once
// Reading small JSON documents whose types nobody vouches for: a missing or wrongly typed member is
// simply absent.

#include <optional>
#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

namespace seccompd::kube {

// Discarded when the text is no JSON.
inline nlohmann::json ParseJson(std::string_view text) {
  return nlohmann::json::parse(text, nullptr, /*allow_exceptions=*/false);
}

// The object's member, or a null that lives for ever.
inline const nlohmann::json& Member(const nlohmann::json& object, const char* name) {
  static const nlohmann::json nothing;
  if (!object.is_object()) return nothing;
  const auto found = object.find(name);
  return found == object.end() ? nothing : *found;
}

inline std::string StringMember(const nlohmann::json& object, const char* name) {
  const auto* text = Member(object, name).get_ptr<const std::string*>();
  return text == nullptr ? std::string() : *text;
}

inline std::optional<std::int64_t> IntegerMember(const nlohmann::json& object, const char* name) {
  const auto& member = Member(object, name);
  if (!member.is_number_integer()) return std::nullopt;
  return member.get<std::int64_t>();
}

inline bool BoolMember(const nlohmann::json& object, const char* name) {
  const auto& member = Member(object, name);
  return member.is_boolean() && member.get<bool>();
}

}  // namespace seccompd::kube
