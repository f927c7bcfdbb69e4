// SPDX-License-Identifier: Apache-2.0
// The check that is left out on a profile's way to the disk is made up for afterwards, once.
#include <chrono>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "seccompd/profile/codes.h"

#include "agent/rig.h"

namespace seccompd::agent {
namespace {

using compiler::CompileAnswer;
using compiler::CompileRequest;
using fakes::FakeCompiler;
using std::chrono::seconds;

class TreesTest : public testing::Test {
 protected:
  // A compiler whose profiles are all long; "remove" in a spec is onInvalid: Remove.
  std::unique_ptr<Rig> Make() {
    auto rig = std::make_unique<Rig>(node_.path());
    rig->compiler.JudgeWith([](const CompileRequest& request) -> Result<CompileAnswer> {
      CompileAnswer answer;
      answer.bytes = FakeCompiler::BytesFor(request.spec);
      answer.instructions = 7;
      answer.has_unchecked_tree = !request.is_thorough;
      answer.remove_when_invalid = request.spec.find("remove") != std::string::npos;
      return answer;
    });
    rig->Start();
    return rig;
  }
  static std::size_t Unchecked(const Rig& rig) {
    std::size_t count = 0;
    rig.agent->table().ForEach([&](const std::string&, const node::RecordEntry& entry) {
      count += entry.has_unchecked_tree ? 1 : 0;
    });
    return count;
  }
  // Time goes on until `is_so`: how many steps it takes depends on what else the queue holds.
  static bool AdvanceUntil(Rig& rig, const std::function<bool()>& is_so) {
    for (int step = 0; step < 400 && !is_so(); ++step) {
      rig.Advance(seconds(1));
      // Its turn may have come together with what wakes the queue there: then others were at work.
      rig.agent->queue().Add(kTreesKey);
      EXPECT_TRUE(rig.WaitIdle());
    }
    return is_so();
  }
  static bool CheckAll(Rig& rig) {
    return AdvanceUntil(rig, [&] { return Unchecked(rig) == 0; });
  }

  TemporaryNode node_;
};

TEST_F(TreesTest, EachInstalledFileIsCheckedOnceAndNotAgainAfterARestart) {
  {
    auto rig = Make();
    for (int i = 0; i < 5; ++i) rig->Apply("team/p" + std::to_string(i), std::to_string(i));
    ASSERT_TRUE(rig->Wait([&] { return rig->agent->table().files() == 5; }));
    ASSERT_TRUE(rig->WaitIdle());
    EXPECT_TRUE(rig->compiler.trees().empty()) << "not on the way to the disk";
    EXPECT_EQ(Unchecked(*rig), 5U);
    ASSERT_TRUE(CheckAll(*rig));
    EXPECT_EQ(rig->compiler.trees().size(), 5U);
    EXPECT_EQ(rig->agent->table().CountOf(ProfileState::kInstalled), 5U);
  }
  auto again = Make();
  again->Advance(seconds(5));
  EXPECT_TRUE(again->compiler.trees().empty());
}

TEST_F(TreesTest, WhatWasNotCheckedBeforeARestartIsAfterIt) {
  {
    auto rig = Make();
    rig->Apply("team/web", "1");
    ASSERT_TRUE(rig->WaitForState("team/web", ProfileState::kInstalled));
  }
  auto again = Make();
  ASSERT_EQ(Unchecked(*again), 1U);
  ASSERT_TRUE(CheckAll(*again));
  EXPECT_EQ(again->compiler.trees(), std::vector<std::string>{again->FileText("team/web")});
}

TEST_F(TreesTest, EqualFilesAreCheckedOnce) {
  auto rig = Make();
  rig->Apply("team-a/web", "1");
  rig->Apply("team-b/web", "1");
  ASSERT_TRUE(rig->Wait([&] { return rig->agent->table().files() == 2; }));
  ASSERT_TRUE(CheckAll(*rig));
  EXPECT_EQ(rig->compiler.trees().size(), 1U);
}

TEST_F(TreesTest, AWrongOneIsInvalidAndItsFileStaysUnlessTheProfileSaysOtherwise) {
  {
    auto rig = Make();
    rig->Apply("team/keeps", "1");
    rig->Apply("team/removes", "2 remove");
    ASSERT_TRUE(rig->Wait([&] { return rig->agent->table().files() == 2; }));
    rig->compiler.FindInTrees(
        std::vector{profile::MakeFinding(profile::Code::kMistranslated, "", "a wrong tree")});
    ASSERT_TRUE(CheckAll(*rig));
    for (const char* key : {"team/keeps", "team/removes"}) {
      const auto entry = rig->agent->table().Find(key);
      EXPECT_EQ(entry->state, "Invalid") << key;
      EXPECT_EQ(entry->reason, "Mistranslated") << key;
      EXPECT_NE(entry->message.find("a wrong tree"), std::string::npos) << key;
    }
    EXPECT_TRUE(rig->HasFile("team/keeps"));
    EXPECT_FALSE(rig->HasFile("team/removes"));
  }
  // The verdict is remembered; a new version is judged afresh.
  auto again = Make();
  again->Apply("team/keeps", "1");
  ASSERT_TRUE(again->WaitIdle());
  EXPECT_EQ(again->agent->table().Find("team/keeps")->state, "Invalid");
  EXPECT_TRUE(again->compiler.requests().empty());
  again->Apply("team/keeps", "3", 2);
  ASSERT_TRUE(again->WaitForState("team/keeps", ProfileState::kInstalled));
  ASSERT_TRUE(CheckAll(*again));
  EXPECT_EQ(again->agent->table().Find("team/keeps")->state, "Installed");
}

TEST_F(TreesTest, OneThatOverrunsIsInvalidAndAFailureIsTriedAgain) {
  auto rig = Make();
  rig->compiler.FindInTrees(Error{ErrorCode::kTransient, "killed from outside"});
  rig->Apply("team/web", "1");
  ASSERT_TRUE(rig->WaitForState("team/web", ProfileState::kInstalled));
  ASSERT_TRUE(rig->WaitIdle());
  ASSERT_TRUE(AdvanceUntil(*rig, [&] { return !rig->compiler.trees().empty(); }));
  EXPECT_EQ(Unchecked(*rig), 1U);
  EXPECT_EQ(rig->agent->table().Find("team/web")->state, "Installed");
  rig->compiler.FindInTrees(Error{ErrorCode::kInvalid, "takes more than 2 s of CPU time"});
  ASSERT_TRUE(CheckAll(*rig));
  EXPECT_EQ(rig->agent->table().Find("team/web")->state, "Invalid");
  EXPECT_EQ(rig->agent->table().Find("team/web")->reason, "TooExpensive");
}

TEST_F(TreesTest, ALostCopyHoldsNobodyUp) {
  auto rig = Make();
  rig->Apply("team/a", "1");
  ASSERT_TRUE(rig->WaitForState("team/a", ProfileState::kInstalled));
  const std::string sha256 = rig->agent->table().Find("team/a")->sha256;
  ASSERT_TRUE(std::filesystem::remove(node_.path() + "/state/cache/" + sha256));
  rig->Apply("team/b", "2");
  ASSERT_TRUE(rig->WaitForState("team/b", ProfileState::kInstalled));
  ASSERT_TRUE(AdvanceUntil(*rig, [&] { return Unchecked(*rig) == 1; }));
  EXPECT_EQ(rig->compiler.trees(), std::vector<std::string>{rig->FileText("team/b")});
}

}  // namespace
}  // namespace seccompd::agent
