// SPDX-License-Identifier: Apache-2.0
#include "compiler/tools.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "seccompd/compiler/protocol.h"
#include "seccompd/profile/compare.h"
#include "seccompd/profile/convert.h"
#include "seccompd/profile/explain.h"
#include "seccompd/profile/prepare.h"
#include "seccompd/profile/read_profile.h"

#include "compiler/agent_filter.h"

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
  json row = {{"format", found.format},   {"document", found.document},
              {"line", found.line},       {"namespace", found.name_space},
              {"name", found.name},       {"container", found.container},
              {"spec", found.spec},       {"profilePointer", found.profile_pointer},
              {"leftOut", found.left_out}};
  if (found.spec_pointer.has_value()) row["specPointer"] = *found.spec_pointer;
  return row;
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

json ConvertSpec(const json& request) {
  const auto converted =
      profile::Convert({request.value("spec", ""), request.value("name", ""),
                        request.value("namespace", ""), request.value("origin", "")});
  if (!converted.ok()) return {{"error", converted.error().message}};
  return {{"yaml", converted->yaml}, {"notes", converted->notes}};
}

profile::RenderRequest RenderRequestOf(const json& row) {
  profile::RenderRequest request;
  request.spec = row.value("spec", "");
  request.node.architecture = row.value("architecture", "");
  request.node.kernel = row.value("kernel", "");
  for (const json& base : row.value("bases", json::array())) {
    request.bases.push_back({base.value("name", ""), std::nullopt});
    if (base.contains("spec")) request.bases.back().spec = base.value("spec", "");
  }
  return request;
}

// What keeps a profile from being asked about; never empty.
json Refusal(const std::vector<profile::Diagnostic>& findings) {
  json errors = json::array();
  for (const profile::Diagnostic& finding : findings) {
    if (finding.severity == profile::Severity::kError) errors.push_back(ToJson(finding));
  }
  return {{"errors", std::move(errors)}};
}

json ToJson(const profile::Verdict& verdict) {
  json row = {{"action", profile::ActionName(verdict.action)},
              {"phrase", profile::VerdictPhrase(verdict)},
              {"text", profile::VerdictText(verdict)}};
  if (profile::HasErrno(verdict.action)) row["errnoRet"] = verdict.data;
  return row;
}

json ToJson(const profile::Outcome& outcome) {
  return {{"verdict", ToJson(outcome.verdict)}, {"pointer", outcome.pointer}};
}

json ToJson(const profile::Explanation& explanation) {
  json row = {{"number", explanation.number}, {"sentence", explanation.sentence},
              {"why", explanation.why},       {"change", explanation.change},
              {"note", explanation.note},     {"cases", json::array()}};
  if (explanation.outcome.has_value()) row["outcome"] = ToJson(*explanation.outcome);
  for (const profile::Case& one : explanation.cases) {
    row["cases"].push_back({{"condition", one.condition}, {"outcome", ToJson(one.outcome)}});
  }
  return row;
}

json ToJson(const std::vector<profile::TableRow>& table) {
  json rows = json::array();
  for (const profile::TableRow& row : table) {
    rows.push_back({{"syscall", row.syscall}, {"number", row.number}});
    if (row.verdict.has_value()) rows.back()["verdict"] = ToJson(*row.verdict);
  }
  return rows;
}

// For each runtime asked for: one answer, or the whole table where no system call is named.
json ExplainFor(const json& request) {
  std::vector<profile::Diagnostic> findings;
  const auto prepared = profile::Prepare(RenderRequestOf(request), findings);
  if (!prepared.ok()) return {{"error", prepared.error().message}};
  if (!prepared->has_value()) return Refusal(findings);
  const profile::Meaning meaning(**prepared);
  profile::Question question;
  question.syscall = request.value("syscall", "");
  question.architecture = profile::FindArchitecture(request.value("callArchitecture", ""))
                              .value_or(profile::Architecture::kX8664);
  for (const json& arg : request.value("args", json::array())) {
    question.args[arg.at(0).get<std::uint32_t>()] = arg.at(1).get<std::uint64_t>();
  }
  json answers = json::array();
  for (const profile::Runtime runtime : {profile::Runtime::kRunc, profile::Runtime::kCrun}) {
    const std::string name(RuntimeName(runtime));
    const std::string wanted = request.value("runtime", "both");
    if (wanted != "both" && wanted != name) continue;
    json answer;
    if (question.syscall.empty()) {
      answer["table"] = ToJson(profile::ExplainAll(meaning, question.architecture, runtime));
    } else {
      question.runtime = runtime;
      const auto explanation = profile::Explain(meaning, question);
      if (!explanation.ok()) return {{"error", explanation.error().message}};
      answer = ToJson(*explanation);
    }
    answer["runtime"] = name;
    answers.push_back(std::move(answer));
  }
  return {{"answers", std::move(answers)}};
}

json ToJson(const profile::Difference& difference) {
  json row = {{"change", ChangeName(difference.change)},
              {"syscall", difference.syscall},
              {"number", difference.number},
              {"isAnyOther", difference.is_any_other},
              {"a", ToJson(difference.a)},
              {"b", ToJson(difference.b)},
              {"text", DifferenceText(difference)}};
  if (difference.architecture.has_value()) {
    row["architecture"] = ArchitectureName(*difference.architecture);
  }
  for (const std::uint32_t index : difference.decisive) {
    row["args"].push_back(json::array({index, difference.args.at(index)}));
  }
  return row;
}

json Diff(const json& request) {
  std::vector<profile::CompiledProfile> both;
  for (const char* side : {"a", "b"}) {
    std::vector<profile::Diagnostic> findings;
    auto compiled = profile::PrepareCompiled(RenderRequestOf(request.at(side)), findings);
    if (!compiled.ok()) return {{"side", side}, {"error", compiled.error().message}};
    if (!compiled->has_value()) {
      json refusal = Refusal(findings);
      refusal["side"] = side;
      return refusal;
    }
    both.push_back(**std::move(compiled));
  }
  const auto differences = profile::Compare(both[0], both[1]);
  if (!differences.ok()) return {{"error", differences.error().message}};
  json rows = json::array();
  for (const profile::Difference& difference : *differences) rows.push_back(ToJson(difference));
  return {{"differences", std::move(rows)}};
}

// The program as hexadecimal digits: JSON has no bytes.
json AgentFilter(const json& request) {
  const Result<std::string> program = BuildAgentFilter(request.value("architecture", ""));
  if (!program.ok()) return {{"error", program.error().message}};
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string digits;
  digits.reserve(2 * program->size());
  for (const char c : *program) {
    const auto byte = static_cast<unsigned char>(c);
    digits += kDigits[byte >> 4U];
    digits += kDigits[byte & 15U];
  }
  return {{"program", std::move(digits)}};
}

struct Tool {
  std::string_view op;
  json (*answer)(const json& request);
};
constexpr std::array<Tool, 6> kTools = {{
    {"read", Read},
    {"locate", LocateAll},
    {"convert", ConvertSpec},
    {"explain", ExplainFor},
    {"diff", Diff},
    {"agent-filter", AgentFilter},
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
