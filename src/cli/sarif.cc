// SPDX-License-Identifier: Apache-2.0
#include <array>
#include <ostream>
#include <string_view>
#include <utility>

#include <nlohmann/json.hpp>

#include "seccompd/profile/codes.h"

#include "report.h"

namespace seccompd::cli {
namespace {

using nlohmann::json;
using profile::Severity;

constexpr std::string_view kSchema =
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";

struct LevelRow {
  Severity severity;
  std::string_view level;
};
constexpr std::array<LevelRow, 3> kLevels = {{
    {Severity::kError, "error"},
    {Severity::kWarning, "warning"},
    {Severity::kInfo, "note"},
}};

std::string_view LevelOf(Severity severity) {
  for (const LevelRow& row : kLevels) {
    if (row.severity == severity) return row.level;
  }
  return "none";
}

// A path as a relative or file URI reference (RFC 3986).
std::string UriOf(std::string_view path) {
  constexpr std::string_view kHex = "0123456789ABCDEF";
  constexpr std::string_view kAsTheyAre =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~/";
  std::string uri = path.starts_with('/') ? "file://" : "";
  for (const char c : path) {
    const auto byte = static_cast<unsigned char>(c);
    if (kAsTheyAre.find(c) != std::string_view::npos) {
      uri.push_back(c);
    } else {
      uri.push_back('%');
      uri.push_back(kHex[byte >> 4]);
      uri.push_back(kHex[byte & 0xf]);
    }
  }
  return uri;
}

json Rules() {
  json rules = json::array();
  for (const profile::CodeRow& row : profile::CodeTable()) {
    rules.push_back({{"id", row.name},
                     {"name", row.name},
                     {"shortDescription", {{"text", row.title}}},
                     {"help", {{"text", row.what_to_do}}},
                     {"defaultConfiguration", {{"level", LevelOf(row.severity)}}}});
  }
  return rules;
}

json ResultOf(const std::string& path, const ReportedFinding& reported) {
  const profile::Diagnostic& finding = reported.finding;
  json location = {
      {"physicalLocation",
       {{"artifactLocation", {{"uri", UriOf(path)}}},
        {"region",
         {{"startLine", reported.position.line}, {"startColumn", reported.position.column}}}}}};
  if (!finding.pointer.empty()) {
    location["logicalLocations"] = json::array({{{"fullyQualifiedName", finding.pointer}}});
  }
  json result = {{"ruleId", finding.code},
                 {"level", LevelOf(finding.severity)},
                 {"message", {{"text", finding.message}}},
                 {"locations", json::array({std::move(location)})}};
  if (const auto* const row = FindCode(finding.code); row != nullptr) {
    result["ruleIndex"] = row - profile::CodeTable().data();
  }
  return result;
}

}  // namespace

const profile::CodeRow* FindCode(std::string_view name) {
  for (const profile::CodeRow& row : profile::CodeTable()) {
    if (row.name == name) return &row;
  }
  return nullptr;
}

void PrintSarif(const Report& report, std::ostream& out) {
  json results = json::array();
  for (const ReportedFile& file : report.files) {
    for (const ReportedFinding& finding : file.findings) {
      results.push_back(ResultOf(file.path, finding));
    }
    for (const ReportedProfile& profile : file.profiles) {
      for (const ReportedFinding& finding : profile.findings) {
        results.push_back(ResultOf(file.path, finding));
      }
    }
  }
  const json driver = {{"name", "seccompd"}, {"rules", Rules()}};
  const json run = {{"tool", {{"driver", driver}}},
                    {"columnKind", "unicodeCodePoints"},
                    {"results", std::move(results)}};
  const json log = {{"$schema", kSchema}, {"version", "2.1.0"}, {"runs", json::array({run})}};
  out << log.dump(2, ' ', false, json::error_handler_t::replace) << '\n';
}

void PrintCodes(bool as_json, std::ostream& out) {
  json rows = json::array();
  for (const profile::CodeRow& row : profile::CodeTable()) {
    if (as_json) {
      rows.push_back({{"code", row.name},
                      {"severity", SeverityName(row.severity)},
                      {"title", row.title},
                      {"whatToDo", row.what_to_do},
                      {"example", row.example}});
      continue;
    }
    out << row.name << " (" << SeverityName(row.severity) << "): " << row.title
        << "\n    to do: " << row.what_to_do << '\n';
    if (!row.example.empty()) out << "    example: " << row.example << '\n';
  }
  if (as_json) out << rows.dump(2) << '\n';
}

}  // namespace seccompd::cli
