// SPDX-License-Identifier: Apache-2.0
// lint, explain, render, convert and diff, from the words of a command line to what is printed.
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
                         "mkdir? [UnknownSyscall]\n    at /spec/profile/syscalls/0/names/0\n    to "
                         "do: "),
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
}

TEST(LintTest, SarifHasARuleAndARegionForEachResult) {
  const Ran ran = RunCommand({"lint", "-o", "sarif", "-"}, kTypo);
  const json log = json::parse(ran.out);
  EXPECT_EQ(log["version"], "2.1.0");
  const json& run = log["runs"][0];
  ASSERT_FALSE(run["results"].empty());
  for (const json& result : run["results"]) {
    const auto index = result["ruleIndex"].get<std::size_t>();
    EXPECT_EQ(run["tool"]["driver"]["rules"][index]["id"], result["ruleId"]);
    const json& region = result["locations"][0]["physicalLocation"]["region"];
    EXPECT_GE(region["startLine"].get<int>(), 1);
    EXPECT_GE(region["startColumn"].get<int>(), 1);
  }
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

TEST(ExplainTest, ForeignArchitecturesAreKilled) {
  const Ran ran = RunCommand({"explain", "-", "--syscall", "read", "--arch", "x86"}, kOperator);
  EXPECT_EQ(ran.out.rfind("read is killing the thread", 0), 0U) << ran.out;
}

// What a node would write is the same before and after.
TEST(ConvertTest, RendersToTheSameFilter) {
  std::vector<std::string> files;
  for (const char* name : {"docker-default", "everything"}) {
    files.push_back(SECCOMPD_TESTDATA "/profiles/" + std::string(name) + ".json");
  }
  for (const char* name : {"basic", "database", "restrictive", "web-server"}) {
    files.push_back(kSeeds + name + ".json");
  }
  for (const std::string& file : files) {
    const Ran before = RunCommand({"render", file, "--arch", "x86_64"});
    const Ran converted = RunCommand({"convert", file, "--arch", "x86_64"});
    const Ran after = RunCommand({"render", "-", "--arch", "x86_64"}, converted.out);
    EXPECT_EQ(before.out, after.out) << file << converted.out;
    EXPECT_EQ(before.code, after.code) << file << after.err;
    EXPECT_EQ(converted.code, before.code) << file << converted.err;
  }
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
