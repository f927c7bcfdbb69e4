// SPDX-License-Identifier: Apache-2.0
#include "seccompd/profile/text.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <vector>

namespace seccompd::profile {
namespace {

constexpr std::string_view kMore = "...";

struct Decoded {
  std::size_t length = 0;  // 0: no valid UTF-8 here
  std::uint32_t code_point = 0;
};

// The first byte of a sequence of two, three or four, and the least code point that may be written
// so.
struct Lead {
  unsigned char mask, mark;
  std::size_t length;
  std::uint32_t least;
};
constexpr std::array<Lead, 3> kLeads = {
    {{0xe0, 0xc0, 2, 0x80}, {0xf0, 0xe0, 3, 0x800}, {0xf8, 0xf0, 4, 0x10000}}};

Decoded DecodeUtf8(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  if (byte(0) < 0x80) return {1, byte(0)};
  for (const Lead& lead : kLeads) {
    if ((byte(0) & lead.mask) != lead.mark) continue;
    if (text.size() < lead.length) return {};
    std::uint32_t code = byte(0) & static_cast<unsigned char>(~lead.mask);
    for (std::size_t i = 1; i < lead.length; ++i) {
      if ((byte(i) & 0xc0) != 0x80) return {};
      code = (code << 6) | (byte(i) & 0x3fu);
    }
    const bool is_surrogate = code >= 0xd800 && code <= 0xdfff;
    if (code < lead.least || code > 0x10ffff || is_surrogate) return {};
    return {lead.length, code};
  }
  return {};
}

// Control characters, and those that hide or reorder what follows them on a terminal.
bool IsHarmful(std::uint32_t code) {
  return code < 0x20 || (code >= 0x7f && code < 0xa0) || code == 0xad ||
         (code >= 0x200b && code <= 0x200f) || (code >= 0x2028 && code <= 0x202e) ||
         (code >= 0x2060 && code <= 0x206f) || code == 0xfeff ||
         (code >= 0xfff9 && code <= 0xffff) || code >= 0xe0000;
}

std::string Simplify(std::string_view word) {
  std::string simple;
  for (const char c : word) {
    simple.push_back(c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c);
  }
  for (const std::string_view prefix : {"__nr_", "sys_", "__x64_sys_"}) {
    if (simple.starts_with(prefix) && simple.size() > prefix.size()) simple.erase(0, prefix.size());
  }
  return simple;
}

// Optimal string alignment: insert, delete, replace, swap of neighbours.
std::size_t Distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> before(b.size() + 1);
  std::vector<std::size_t> last(b.size() + 1);
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) last[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t replace = last[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      row[j] = std::min({last[j] + 1, row[j - 1] + 1, replace});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
        row[j] = std::min(row[j], before[j - 2] + 1);
      }
    }
    std::swap(before, last);
    std::swap(last, row);
  }
  return last[b.size()];
}

}  // namespace

bool IsUtf8(std::string_view text) {
  while (!text.empty()) {
    const std::size_t length = DecodeUtf8(text).length;
    if (length == 0) return false;
    text.remove_prefix(length);
  }
  return true;
}

std::string CleanText(std::string_view text) {
  std::string clean;
  while (!text.empty()) {
    const Decoded next = DecodeUtf8(text);
    const bool is_good = next.length > 0 && !IsHarmful(next.code_point);
    const std::string_view piece = is_good ? text.substr(0, next.length) : std::string_view("?");
    text.remove_prefix(std::max<std::size_t>(next.length, 1));
    const std::size_t reserve = text.empty() ? 0 : kMore.size();
    // The tail fits whole or is cut: what is left (bytes) is an upper bound of what it needs.
    if (clean.size() + piece.size() + std::min(text.size(), reserve) > kMaxQuotedLength) {
      clean += kMore;
      return clean;
    }
    clean += piece;
  }
  return clean;
}

std::string Quote(std::string_view text) { return "\"" + CleanText(text) + "\""; }

std::string Join(std::string_view pointer, std::string_view segment) {
  std::string joined(pointer);
  joined.push_back('/');
  for (const char c : CleanText(segment)) {
    if (c == '~') {
      joined += "~0";
    } else if (c == '/') {
      joined += "~1";
    } else {
      joined.push_back(c);
    }
  }
  return joined;
}

std::string Join(std::string_view pointer, std::size_t index) {
  const std::string number = std::to_string(index);
  std::string joined;
  joined.reserve(pointer.size() + 1 + number.size());
  return joined.append(pointer).append("/").append(number);
}

std::string_view Nearest(std::string_view word, std::span<const std::string_view> candidates) {
  const std::string simple = Simplify(word);
  // A third of the word, at most 3: "raed" finds read, "xyz" finds nothing.
  const std::size_t limit = std::min<std::size_t>(3, (simple.size() + 2) / 3);
  std::string_view best;
  std::size_t best_distance = limit + 1;
  for (const std::string_view candidate : candidates) {
    const std::size_t longer = std::max(candidate.size(), simple.size());
    if (longer - std::min(candidate.size(), simple.size()) >= best_distance) continue;
    const std::size_t distance = Distance(simple, Simplify(candidate));
    if (distance < best_distance) {
      best = candidate;
      best_distance = distance;
    }
  }
  return best;
}

std::string DidYouMean(std::string_view word, std::span<const std::string_view> candidates) {
  const std::string_view nearest = Nearest(word, candidates);
  return nearest.empty() ? "" : "; did you mean " + std::string(nearest) + "?";
}

}  // namespace seccompd::profile
