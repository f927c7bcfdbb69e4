// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cctype>
#include <cmath>
#include <cstdlib>
#include <iterator>

#include "seccompd/agent/flags.h"

namespace seccompd::agent {

Result<std::chrono::milliseconds> ParseDuration(const std::string& text) {
  struct Unit {
    std::string_view name;
    double milliseconds;
  };
  static constexpr Unit kUnits[] = {{"ms", 1}, {"s", 1e3}, {"m", 60e3}, {"h", 3600e3}};
  const Error bad{ErrorCode::kInvalid,
                  "\"" + text + "\" is not a duration; write it like 90s, 10m, 1h30m or 200ms"};
  double total = 0;
  std::size_t at = 0;
  if (text.empty()) return bad;
  if (text == "0") return std::chrono::milliseconds(0);
  while (at < text.size()) {
    std::size_t end = at;
    while (end < text.size() &&
           (std::isdigit(static_cast<unsigned char>(text[end])) != 0 || text[end] == '.'))
      ++end;
    std::size_t unit_end = end;
    while (unit_end < text.size() && std::isalpha(static_cast<unsigned char>(text[unit_end])) != 0)
      ++unit_end;
    const std::string number = text.substr(at, end - at);
    const std::string_view unit = std::string_view(text).substr(end, unit_end - end);
    const auto* const row = std::find_if(std::begin(kUnits), std::end(kUnits),
                                         [&](const Unit& u) { return u.name == unit; });
    if (number.empty() || number.size() > 12 || number == "." ||
        std::count(number.begin(), number.end(), '.') > 1 || row == std::end(kUnits)) {
      return bad;
    }
    total += std::strtod(number.c_str(), nullptr) * row->milliseconds;
    at = unit_end;
  }
  if (total > 1e12) return bad;
  return std::chrono::milliseconds(std::llround(total));
}

}  // namespace seccompd::agent
