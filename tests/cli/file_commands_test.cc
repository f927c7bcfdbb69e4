// SPDX-License-Identifier: Apache-2.0
// lint, explain, render, convert and diff, from the words of a command line to what is printed.
#include <set>

#include <nlohmann/json.hpp>

#include "support.h"

namespace seccompd::cli {
namespace {

using nlohmann::json;

const std::string kSeeds = SECCOMPD_TESTDATA "/seed/";

constexpr char kTypo[] = R"(apiVersion: seccompd.io/v1alpha1
kind: TenantSeccompProfile
metadata: {name: web, namespace: team-a}
spec:
  profile:
    defaultAction: SCMP_ACT_ALLOW
    syscalls:
      - names: [mkdirr]
        action: SCMP_ACT_ERRNO
        arg: []
)";

constexpr char kOperator[] = R"(apiVersion: security-profiles-operator.x-k8s.io/v1beta1
kind: SeccompProfile
metadata: {name: nginx, namespace: web}
spec:
  baseProfileName: runc-v1.1.5
  defaultAction: SCMP_ACT_ERRNO
  architectures: [SCMP_ARCH_X86_64]
  syscalls:
    - {names: [execve, exit_group, read], action: SCMP_ACT_ALLOW}
    - {names: [write], action: SCMP_ACT_ALLOW}
    - names: [personality]
      action: SCMP_ACT_ALLOW
      args: [{index: 0, op: SCMP_CMP_EQ}]
)";

constexpr char kKubescape[] = R"(apiVersion: kubescape.io/v1
kind: SeccompProfile
metadata: {name: app}
spec:
  containers:
    - name: one
      spec: {defaultAction: SCMP_ACT_ALLOW, syscalls: [{names: [mkdirr], action: SCMP_ACT_ERRNO}]}
  initContainers:
    - name: two
      spec: {defaultAction: SCMP_ACT_ALLOW}
)";

std::vector<std::string> FindingsOf(const Ran& ran) {
  std::vector<std::string> rows;
  const json report = json::parse(ran.out);
  for (const json& file : report["files"]) {
    for (const json& profile : file["profiles"]) {
      for (const json& f : profile["findings"]) {
        if (f["severity"] != "error") continue;
        rows.push_back(f["code"].get<std::string>() + " " + f["pointer"].get<std::string>() + " " +
                       f["line"].dump() + ":" + f["column"].dump());
      }
    }
  }
  return rows;
}

TEST(LintTest, SaysWhereInAManifestAndWhatToDo) {
  const Ran ran = RunCommand({"lint", "-"}, kTypo);
  EXPECT_EQ(ran.code, kExitFindings);
  EXPECT_NE(ran.out.find("<stdin>:8:17: error: Linux has no system call \"mkdirr\"; did you mean "
                         "mkdir? [UnknownSyscall]\n    at /spec/profile/syscalls/0/names/0\n"),
            std::string::npos)
      << ran.out;
  EXPECT_NE(ran.out.find("<stdin>:10:9: error: there is no field \"arg\""), std::string::npos)
      << ran.out;
}

TEST(LintTest, PlacesAreTheSameInJsonText) {
  const Ran ran =
      RunCommand({"lint", "-", "-o", "json"},
                 "{\"defaultAction\": \"SCMP_ACT_ALLOW\",\n \"syscalls\": [\n  {\"names\": "
                 "[\"\\u00e4\", \"mkdirr\"], \"action\": \"SCMP_ACT_ERRNO\"}]}\n");
  const std::vector<std::string> expected = {"InvalidValue /syscalls/0/names/0 3:14",
                                             "UnknownSyscall /syscalls/0/names/1 3:24"};
  EXPECT_EQ(FindingsOf(ran), expected) << ran.out;
}

