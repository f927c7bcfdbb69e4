// SPDX-License-Identifier: Apache-2.0
// convert, of every profile that is here: the manifest renders to the same filter and has no new
// finding.
#include <algorithm>
#include <filesystem>
#include <map>

#include <nlohmann/json.hpp>

#include "seccompd/profile/builtins.h"

#include "support.h"

namespace seccompd::cli {
namespace {

using nlohmann::json;

// Every profile that is here: of testdata, of the seed, and shipped.
std::vector<std::string> AllProfiles() {
  std::vector<std::string> files;
  for (const char* directory : {SECCOMPD_TESTDATA "/profiles", SECCOMPD_TESTDATA "/seed"}) {
    for (const auto& entry : std::filesystem::directory_iterator(directory)) {
      files.push_back(entry.path());
    }
  }
  for (const profile::Builtin& builtin : profile::AllBuiltins()) files.emplace_back(builtin.name);
  std::sort(files.begin(), files.end());
  return files;
}

// How often `lint` finds each code, of the file and of its profiles.
std::map<std::string, int> CodesOf(const Ran& ran) {
  std::map<std::string, int> codes;
  const auto count = [&](const json& findings) {
    for (const json& finding : findings) ++codes[finding["code"].get<std::string>()];
  };
  const json report = json::parse(ran.out);
  for (const json& file : report["files"]) {
    count(file["findings"]);
    for (const json& profile : file["profiles"]) count(profile["findings"]);
  }
  return codes;
}

class ConvertAllTest : public testing::TestWithParam<std::string> {};

// What a node would write is the same before and after; so is what the two filters do, where a
// finding keeps nodes from writing any.
TEST_P(ConvertAllTest, RendersToTheSameFilter) {
  const std::vector<std::string> files = AllProfiles();
  ASSERT_GE(files.size(), 13U);
  for (const std::string& file : files) {
    const Ran before = RunCommand({"render", file, "--arch", GetParam()});
    const Ran converted = RunCommand({"convert", file, "--arch", GetParam()});
    const Ran after = RunCommand({"render", "-", "--arch", GetParam()}, converted.out);
    EXPECT_EQ(before.out, after.out) << file << converted.out;
    EXPECT_EQ(before.code, after.code) << file << after.err;
    EXPECT_EQ(converted.code, before.code) << file << converted.err;
    const Ran compared = RunCommand({"diff", file, "-", "--arch", GetParam()}, converted.out);
    EXPECT_EQ(compared.code, kExitFine) << file << compared.out << compared.err;
  }
}

TEST_P(ConvertAllTest, FindsNothingNew) {
  for (const std::string& file : AllProfiles()) {
    const auto before = CodesOf(RunCommand({"lint", file, "-o", "json", "--arch", GetParam()}));
    const Ran converted = RunCommand({"convert", file, "--arch", GetParam()});
    const Ran after = RunCommand({"lint", "-", "-o", "json", "--arch", GetParam()}, converted.out);
    for (const auto& [code, times] : CodesOf(after)) {
      const auto known = before.find(code);
      EXPECT_TRUE(known != before.end() && times <= known->second) << file << ": " << code;
    }
  }
}

TEST(ConvertTest, WhatIsCleanStaysClean) {
  std::string clean = RunCommand({"render", "builtin/runtime-start-v1", "--arch", "x86_64"}).out;
  const std::string terminals = R"({"action":"SCMP_ACT_ALLOW","names":["ioctl"]},)";
  ASSERT_NE(clean.find(terminals), std::string::npos) << clean;
  clean.erase(clean.find(terminals), terminals.size());
  const Ran before = RunCommand({"lint", "-", "--arch", "x86_64"}, clean);
  EXPECT_EQ(before.out, "1 profile: no findings\n");
  const Ran converted = RunCommand({"convert", "-", "--arch", "x86_64"}, clean);
  const Ran after = RunCommand({"lint", "-", "--arch", "x86_64"}, converted.out);
  EXPECT_EQ(after.out, before.out);
  EXPECT_EQ(RunCommand({"render", "-", "--arch", "x86_64"}, converted.out).out, clean);
}

INSTANTIATE_TEST_SUITE_P(Architectures, ConvertAllTest, testing::Values("x86_64", "aarch64"));

}  // namespace
}  // namespace seccompd::cli
