// SPDX-License-Identifier: Apache-2.0
// What is written down twice, held together: the README's tables and the CRD's enums against the
// code's tables. SECCOMPD_UPDATE_GOLDEN=1 writes the README's tables anew.
#include <stdlib.h>

#include <array>
#include <cstdio>
#include <fstream>
#include <memory>
#include <set>
#include <sstream>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "seccompd/agent/flags.h"
#include "seccompd/agent/metrics.h"
#include "seccompd/agent/profile_table.h"
#include "seccompd/agent/status.h"
#include "seccompd/cli/audit.h"
#include "seccompd/profile/builtins.h"
#include "seccompd/profile/codes.h"
#include "seccompd/profile/types.h"
#include "seccompd/profile/yaml.h"

namespace seccompd {
namespace {

using nlohmann::json;

const char kReadme[] = SECCOMPD_SOURCE "/README.md";

std::string ReadAll(const std::string& path) {
  std::ifstream file(path);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

// The README's lines between "<!-- name: ..." and "<!-- end -->" must be `table`.
void ExpectInReadme(const std::string& name, const std::string& table) {
  std::string text = ReadAll(kReadme);
  const auto head = text.find("<!-- " + name + ":");
  ASSERT_NE(head, std::string::npos) << name;
  const auto begin = text.find('\n', head) + 1;
  const auto end = text.find("<!-- end -->", begin);
  ASSERT_NE(end, std::string::npos) << name;
  if (::getenv("SECCOMPD_UPDATE_GOLDEN") != nullptr) {
    text.replace(begin, end - begin, table);
    std::ofstream(kReadme) << text;
    return;
  }
  EXPECT_EQ(text.substr(begin, end - begin), table)
      << "write it anew: SECCOMPD_UPDATE_GOLDEN=1 docs_test";
}

TEST(ReadmeTest, ListsEverySetting) {
  std::string table = "| flag and key | variable | meaning |\n|---|---|---|\n";
  for (const agent::AgentFlags::Row& row : agent::AgentFlags::Table()) {
    table += "| `--" + row.name + "` | `" + row.variable + "` | " + row.help + " |\n";
  }
  ExpectInReadme("flags", table);
}

TEST(ReadmeTest, ListsEveryMetric) {
  agent::Metrics metrics("v", "l");
  metrics.ApiRequest("get", 200);
  agent::Gauges gauges;
  gauges.profiles["Installed"] = 1;
  std::istringstream lines(metrics.Text(gauges));
  std::map<std::string, std::string> help;
  std::string table = "| metric | type | meaning |\n|---|---|---|\n";
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    std::string hash, what, name;
    words >> hash >> what >> name;
    if (hash != "#") continue;
    if (what == "HELP") help[name] = line.substr(line.find(name) + name.size() + 1);
    if (what == "TYPE")
      table +=
          "| `" + name + "` | " + line.substr(line.rfind(' ') + 1) + " | " + help[name] + " |\n";
  }
  ExpectInReadme("metrics", table);
}

TEST(ReadmeTest, ListsEveryFinding) {
  std::string table =
      "| code | severity | what | for example | what to do |\n|---|---|---|---|---|\n";
  for (const profile::CodeRow& row : profile::CodeTable()) {
    table += "| `" + std::string(row.name) + "` | " +
             std::string(profile::SeverityName(row.severity)) + " | " + std::string(row.title) +
             " | `" + std::string(row.example) + "` | " + std::string(row.what_to_do) + " |\n";
  }
  ExpectInReadme("codes", table);
}

// What the command prints, run where the README's reader has web.yaml and web-server.json.
std::string OutputOf(const std::string& command) {
  const std::string line = "cd '" SECCOMPD_SOURCE
                           "/tests/testdata/readme' && PATH=\"$(dirname '" SECCOMPD_EXECUTABLE
                           "'):$PATH\" && { " +
                           command + "; } 2>&1";
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> pipe(::popen(line.c_str(), "r"), ::pclose);
  std::string output;
  std::array<char, 4096> buffer{};
  for (std::size_t count = 0;
       (count = std::fread(buffer.data(), 1, buffer.size(), pipe.get())) > 0;) {
    output.append(buffer.data(), count);
  }
  return output;
}

bool NeedsNoCluster(const std::string& command) {
  std::istringstream words(command);
  std::string program, subcommand;
  words >> program >> subcommand;
  const std::set<std::string> own = {"lint", "explain", "render", "convert", "diff"};
  return program == "seccompd" && own.contains(subcommand);
}

// "$ seccompd lint FILE" in a code block is followed by what it really prints.
TEST(ReadmeTest, OutputsAreReal) {
  std::istringstream lines(ReadAll(kReadme));
  std::string real;
  bool is_in_block = false;
  bool is_output = false;  // of a command that was run anew
  std::size_t commands = 0;
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("```")) is_in_block = !is_in_block;
    if (line.starts_with("```") || line.starts_with("$ ")) is_output = false;
    if (!is_output) real += line + "\n";
    if (!is_in_block || !line.starts_with("$ ") || !NeedsNoCluster(line.substr(2))) continue;
    real += OutputOf(line.substr(2));
    is_output = true;
    ++commands;
  }
  EXPECT_GE(commands, 2U);
  if (::getenv("SECCOMPD_UPDATE_GOLDEN") != nullptr) {
    std::ofstream(kReadme) << real;
    return;
  }
  EXPECT_EQ(ReadAll(kReadme), real) << "write it anew: SECCOMPD_UPDATE_GOLDEN=1 docs_test";
}