TEST(LintTest, CountsColumnsInCharacters) {
  const Ran ran =
      RunCommand({"lint", "-", "-o", "json"},
                 "{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"syscalls\":[{\"comment\":\"\xc3\xa4\","
                 "\"names\":[\"mkdirr\"],\"action\":\"SCMP_ACT_ERRNO\"}]}");
  ASSERT_EQ(FindingsOf(ran).size(), 1U) << ran.out;
  EXPECT_EQ(FindingsOf(ran).front(), "UnknownSyscall /syscalls/0/names/0 1:71") << ran.out;
}

TEST(LintTest, ReadsTheOtherToolsManifests) {
  EXPECT_EQ(RunCommand({"lint", "-"}, kOperator).code, kExitFine);
  const Ran ran = RunCommand({"lint", "-", "-o", "json"}, kKubescape);
  const std::vector<std::string> expected = {
      "UnknownSyscall /spec/containers/0/spec/syscalls/0/names/0 7:65"};
  EXPECT_EQ(FindingsOf(ran), expected) << ran.out;
  EXPECT_EQ(json::parse(ran.out)["summary"]["profiles"], 2);
}

TEST(LintTest, ReadsListsAndSeveralDocuments) {
  const std::string list =
      std::string("kind: List\napiVersion: v1\nitems:\n- ") +
      R"({apiVersion: seccompd.io/v1alpha1, kind: TenantSeccompProfile,)" +
      R"( metadata: {name: a}, spec: {profile: {defaultAction: SCMP_ACT_NO}}})";
  const Ran ran = RunCommand({"lint", "-", "-o", "json"}, list + "\n---\n" + kTypo);
  EXPECT_EQ(json::parse(ran.out)["summary"]["profiles"], 2) << ran.out;
  EXPECT_EQ(FindingsOf(ran).front().substr(0, 54),
            "InvalidValue /items/0/spec/profile/defaultAction 4:119");
}

TEST(LintTest, SyntaxErrorsHaveTheirPlace) {
  const Ran ran = RunCommand({"lint", "-"}, "a: [1,\nb: {");
  EXPECT_EQ(ran.code, kExitFindings);
  EXPECT_NE(ran.out.find("<stdin>:2:"), std::string::npos) << ran.out;
  EXPECT_NE(ran.out.find("[InvalidYaml]"), std::string::npos) << ran.out;
}

TEST(LintTest, WarningsCountWithStrictOnly) {
  const std::string open = R"({"defaultAction": "SCMP_ACT_ALLOW"})";
  EXPECT_EQ(RunCommand({"lint", "-"}, open).code, kExitFine);
  EXPECT_EQ(RunCommand({"lint", "--strict", "-"}, open).code, kExitFindings);
}

TEST(LintTest, WrongUsageAndMissingFilesHaveTheirCodes) {
  EXPECT_EQ(RunCommand({"lint"}).code, kExitUsage);
  EXPECT_EQ(RunCommand({"lint", "-o", "xml", "-"}).code, kExitUsage);
  EXPECT_EQ(RunCommand({"lint", "--arch", "vax", "-"}).code, kExitUsage);
  EXPECT_EQ(RunCommand({"lint", "/nowhere.json"}).code, kExitFailed);
  for (const std::vector<std::string>& wrong : std::vector<std::vector<std::string>>{
           {"--ceiling", "builtin/runtime-defualt-v1"}, {"--kernel", "new"}, {"--label", "a"}}) {
    const Ran ran = RunCommand({"lint", wrong[0], wrong[1], "-"}, "{}");
    EXPECT_EQ(ran.code, kExitUsage) << wrong[0];
    EXPECT_NE(ran.err.find(wrong[0] + ": "), std::string::npos) << ran.err;
  }
}

// What a person reads of the four profiles that people copy from a tutorial.
TEST(LintTest, TellsPeopleWhatIsWrongWithTheSeeds) {
  for (const std::string name : {"basic", "database", "restrictive", "web-server"}) {
    Ran ran = RunCommand({"lint", kSeeds + name + ".json", "--arch", "x86_64"});
    const bool is_refused = name == "database" || name == "web-server";
    EXPECT_EQ(ran.code, is_refused ? kExitFindings : kExitFine) << ran.err;
    for (std::size_t at = 0; (at = ran.out.find(kSeeds, at)) != std::string::npos;) {
      ran.out.erase(at, kSeeds.size());
    }
    ExpectGolden("lint-" + name + ".txt", ran.out);
  }
}

