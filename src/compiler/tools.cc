// SPDX-License-Identifier: Apache-2.0
#include "compiler/tools.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "seccompd/compiler/protocol.h"
#include "seccompd/profile/read_profile.h"

namespace seccompd::compiler {
namespace {

using nlohmann::json;

json ToJson(const profile::Diagnostic& finding) {
  return {{"severity", static_cast<int>(finding.severity)},
          {"code", finding.code},
          {"pointer", finding.pointer},
          {"message", finding.message}};
}

json ToJson(const profile::Position& position) {
  return {{"line", position.line}, {"column", position.column}};
}

json ToJson(const profile::FoundProfile& found) {
  return {{"format", found.format},
          {"document", found.document},
          {"line", found.line},
          {"namespace", found.name_space},
          {"name", found.name},
          {"container", found.container},
          {"spec", found.spec},
          {"specPointer", found.spec_pointer},
          {"profilePointer", found.profile_pointer},
          {"leftOut", found.left_out}};
}

json Read(const json& request) {
  const profile::ReadFile file = profile::ReadProfiles(request.value("text", ""));
  json profiles = json::array();
  for (const profile::FoundProfile& found : file.profiles) profiles.push_back(ToJson(found));
  json findings = json::array();
  for (const profile::FileFinding& found : file.findings) {
    json row = ToJson(found.finding);
    row["document"] = found.document;
    if (found.position.has_value()) row["position"] = ToJson(*found.position);
    findings.push_back(std::move(row));
  }
  return {{"profiles", std::move(profiles)}, {"findings", std::move(findings)}};
}

json LocateAll(const json& request) {
  std::vector<profile::Wanted> wanted;
  for (const json& row : request.at("wanted")) {
    wanted.push_back({{row.value("document", std::size_t{0}), row.value("pointer", "")},
                      row.value("isKey", false)});
  }
  json positions = json::array();
  for (const profile::Position& position : profile::Locate(request.value("text", ""), wanted)) {
    positions.push_back(ToJson(position));
  }
  return positions;
}

struct Tool {
  std::string_view op;
  json (*answer)(const json& request);
};
constexpr std::array<Tool, 2> kTools = {{
    {"read", Read},
    {"locate", LocateAll},
}};

}  // namespace

std::string AnswerTool(std::string_view request) {
  const json parsed = json::parse(request, nullptr, false);
  if (!parsed.is_object()) ::_exit(kExitProtocol);
  const std::string op = parsed.value("op", "");
  const auto* const tool =
      std::find_if(kTools.begin(), kTools.end(), [&](const Tool& row) { return row.op == op; });
  if (tool == kTools.end()) ::_exit(kExitProtocol);
  return tool->answer(parsed).dump(-1, ' ', false, json::error_handler_t::replace);
}

}  // namespace seccompd::compiler
