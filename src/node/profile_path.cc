// SPDX-License-Identifier: Apache-2.0
#include "seccompd/node/profile_path.h"

#include <algorithm>

namespace seccompd::node {
namespace {

constexpr std::size_t kMaxLabelBytes = 63;

// Not std::isalnum: that one asks the locale.
bool IsLowerAlphanumeric(char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); }

bool IsDnsLabel(std::string_view text) {
  return !text.empty() && text.size() <= kMaxLabelBytes && IsLowerAlphanumeric(text.front()) &&
         IsLowerAlphanumeric(text.back()) && std::all_of(text.begin(), text.end(), [](char c) {
           return IsLowerAlphanumeric(c) || c == '-';
         });
}

// The text is whatever a tenant or a directory had: shown short and printable.
std::string Shown(std::string_view text) {
  std::string out;
  for (const char c : text.substr(0, kMaxLabelBytes + 1)) {
    out += c >= ' ' && c <= '~' ? c : '?';
  }
  return out;
}

Error NotALabel(std::string_view what, std::string_view text) {
  return Error{
      ErrorCode::kInvalid,
      std::string(what) + " \"" + Shown(text) +
          "\" is no DNS label; use 1 to 63 of a-z, 0-9 and '-', '-' neither first nor last"};
}

}  // namespace

Result<ProfilePath> ProfilePath::Make(std::string_view name_space, std::string_view name) {
  if (!IsDnsLabel(name_space)) return NotALabel("namespace", name_space);
  if (!IsDnsLabel(name)) return NotALabel("profile name", name);
  return ProfilePath(std::string(name_space), std::string(name));
}

}  // namespace seccompd::node
