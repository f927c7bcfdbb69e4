// SPDX-License-Identifier: Apache-2.0
#pragma once
// The walk through ../shared/docs/seccomp-facts.md, sentence by sentence: facts_*_test.cc, a file
// for each section or two. A row is one fact, the text that a person would have, and what lint must
// find in it (Fact) or what the filter that a node would load must do (Answer). Facts that another
// test proves are named there in a comment at their section.

#include <map>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "seccompd/profile/explain.h"
#include "seccompd/profile/meaning.h"
#include "seccompd/profile/prepare.h"
#include "seccompd/profile/read_profile.h"
#include "seccompd/profile/render.h"
#include "seccompd/profile/types.h"

#include "profile/support.h"

namespace seccompd::profile {

inline constexpr std::string_view kKernel = "6.1.0";

// As `seccompd lint` does: of the file, and of each profile in it.
inline std::vector<Diagnostic> Linted(const std::string& text,
                                      std::string_view architecture = kNode) {
  const ReadFile file = ReadProfiles(text);
  std::vector<Diagnostic> findings;
  for (const FileFinding& found : file.findings) findings.push_back(found.finding);
  for (const FoundProfile& found : file.profiles) {
    const Result<Rendered> rendered = Render(
        {found.spec, {std::string(architecture), std::string(kKernel), {}, "both"}, {}, "none"});
    EXPECT_TRUE(rendered.ok());
    if (!rendered.ok()) continue;
    findings.insert(findings.end(), rendered->findings.begin(), rendered->findings.end());
  }
  return findings;
}

struct Fact {
  std::string name;
  std::string fact;
  std::string text;
  std::string code;  // of a finding; empty: there is no error; "-Code": that one is not found
  std::string in_message;
  std::string architecture = std::string(kNode);
};

inline void ExpectFact(const Fact& row) {
  SCOPED_TRACE(row.fact);
  const std::vector<Diagnostic> findings = Linted(row.text, row.architecture);
  const std::string text = FindingsText(findings);
  if (row.code.empty()) {
    EXPECT_FALSE(HasError(findings)) << text;
    return;
  }
  const bool is_absent = row.code.starts_with('-');
  const std::string code = row.code.substr(is_absent ? 1 : 0);
  bool is_found = false;
  for (const Diagnostic& finding : findings) {
    is_found = is_found ||
               (finding.code == code && finding.message.find(row.in_message) != std::string::npos);
  }
  EXPECT_EQ(is_found, !is_absent) << text;
}

struct Answer {
  std::string name;
  std::string fact;
  std::string text;
  std::string syscall;
  std::map<std::uint32_t, std::uint64_t> args;
  std::string verdict;  // as VerdictText writes it
  Runtime runtime = Runtime::kCrun;
  Architecture architecture = Architecture::kX8664;
};

// The profile in `text`, as a node would mean it.
inline Profile Prepared(const std::string& text) {
  const ReadFile file = ReadProfiles(text);
  EXPECT_EQ(file.profiles.size(), 1U) << text;
  if (file.profiles.size() != 1) return {};
  std::vector<Diagnostic> findings;
  const auto profile = Prepare(
      {file.profiles[0].spec, {std::string(kNode), std::string(kKernel), {}, "both"}, {}, "none"},
      findings);
  EXPECT_TRUE(profile.ok() && profile->has_value()) << FindingsText(findings);
  return profile.ok() && profile->has_value() ? **profile : Profile{};
}

// Explain runs the compiled filter, too.
inline void ExpectAnswer(const Answer& row) {
  SCOPED_TRACE(row.fact);
  const Result<Explanation> explanation =
      Explain(Meaning(Prepared(row.text)), {row.syscall, row.args, row.architecture, row.runtime});
  ASSERT_TRUE(explanation.ok()) << explanation.error().message;
  ASSERT_TRUE(explanation->outcome.has_value()) << explanation->sentence;
  EXPECT_EQ(VerdictText(explanation->outcome->verdict), row.verdict) << explanation->why;
}

class FactTable : public testing::TestWithParam<Fact> {};
class AnswerTable : public testing::TestWithParam<Answer> {};

// Pieces of profiles.
inline std::string RuleText(const std::string& name, const std::string& action,
                            const std::string& args = "", const std::string& more = "") {
  return R"({"names":[")" + name + R"("],"action":"SCMP_ACT_)" + action + "\"" +
         (args.empty() ? "" : R"(,"args":[)" + args + "]") + more + "}";
}
inline std::string ArgText(int index, const std::string& op, const std::string& value,
                           const std::string& value_two = "") {
  return R"({"index":)" + std::to_string(index) + R"(,"op":"SCMP_CMP_)" + op + R"(","value":)" +
         value + (value_two.empty() ? "" : R"(,"valueTwo":)" + value_two) + "}";
}
// A plain file that allows by default, with `rules` and, in front, `members`.
inline std::string OpenFile(const std::string& rules, const std::string& members = "") {
  return "{" + members + R"("defaultAction":"SCMP_ACT_ALLOW","syscalls":[)" + rules + "]}";
}

}  // namespace seccompd::profile
