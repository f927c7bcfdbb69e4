// SPDX-License-Identifier: Apache-2.0
#pragma once
// What an audit found, and how it is printed. Not thread-safe.

#include <compare>
#include <iosfwd>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "seccompd/cli/audit.h"

namespace seccompd::cli {

struct Finding {
  AuditCode code;
  std::string where;  // "team-a/web", a node's name, a path
  std::string message;
  std::vector<std::string> nodes = {};               // of a cluster's audit: all that have it
  auto operator<=>(const Finding&) const = default;  // NOLINT(modernize-use-nullptr): not there
};

const AuditCodeRow& RowOf(AuditCode code);

// A table of them and, below, what to do about each kind; nothing when there are none.
void PrintFindings(const std::vector<Finding>& findings, std::ostream& out);
nlohmann::ordered_json ToJson(const std::vector<Finding>& findings);

// JSON, or the same as YAML in block style, as kubectl writes it. Never as a table.
void PrintDocument(const nlohmann::ordered_json& document, OutputFormat format, std::ostream& out);

// Printable, for a table's cell or a terminal: what a foreign hand named may have any bytes.
std::string Printable(const std::string& text);

}  // namespace seccompd::cli
