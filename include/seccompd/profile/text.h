// SPDX-License-Identifier: Apache-2.0
#pragma once
// Words for findings: tenants' strings made harmless, JSON pointers, and "did you mean".
// Thread-safe (no state). No format library: findings are short.

#include <span>
#include <string>
#include <string_view>

namespace seccompd::profile {

inline constexpr std::size_t kMaxQuotedLength = 64;

bool IsUtf8(std::string_view text);

// Printable UTF-8 of at most kMaxQuotedLength bytes: control characters, invalid and invisible
// (bidirectional, zero-width) ones become '?', a longer text ends in "...".
std::string CleanText(std::string_view text);

// CleanText in double quotes.
std::string Quote(std::string_view text);

// pointer + "/" + segment, escaped as RFC 6901 says, the segment cleaned.
std::string Join(std::string_view pointer, std::string_view segment);
std::string Join(std::string_view pointer, std::size_t index);

// The candidate that a person who typed `word` most likely meant; empty when none is near. Case and
// a leading "sys_", "__NR_", "SYS_" do not count as difference.
std::string_view Nearest(std::string_view word, std::span<const std::string_view> candidates);

// "; did you mean X?" or "".
std::string DidYouMean(std::string_view word, std::span<const std::string_view> candidates);

}  // namespace seccompd::profile
