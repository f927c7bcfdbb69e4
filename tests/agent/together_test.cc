// SPDX-License-Identifier: Apache-2.0
// Many profiles in line: those of one namespace go to one compiler child, and nothing else changes.
#include <algorithm>
#include <fstream>
#include <set>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "agent/rig.h"

namespace seccompd::agent {
namespace {

using fakes::FakeCompiler;

class TogetherTest : public testing::Test {
 protected:
  // In line before the first worker comes.
  static void ApplyMany(Rig& rig, const std::string& name_space, int count) {
    for (int i = 0; i < count; ++i) {
      const std::string name = std::to_string(i);
      rig.Apply(name_space + "/p" + name, "{" + name_space + name + "}");
    }
  }
  static bool AllInstalled(Rig& rig, const std::string& name_space, int count) {
    for (int i = 0; i < count; ++i) {
      const std::string name = std::to_string(i);
      const std::string key = name_space + "/p" + name;
      if (!rig.WaitForState(key, ProfileState::kInstalled)) return false;
      if (rig.FileText(key) != FakeCompiler::BytesFor("{" + name_space + name + "}")) return false;
    }
    return true;
  }

  TemporaryNode node_;
};

TEST_F(TogetherTest, ManyOfOneNamespaceShareRequestsAndEachIsCompiledOnce) {
  constexpr int kMany = 5 * static_cast<int>(compiler::kMaxTogether);
  Rig rig(node_.path());
  ApplyMany(rig, "team", kMany);
  rig.Start();
  ASSERT_TRUE(AllInstalled(rig, "team", kMany));
  const auto requests = rig.compiler.together();
  std::size_t most = 0;
  for (const std::vector<std::string>& specs : requests) {
    EXPECT_GE(specs.size(), 2U);
    most = std::max(most, specs.size());
  }
  EXPECT_EQ(most, compiler::kMaxTogether);
  const std::vector<std::string> specs = rig.compiler.specs();
  EXPECT_EQ(specs.size(), std::size_t{kMany});
  EXPECT_EQ(std::set<std::string>(specs.begin(), specs.end()).size(), std::size_t{kMany});
}

TEST_F(TogetherTest, NamespacesNeverShareARequest) {
  Rig rig(node_.path());
  for (int round = 0; round < 20; ++round) {
    for (const std::string name_space : {"a", "b", "b"}) {
      const std::string name = std::to_string(rig.agent->desired().size());
      rig.Apply(name_space + "/p" + name, "{" + name_space + name + "}");
    }
  }
  rig.Start();
  ASSERT_TRUE(rig.WaitIdle());
  EXPECT_EQ(rig.compiler.specs().size(), 60U);
  EXPECT_FALSE(rig.compiler.together().empty());
  for (const std::vector<std::string>& specs : rig.compiler.together()) {
    for (const std::string& spec : specs) EXPECT_EQ(spec[1], specs.front()[1]);
  }
}

TEST_F(TogetherTest, OneThatFailsIsFoundOutAndHarmsNoOther) {
  Rig rig(node_.path());
  rig.compiler.AnswerWith([](const std::string& spec) -> Result<compiler::CompileAnswer> {
    if (spec == "{team3}") return Error{ErrorCode::kInvalid, "it took more than 2 s of CPU"};
    compiler::CompileAnswer good;
    good.bytes = FakeCompiler::BytesFor(spec);
    good.instructions = 7;
    return good;
  });
  ApplyMany(rig, "team", 32);
  rig.Start();
  ASSERT_TRUE(rig.WaitForState("team/p3", ProfileState::kInvalid));
  for (int i = 0; i < 32; ++i) {
    if (i == 3) continue;
    EXPECT_TRUE(rig.WaitForState("team/p" + std::to_string(i), ProfileState::kInstalled)) << i;
  }
}

TEST_F(TogetherTest, WhatRestsOnBasesOrLabelsGoesOnAlone) {
  Rig rig(node_.path());
  rig.source.Label({{"zone", "a"}});
  rig.compiler.JudgeWith([](const compiler::CompileRequest& request) {
    compiler::CompileAnswer answer;
    if (request.spec.find('3') != std::string::npos && request.bases.empty()) {
      answer.needs_bases = true;
      answer.bases = {"shared"};
      return answer;
    }
    answer.uses_labels = request.spec.find('5') != std::string::npos;
    answer.is_skipped = answer.uses_labels && request.node.labels.empty();
    if (answer.is_skipped) return answer;
    answer.bytes = FakeCompiler::BytesFor(request.spec);
    answer.instructions = 7;
    return answer;
  });
  ApplyMany(rig, "team", 30);
  rig.Start();
  ASSERT_TRUE(AllInstalled(rig, "team", 30));
  const auto entry = rig.agent->table().Find("team/p3");
  ASSERT_TRUE(entry.has_value());
  EXPECT_EQ(entry->bases, std::vector<std::string>{"shared"});
  EXPECT_TRUE(rig.agent->table().Find("team/p5")->uses_labels);
}

TEST_F(TogetherTest, EqualOnesAreCompiledOnce) {
  Rig rig(node_.path());
  for (int i = 0; i < 30; ++i) {
    rig.Apply("team/p" + std::to_string(i), i % 2 == 0 ? "{even}" : "{odd}");
  }
  rig.Start();
  ASSERT_TRUE(rig.WaitIdle());
  EXPECT_EQ(rig.agent->table().size(), 30U);
  for (const std::vector<std::string>& specs : rig.compiler.together()) {
    EXPECT_LE(specs.size(), 2U);
  }
}

// Else a child that one tenant took over could answer for another's text, slipped in beside its
// own.
TEST_F(TogetherTest, WhatASharedChildSaidHoldsForItsOwnNamespaceOnly) {
  Rig rig(node_.path());
  ApplyMany(rig, "team", 16);
  rig.Start();
  ASSERT_TRUE(AllInstalled(rig, "team", 16));
  const auto requests = rig.compiler.together();
  ASSERT_FALSE(requests.empty());
  const std::string shared = requests.front().front();
  const auto times = [&] {
    const std::vector<std::string> specs = rig.compiler.specs();
    return std::count(specs.begin(), specs.end(), shared);
  };
  EXPECT_EQ(times(), 1);
  rig.Apply("other/same", shared);
  ASSERT_TRUE(rig.WaitForState("other/same", ProfileState::kInstalled));
  EXPECT_EQ(times(), 2);
  rig.Apply("third/same", shared);
  ASSERT_TRUE(rig.WaitForState("third/same", ProfileState::kInstalled));
  EXPECT_EQ(times(), 2) << "the child that was asked about it alone is believed";
}

TEST_F(TogetherTest, WhatAChildSaidThatHadReadMoreHoldsForItsOwnNamespaceOnly) {
  Rig rig(node_.path());
  rig.compiler.AnswerAlone(false);
  rig.Start();
  const std::string spec = "{equal}";
  rig.Apply("team/p", spec);
  ASSERT_TRUE(rig.WaitForState("team/p", ProfileState::kInstalled));
  rig.compiler.AnswerAlone(true);
  for (const std::string key : {"other/p", "third/p"}) {
    rig.Apply(key, spec);
    ASSERT_TRUE(rig.WaitForState(key, ProfileState::kInstalled));
  }
  EXPECT_EQ(rig.compiler.tenants(spec), (std::vector<std::string>{"team", "other"}));
}

TEST_F(TogetherTest, OneThatAnAgentDiedWithIsAskedAboutAlone) {
  std::string digest;
  {
    Rig before(node_.path());
    ApplyMany(before, "team", 1);
    digest = before.agent->desired().DigestOf("team/p0");
  }
  ASSERT_TRUE(std::ofstream(node_.path() + "/state/tried/" + digest).good());
  Rig rig(node_.path());
  ApplyMany(rig, "team", 32);
  rig.Start();
  ASSERT_TRUE(AllInstalled(rig, "team", 32));
  ASSERT_FALSE(rig.compiler.together().empty());
  for (const std::vector<std::string>& specs : rig.compiler.together()) {
    EXPECT_EQ(std::count(specs.begin(), specs.end(), "{team0}"), 0);
  }
  EXPECT_TRUE(rig.compiler.tenants("{team0}").empty()) << "by a fresh child";
}

}  // namespace
}  // namespace seccompd::agent