// What it advises is true: built on the start set, a container starts.
TEST(LintTest, AStartSetMendsWhatCannotStart) {
  for (const std::string name : {"basic", "database", "web-server"}) {
    std::string manifest = RunCommand({"convert", kSeeds + name + ".json"}).out;
    const std::size_t at = manifest.find("\nspec:\n");
    ASSERT_NE(at, std::string::npos) << manifest;
    manifest.insert(at + 7, "  bases: [builtin/runtime-start-v1]\n");
    const Ran ran = RunCommand({"lint", "-", "--arch", "x86_64"}, manifest);
    EXPECT_EQ(ran.code, kExitFine) << ran.out;
    EXPECT_EQ(ran.out.find("Start]"), std::string::npos) << ran.out;
  }
}

// An option with a value may be given again, and FILE may stand behind it.
TEST(LintTest, OptionsTakeOneValueEachTime) {
  const std::string spec =
      R"({apiVersion: seccompd.io/v1alpha1, kind: TenantSeccompProfile, metadata: {name: a},)"
      R"( spec: {nodeSelector: {matchLabels: {a: b, c: d}}, profile: {defaultAction: SCMP_ACT_LOG}}})";
  const Ran ran = RunCommand({"render", "--label", "a=b", "--label", "c=d", "-"}, spec);
  EXPECT_EQ(ran.code, kExitFine) << ran.err;
  EXPECT_NE(ran.out.find("SCMP_ACT_LOG"), std::string::npos) << ran.out;
}

TEST(LintTest, WhatIsNoTextIsAFinding) {
  const Ran ran = RunCommand({"lint", "-"}, "\xd1\x80\xff\xfe{");
  EXPECT_EQ(ran.code, kExitFindings) << ran.err;
  EXPECT_NE(ran.out.find("<stdin>:1:1: error: this is no text in UTF-8 [InvalidYaml]"),
            std::string::npos)
      << ran.out;
  const Ran directory = RunCommand({"explain", kSeeds, "--syscall", "read"});
  EXPECT_NE(directory.err.find("is a directory; give one of its files"), std::string::npos)
      << directory.err;
}

TEST(LintTest, ErrorsComeFirst) {
  const Ran ran = RunCommand({"lint", "-", "-o", "json"},
                             R"({"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [)"
                             R"({"names": [], "action": "SCMP_ACT_LOG"},)"
                             R"({"names": ["mkdirr"], "action": "SCMP_ACT_ERRNO"}]})");
  const json findings = json::parse(ran.out)["files"][0]["profiles"][0]["findings"];
  ASSERT_GE(findings.size(), 2U) << ran.out;
  EXPECT_EQ(findings.front()["severity"], "error");
  EXPECT_NE(findings.back()["severity"], "error");
}