TEST(ReadmeTest, ListsEveryReasonOfACondition) {
  std::string table = "| condition | status | reason | meaning |\n|---|---|---|---|\n";
  for (const agent::ReasonRow& row : agent::ReasonTable()) {
    table += "| " + std::string(row.type) + " | " + std::string(row.status) + " | `" +
             std::string(row.reason) + "` | " + std::string(row.meaning) + " |\n";
  }
  ExpectInReadme("reasons", table);
}

TEST(ReadmeTest, ListsEveryAuditFinding) {
  std::string table = "| finding | what | what to do |\n|---|---|---|\n";
  for (const cli::AuditCodeRow& row : cli::AuditCodeTable()) {
    table += "| `" + std::string(row.name) + "` | " + std::string(row.what) + " | " +
             std::string(row.what_to_do) + " |\n";
  }
  ExpectInReadme("audit", table);
}

TEST(ReadmeTest, TellsEveryState) {
  const std::string readme = ReadAll(kReadme);
  for (const agent::ProfileState state : agent::kAllStates) {
    if (state == agent::ProfileState::kRetained) continue;  // no version sets it yet
    EXPECT_NE(readme.find("\n| `" + std::string(agent::StateName(state)) + "` | "),
              std::string::npos)
        << agent::StateName(state);
  }
}

// The schemas of deploy/crds.yaml, by kind.
std::map<std::string, json> Schemas() {
  std::map<std::string, json> schemas;
  const auto documents = profile::YamlToJson(ReadAll(SECCOMPD_SOURCE "/deploy/crds.yaml"));
  EXPECT_TRUE(documents.ok());
  for (const profile::YamlDocument& document : *documents) {
    const json crd = json::parse(document.json);
    schemas[crd["spec"]["names"]["kind"]] =
        crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"];
  }
  return schemas;
}

template <class Rows>
std::set<std::string> NamesOf(const Rows& rows) {
  std::set<std::string> names;
  for (const auto& row : rows) names.emplace(row.name);
  return names;
}

TEST(CrdTest, EnumsAreTheCodesTables) {
  auto schemas = Schemas();
  const json profile =
      schemas["TenantSeccompProfile"]["spec"]["properties"]["profile"]["properties"];
  const json rule = profile["syscalls"]["items"]["properties"];
  const std::set<std::string> actions = NamesOf(profile::ActionTable());
  EXPECT_EQ(profile["defaultAction"]["enum"].get<std::set<std::string>>(), actions);
  EXPECT_EQ(rule["action"]["enum"].get<std::set<std::string>>(), actions);
  EXPECT_EQ(rule["args"]["items"]["properties"]["op"]["enum"].get<std::set<std::string>>(),
            NamesOf(profile::OperatorTable()));
  // The schema takes every name of the OCI specification; the compiler refuses with a sentence what
  // no runtime loads.
  const auto schema_architectures =
      profile["architectures"]["items"]["enum"].get<std::set<std::string>>();
  for (const std::string& name : NamesOf(profile::ArchitectureTable())) {
    EXPECT_TRUE(schema_architectures.contains(name)) << name;
  }
}

TEST(ChartTest, CeilingsAreWhatIsShipped) {
  const json schema = json::parse(ReadAll(SECCOMPD_SOURCE "/charts/seccompd/values.schema.json"));
  std::vector<std::string> shipped{"none"};
  for (const profile::Builtin& builtin : profile::AllBuiltins()) {
    shipped.emplace_back(builtin.name);
  }
  EXPECT_EQ(schema["properties"]["agent"]["properties"]["ceiling"]["enum"], json(shipped));
}

TEST(CrdTest, StatesAreTheCodesTable) {
  auto schemas = Schemas();
  std::set<std::string> states;
  for (const agent::ProfileState state : agent::kAllStates) states.emplace(agent::StateName(state));
  const json status = schemas["NodeSeccompState"]["status"]["properties"];
  EXPECT_EQ(status["profiles"]["items"]["properties"]["state"]["enum"].get<std::set<std::string>>(),
            states);
}

TEST(CrdTest, LimitsAreTheCodes) {
  auto schemas = Schemas();
  const json status = schemas["NodeSeccompState"]["status"]["properties"];
  EXPECT_EQ(status["profiles"]["maxItems"], 512);
  EXPECT_EQ(status["profiles"]["items"]["properties"]["message"]["maxLength"], 256);
}

}  // namespace
}  // namespace seccompd
