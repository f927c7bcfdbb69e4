// SPDX-License-Identifier: Apache-2.0
#pragma once
// YAML -> JSON text, by yaml-cpp (the only file that includes it). Bounded: depth, nodes, bytes;
// every way in which yaml-cpp differs from what people expect (aliases, duplicate keys, octal,
// yes/no) is settled here. Thread-safe (no state). On tenants' input only in a compiler child.

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "seccompd/base/result.h"

namespace seccompd::profile {

// Where a value stands in its text, both counted from 1, the column in bytes.
struct Position {
  std::uint32_t line = 1;
  std::uint32_t column = 1;

  bool operator==(const Position&) const = default;
};

struct ValuePosition {
  Position value;
  Position key;  // of a member; else the value's own
};

// By JSON pointer, made by Join (text.h) as findings' are. A copy made by an alias has the alias's
// position, and its inside none.
using Positions = std::map<std::string, ValuePosition>;

struct YamlDocument {
  std::uint32_t line = 1;  // where it begins
  std::string json;        // compact
  Positions positions;     // when asked for
};

// YAML 1.2 core scalars (true/false, null, numbers; quoted scalars are strings). kInvalid: syntax
// ("line 3, column 7: ..."), duplicate keys, a merge key, too deep (32), more than 100,000 nodes
// after aliases, longer than max_bytes. JSON text is YAML.
Result<std::vector<YamlDocument>> YamlToJson(std::string_view text,
                                             std::size_t max_bytes = std::size_t{256} * 1024);
// The same, with the positions of all values.
Result<std::vector<YamlDocument>> YamlToJsonWithPositions(std::string_view text,
                                                          std::size_t max_bytes);

}  // namespace seccompd::profile