// What the SARIF 2.1.0 schema demands of the members that we write; a code host refuses others.
void ExpectSarif(const json& log) {
  EXPECT_EQ(log["version"], "2.1.0");
  EXPECT_TRUE(log["$schema"].get<std::string>().ends_with("/sarif-schema-2.1.0.json"));
  const std::set<std::string> levels = {"none", "note", "warning", "error"};
  ASSERT_EQ(log["runs"].size(), 1U);
  const json& run = log["runs"][0];
  EXPECT_EQ(run["columnKind"], "unicodeCodePoints");
  const json& driver = run["tool"]["driver"];
  EXPECT_FALSE(driver["name"].get<std::string>().empty());
  std::set<std::string> ids;
  for (const json& rule : driver["rules"]) {
    EXPECT_TRUE(ids.insert(rule["id"].get<std::string>()).second) << rule;
    EXPECT_FALSE(rule["shortDescription"]["text"].get<std::string>().empty()) << rule;
    EXPECT_FALSE(rule["help"]["text"].get<std::string>().empty()) << rule;
    EXPECT_TRUE(levels.contains(rule["defaultConfiguration"]["level"].get<std::string>())) << rule;
  }
  for (const json& result : run["results"]) {
    EXPECT_FALSE(result["message"]["text"].get<std::string>().empty()) << result;
    EXPECT_TRUE(levels.contains(result["level"].get<std::string>())) << result;
    EXPECT_EQ(driver["rules"].at(result["ruleIndex"].get<std::size_t>())["id"], result["ruleId"]);
    ASSERT_EQ(result["locations"].size(), 1U);
    const json& place = result["locations"][0]["physicalLocation"];
    const auto uri = place["artifactLocation"]["uri"].get<std::string>();
    EXPECT_EQ(uri.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
                                    "-._~/%:"),
              std::string::npos)
        << uri;
    EXPECT_EQ(uri.find(':') == std::string::npos, !uri.starts_with("file:///")) << uri;
    EXPECT_TRUE(place["region"]["startLine"].is_number_integer());
    EXPECT_GE(place["region"]["startLine"].get<int>(), 1);
    EXPECT_GE(place["region"]["startColumn"].get<int>(), 1);
  }
}

TEST(LintTest, SarifIsWhatItsSchemaDemands) {
  const std::filesystem::path path =
      std::filesystem::path(testing::TempDir()) / "seccompd sarif \xc3\xa4:#1.yaml";
  std::ofstream(path) << kTypo;
  const Ran ran = RunCommand({"lint", "-o", "sarif", path, kSeeds + "restrictive.json"});
  std::filesystem::remove(path);
  EXPECT_EQ(ran.code, kExitFindings) << ran.err;
  const json log = json::parse(ran.out);
  ExpectSarif(log);
  EXPECT_GT(log["runs"][0]["results"].size(), 10U);
  EXPECT_NE(ran.out.find("seccompd%20sarif%20%C3%A4%3A%231.yaml"), std::string::npos) << ran.out;
  const json empty = json::parse(RunCommand({"lint", "-o", "sarif", "-"}, "{}").out);
  ExpectSarif(empty);
  const json clean = json::parse(
      RunCommand({"lint", "-o", "sarif", "builtin/runtime-start-v1", "--arch", "x86_64"}).out);
  ExpectSarif(clean);
  EXPECT_TRUE(clean["runs"][0]["results"].is_array());
}

TEST(LintTest, ColorsOnlyWhenAsked) {
  EXPECT_EQ(RunCommand({"lint", "-"}, kTypo).out.find('\033'), std::string::npos);
  EXPECT_NE(RunCommand({"lint", "--color", "always", "-"}, kTypo).out.find('\033'),
            std::string::npos);
}

TEST(ExplainTest, SaysTheVerdictFirst) {
  const Ran ran =
      RunCommand({"explain", "-", "--syscall", "futex_waitv", "--arch", "x86_64"}, kOperator);
  EXPECT_EQ(ran.code, kExitFine);
  EXPECT_EQ(ran.out.substr(0, ran.out.find('\n')),
            "futex_waitv is denied: ENOSYS (Function not implemented), under runc")
      << ran.out << ran.err;
}

TEST(ExplainTest, ListsTheCasesOrDecidesWhenToldTheArguments) {
  const std::vector<std::string> words = {"explain",     "-",      "--syscall",
                                          "personality", "--arch", "x86_64"};
  const Ran open = RunCommand(words, kOperator);
  EXPECT_NE(open.out.find("personality depends on its arguments"), std::string::npos) << open.out;
  EXPECT_NE(open.out.find("a0 == 0: allowed (<stdin>:11:15 /spec/syscalls/2/names/0)"),
            std::string::npos)
      << open.out;
  for (const auto& [arg, sentence] : std::vector<std::pair<std::string, std::string>>{
           {"0=0", "personality is allowed"}, {"0=8", "personality is denied: EPERM"}}) {
    auto told = words;
    told.insert(told.end(), {"--arg", arg});
    EXPECT_EQ(RunCommand(told, kOperator).out.rfind(sentence, 0), 0U) << arg;
  }
}

