// SPDX-License-Identifier: Apache-2.0
// What a profile rests on beside its own spec: bases, the node's labels, the ceiling.
#include <gtest/gtest.h>

#include "seccompd/agent/judge.h"

#include "agent/rig.h"

namespace seccompd::agent {
namespace {

using compiler::CompileAnswer;
using compiler::CompileRequest;
using fakes::FakeCompiler;
using std::chrono::minutes;
using std::chrono::seconds;

CompileAnswer Good(const std::string& text) {
  CompileAnswer answer;
  answer.bytes = FakeCompiler::BytesFor(text);
  answer.instructions = 7;
  return answer;
}

// "{on NAME}" builds on one profile, and so on along the chain; "{only LABEL}" selects nodes that
// have it; anything else stands for itself.
Result<CompileAnswer> Resolve(const CompileRequest& request) {
  std::string text = request.spec, whole = request.spec;
  std::vector<std::string> names;
  while (text.starts_with("{on ")) {
    const std::string name = text.substr(4, text.size() - 5);
    names.push_back(name);
    const profile::BaseSpec* given = nullptr;
    for (const profile::BaseSpec& base : request.bases) {
      if (base.name == name) given = &base;
    }
    if (given == nullptr) {
      CompileAnswer answer;
      answer.needs_bases = true;
      answer.bases = names;
      return answer;
    }
    if (!given->spec) {
      CompileAnswer answer = FakeCompiler::Refusal("BaseNotFound", "no base " + name);
      answer.bases = names;
      return answer;
    }
    text = *given->spec;
    whole += text;
  }
  CompileAnswer answer = Good(whole);
  answer.bases = names;
  if (text.starts_with("{only ")) {
    answer.uses_labels = true;
    if (!request.node.labels.contains(text.substr(6, text.size() - 7))) {
      answer.bytes.clear();
      answer.instructions = 0;
      answer.is_skipped = true;
    }
  }
  return answer;
}

class DependenciesTest : public ::testing::Test {
 protected:
  std::unique_ptr<Rig> Make() {
    auto rig = std::make_unique<Rig>(node_.path());
    rig->compiler.JudgeWith(Resolve);
    return rig;
  }
  static bool WaitForText(Rig& rig, const std::string& key, const std::string& of) {
    return rig.Wait([&] { return rig.FileText(key) == FakeCompiler::BytesFor(of); });
  }
  TemporaryNode node_;
};

TEST_F(DependenciesTest, TheRequestNamesNodeRuntimeAndCeiling) {
  auto rig = Make();
  rig->config.runtime = "crun";  // read by the agent when it starts
  rig->config.ceiling = "builtin/some-v1";
  rig->Start();
  rig->Apply("team/web", "{1}");
  ASSERT_TRUE(rig->WaitForState("team/web", ProfileState::kInstalled));
  const CompileRequest request = rig->compiler.requests().at(0);
  EXPECT_EQ(request.node.architecture, "SCMP_ARCH_X86_64");
  EXPECT_EQ(request.node.kernel, "6.1");
  EXPECT_EQ(request.node.runtime, "crun");
  EXPECT_EQ(request.ceiling, "builtin/some-v1");
  EXPECT_EQ(rig->source.label_reads(), 0) << "nobody asked for labels";
}

TEST_F(DependenciesTest, AChangedBaseIsSeenInWhatBuildsOnIt) {
  auto rig = Make();
  rig->Start();
  rig->Apply("team/low", "{low}", 1, "ul");
  rig->Apply("team/mid", "{on low}", 1, "um");
  rig->Apply("team/top", "{on mid}", 1, "ut");
  rig->Apply("other/low", "{theirs}", 1, "ol");
  ASSERT_TRUE(WaitForText(*rig, "team/top", "{on mid}{on low}{low}"));
  EXPECT_EQ(rig->agent->table().Find("team/top")->bases, (std::vector<std::string>{"low", "mid"}));
  rig->Apply("team/low", "{low2}", 2, "ul");
  EXPECT_TRUE(WaitForText(*rig, "team/top", "{on mid}{on low}{low2}"));
  EXPECT_TRUE(WaitForText(*rig, "team/mid", "{on low}{low2}"));
  rig->Apply("team/mid", "{mid}", 2, "um");
  EXPECT_TRUE(WaitForText(*rig, "team/top", "{on mid}{mid}"));
  ASSERT_TRUE(rig->WaitIdle());
  const std::size_t asked = rig->compiler.requests().size();
  rig->Apply("other/low", "{theirs2}", 2, "ol");
  ASSERT_TRUE(WaitForText(*rig, "other/low", "{theirs2}"));
  rig->Apply("team/low", "{low3}", 3, "ul");
  ASSERT_TRUE(WaitForText(*rig, "team/low", "{low3}"));
  ASSERT_TRUE(rig->WaitIdle());
  EXPECT_EQ(rig->compiler.requests().size(), asked + 2) << "nobody builds on them any more";
}

TEST_F(DependenciesTest, AMissingBaseIsAFindingThatKeepsTheFileAndMendsItself) {
  auto rig = Make();
  rig->Start();
  rig->Apply("team/low", "{low}", 1, "ul");
  rig->Apply("team/top", "{on low}", 1, "ut");
  ASSERT_TRUE(WaitForText(*rig, "team/top", "{on low}{low}"));
  rig->Delete("team/low", "ul");
  ASSERT_TRUE(rig->WaitForState("team/top", ProfileState::kInvalid));
  EXPECT_EQ(rig->agent->table().Find("team/top")->reason, "BaseNotFound");
  EXPECT_EQ(rig->FileText("team/top"), FakeCompiler::BytesFor("{on low}{low}"));
  rig->Apply("team/low", "{new}", 1, "ul2");
  EXPECT_TRUE(WaitForText(*rig, "team/top", "{on low}{new}"));
}

TEST_F(DependenciesTest, ABaseThatCannotBeFetchedIsRetried) {
  auto rig = Make();
  rig->Start();
  rig->source.Put("team/low", {"ul", "{low}"});
  rig->source.Break(true);
  rig->Apply("team/top", "{on low}", 1, "ut");
  ASSERT_TRUE(rig->WaitForState("team/top", ProfileState::kFailed));
  EXPECT_EQ(rig->agent->table().Find("team/top")->reason, "FetchFailed");
  rig->source.Break(false);
  rig->Advance(seconds(1));
  EXPECT_TRUE(WaitForText(*rig, "team/top", "{on low}{low}"));
}

TEST_F(DependenciesTest, ARestartKnowsWhoBuildsOnWhom) {
  {
    auto rig = Make();
    rig->Start();
    rig->Apply("team/low", "{low}", 1, "ul");
    ASSERT_TRUE(rig->WaitForState("team/low", ProfileState::kInstalled));
    rig->Apply("team/top", "{on low}", 1, "ut");
    ASSERT_TRUE(WaitForText(*rig, "team/top", "{on low}{low}"));
    ASSERT_TRUE(rig->WaitIdle());
  }
  auto again = Make();
  again->Start();
  again->Apply("team/top", "{on low}", 1, "ut");
  again->Apply("team/low", "{low}", 1, "ul");
  ASSERT_TRUE(again->WaitIdle());
  EXPECT_TRUE(again->compiler.requests().empty()) << "nothing changed";
  again->Apply("team/low", "{low2}", 2, "ul");
  EXPECT_TRUE(WaitForText(*again, "team/top", "{on low}{low2}"));
}

TEST_F(DependenciesTest, ACompilerThatAsksForeverIsAFailureNotALoop) {
  auto rig = Make();
  rig->compiler.JudgeWith([](const CompileRequest& request) -> Result<CompileAnswer> {
    CompileAnswer answer;
    answer.needs_bases = true;
    answer.bases = {"../etc", "b" + std::to_string(request.bases.size())};
    return answer;
  });
  rig->Start();
  rig->Apply("team/top", "{1}");
  ASSERT_TRUE(rig->WaitForState("team/top", ProfileState::kFailed));
  EXPECT_LE(rig->compiler.requests().size(), 6U);
}

TEST_F(DependenciesTest, AboveTheCeilingIsDeniedAndKeepsTheLastGoodFile) {
  auto rig = Make();
  rig->Start();
  rig->Apply("team/web", "{1}");
  ASSERT_TRUE(rig->WaitForState("team/web", ProfileState::kInstalled));
  rig->compiler.JudgeWith([](const CompileRequest&) -> Result<CompileAnswer> {
    CompileAnswer answer = FakeCompiler::Refusal("AboveCeiling", "mount");
    answer.is_denied = true;
    return answer;
  });
  rig->Apply("team/web", "{2}", 2);
  ASSERT_TRUE(rig->WaitForState("team/web", ProfileState::kDenied));
  EXPECT_EQ(rig->agent->table().Find("team/web")->reason, "AboveCeiling");
  EXPECT_EQ(rig->FileText("team/web"), FakeCompiler::BytesFor("{1}"));
  EXPECT_NE(rig->agent->StateJson().find(R"("denied":1)"), std::string::npos);
  EXPECT_NE(rig->agent->MetricsText().find(R"(seccompd_profiles{state="Denied"} 1)"),
            std::string::npos);
  ASSERT_TRUE(rig->WaitIdle());
  const std::size_t asked = rig->compiler.requests().size();
  rig->Apply("team/web", "{2}", 3);
  ASSERT_TRUE(
      rig->Wait([&] { return rig->agent->table().Find("team/web")->desired_generation == 3; }));
  EXPECT_EQ(rig->compiler.requests().size(), asked) << "the verdict still holds";
}

TEST_F(DependenciesTest, AnotherCeilingJudgesAnew) {
  {
    auto rig = Make();
    rig->Start();
    rig->Apply("team/web", "{1}");
    ASSERT_TRUE(rig->WaitForState("team/web", ProfileState::kInstalled));
  }
  Rig again(node_.path(), node::RealFileSystem(), "builtin/runtime-default-v1");
  again.Start();
  again.Apply("team/web", "{1}");
  ASSERT_TRUE(again.WaitIdle());
  ASSERT_EQ(again.compiler.requests().size(), 1U);
  EXPECT_EQ(again.compiler.requests()[0].ceiling, "builtin/runtime-default-v1");
}

TEST_F(DependenciesTest, LabelsDecideAndAreReadAgain) {
  auto rig = Make();
  rig->Start();
  rig->Apply("team/gpu", "{only gpu}");
  ASSERT_TRUE(rig->WaitForState("team/gpu", ProfileState::kSkipped));
  EXPECT_FALSE(rig->HasFile("team/gpu"));
  EXPECT_EQ(rig->source.label_reads(), 1);
  rig->source.Label({{"gpu", "yes"}});
  rig->Advance(minutes(7));
  ASSERT_TRUE(rig->WaitForState("team/gpu", ProfileState::kInstalled));
  EXPECT_TRUE(rig->HasFile("team/gpu"));
}

// Once it is known that labels matter, or what they are, they go along with the first request.
TEST_F(DependenciesTest, KnownLabelsAreToldAtOnce) {
  {
    auto rig = Make();
    rig->source.Label({{"gpu", "yes"}, {"big", "yes"}, {"new", "yes"}});
    rig->Start();
    rig->Apply("team/gpu", "{only gpu}");
    ASSERT_TRUE(rig->WaitForState("team/gpu", ProfileState::kInstalled));
    EXPECT_EQ(rig->compiler.requests().size(), 2U) << "nobody knew";
    rig->Apply("team/gpu", "{only big}", 2);
    ASSERT_TRUE(
        rig->Wait([&] { return rig->agent->table().Find("team/gpu")->installed_generation == 2; }));
    EXPECT_EQ(rig->compiler.requests().size(), 3U);
    EXPECT_EQ(rig->source.label_reads(), 1);
  }
  auto again = Make();
  again->source.Label({{"gpu", "yes"}, {"big", "yes"}, {"new", "yes"}});
  again->Start();
  again->Apply("team/gpu", "{only new}", 3);
  ASSERT_TRUE(again->Wait(
      [&] { return again->agent->table().Find("team/gpu")->installed_generation == 3; }));
  ASSERT_TRUE(again->WaitIdle());
  for (const CompileRequest& request : again->compiler.requests()) {
    EXPECT_EQ(request.node.labels.size(), 3U) << request.spec;
  }
}

TEST_F(DependenciesTest, AFileWhoseNodeIsNoLongerSelectedGoesAfterTheGrace) {
  auto rig = Make();
  rig->source.Label({{"gpu", "yes"}});
  rig->Start();
  rig->Apply("team/gpu", "{only gpu}");
  ASSERT_TRUE(rig->WaitForState("team/gpu", ProfileState::kInstalled));
  rig->source.Label({});
  rig->Advance(minutes(7));
  ASSERT_TRUE(rig->WaitForState("team/gpu", ProfileState::kSkipped));
  EXPECT_TRUE(rig->HasFile("team/gpu")) << "the grace";
  rig->Advance(seconds(61));
  ASSERT_TRUE(rig->Wait([&] { return !rig->HasFile("team/gpu"); }));
  EXPECT_EQ(rig->agent->table().Find("team/gpu")->state, "Skipped");
}

TEST_F(DependenciesTest, ASlipWithLabelsEmptiesNoNode) {
  auto rig = Make();
  rig->agent->table().SetIdentity({"cluster-1", "crd-1", false});
  rig->source.Label({{"gpu", "yes"}});
  rig->Start();
  for (int i = 0; i < 30; ++i) rig->Apply("team/p" + std::to_string(i), "{only gpu}");
  ASSERT_TRUE(rig->Wait([&] { return rig->agent->table().files() == 30; }));
  rig->source.Label({});
  rig->Advance(minutes(7));
  ASSERT_TRUE(rig->Wait([&] { return rig->agent->table().CountOf(ProfileState::kSkipped) == 30; }));
  rig->Advance(seconds(61));
  ASSERT_TRUE(rig->Wait([&] { return rig->condition("Healthy") == "MassDeletion"; }));
  EXPECT_EQ(rig->agent->table().files(), 30U);
  rig->source.Label({{"gpu", "yes"}});
  rig->Advance(minutes(7));
  EXPECT_TRUE(
      rig->Wait([&] { return rig->agent->table().CountOf(ProfileState::kInstalled) == 30; }));
}

TEST_F(DependenciesTest, LabelsThatCannotBeReadRemoveNothing) {
  auto rig = Make();
  rig->source.Break(true);
  rig->Start();
  rig->Apply("team/gpu", "{only gpu}");
  ASSERT_TRUE(rig->WaitForState("team/gpu", ProfileState::kFailed));
  rig->source.Label({{"gpu", "yes"}});
  rig->source.Break(false);
  rig->Advance(seconds(1));
  EXPECT_TRUE(rig->WaitForState("team/gpu", ProfileState::kInstalled));
}

}  // namespace
}  // namespace seccompd::agent