TEST(ExplainTest, TakesOneCallOrAllOfThem) {
  for (const std::vector<std::string>& question :
       {std::vector<std::string>{}, {"--all", "--syscall", "read"}}) {
    std::vector<std::string> words = {"explain", "-"};
    words.insert(words.end(), question.begin(), question.end());
    const Ran ran = RunCommand(words, kOperator);
    EXPECT_EQ(ran.code, kExitUsage);
    EXPECT_NE(ran.err.find("give --syscall NAME, or --all"), std::string::npos) << ran.err;
  }
}

TEST(ExplainTest, ForeignArchitecturesAreKilled) {
  const Ran ran = RunCommand({"explain", "-", "--syscall", "read", "--arch", "x86"}, kOperator);
  EXPECT_EQ(ran.out.rfind("read is fatal: the thread that makes it is killed", 0), 0U) << ran.out;
}

TEST(ExplainTest, TellsThatTheFileSaysItOtherwise) {
  const std::string unsafe =
      R"({"defaultAction": "SCMP_ACT_ERRNO", "syscalls": [)"
      R"({"names": ["mkdir"], "action": "SCMP_ACT_ALLOW", "args": [{"index": 1, "op": "SCMP_CMP_LE", "value": 2}]},)"
      R"({"names": ["mkdir"], "action": "SCMP_ACT_ALLOW", "args": [{"index": 1, "op": "SCMP_CMP_GT", "value": 8589934591}]}]})";
  const Ran ran = RunCommand({"explain", "-", "--syscall", "mkdir", "--arg", "1=3"}, unsafe);
  EXPECT_EQ(ran.out.rfind("mkdir is denied: EPERM", 0), 0U) << ran.out << ran.err;
  EXPECT_NE(ran.out.find("\n  in the file: libseccomp compiles comparisons like those for mkdir"),
            std::string::npos)
      << ran.out;
  const Ran other = RunCommand({"explain", "-", "--syscall", "read"}, unsafe);
  EXPECT_EQ(other.out.find("in the file"), std::string::npos) << other.out;
}

// Built by hand from contradicting rules: what the filter does is told, not a guess.
TEST(ExplainTest, TellsTheFiltersVerdictWhereRulesContradict) {
  const Ran ran = RunCommand(
      {"explain", "-", "--syscall", "mkdir", "--arg", "0=1", "--arg", "1=1"},
      R"({"defaultAction": "SCMP_ACT_ERRNO", "syscalls": [)"
      R"({"names": ["mkdir"], "action": "SCMP_ACT_ALLOW", "args": [{"index": 0, "op": "SCMP_CMP_EQ", "value": 1}]},)"
      R"({"names": ["mkdir"], "action": "SCMP_ACT_KILL_PROCESS", "args": [{"index": 1, "op": "SCMP_CMP_EQ", "value": 1}]}]})");
  EXPECT_NE(ran.out.find("which of them wins is the library's whim"), std::string::npos) << ran.out;
}

TEST(ConvertTest, TurnsAnotherToolsManifestIntoOurs) {
  const Ran ran = RunCommand({"convert", "-", "--arch", "x86_64"}, kOperator);
  EXPECT_EQ(ran.code, kExitFine) << ran.err;
  EXPECT_NE(ran.err.find("baseProfileName: runc-v1.1.5 is left out"), std::string::npos) << ran.err;
  ExpectGolden("operator.yaml", ran.out);
}

TEST(DiffTest, TellsLooserFromTighter) {
  const Ran ran = RunCommand(
      {"diff", kSeeds + "web-server.json", kSeeds + "database.json", "--arch", "x86_64"});
  EXPECT_EQ(ran.code, kExitFindings) << ran.err;
  ExpectGolden("diff.txt", ran.out);
  EXPECT_EQ(RunCommand({"diff", kSeeds + "basic.json", kSeeds + "basic.json"}).code, kExitFine);
}

}  // namespace
}  // namespace seccompd::cli
