// SPDX-License-Identifier: Apache-2.0
// The agent as a whole, over a real disk: from a change to a file, and every way in which a file
// must stay.
#include <sys/stat.h>

#include <fstream>

#include <gtest/gtest.h>

#include "agent/rig.h"

namespace seccompd::agent {
namespace {

using fakes::FakeCompiler;
using std::chrono::minutes;
using std::chrono::seconds;

class AgentTest : public ::testing::Test {
 protected:
  TemporaryNode node_;
};

TEST_F(AgentTest, InstallsAProfileAndSkipsTheSameAgain) {
  Rig rig(node_.path());
  rig.Start();
  rig.Apply("team/web", "{1}");
  ASSERT_TRUE(rig.WaitForState("team/web", ProfileState::kInstalled));
  EXPECT_EQ(rig.FileText("team/web"), FakeCompiler::BytesFor("{1}"));
  struct stat info {};
  ASSERT_EQ(::stat(rig.PathOf("team/web").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 07777, 0600U);
  rig.Apply("team/web", "{1}");
  ASSERT_TRUE(rig.WaitIdle());
  EXPECT_EQ(rig.compiler.specs().size(), 1U);
}

TEST_F(AgentTest, EqualContentIsCompiledOnce) {
  Rig rig(node_.path());
  rig.Start();
  rig.Apply("team/a", "{same}");
  ASSERT_TRUE(rig.WaitForState("team/a", ProfileState::kInstalled));
  for (const char* key : {"team/b", "other/c"}) {
    rig.Apply(key, "{same}");
    ASSERT_TRUE(rig.WaitForState(key, ProfileState::kInstalled));
    EXPECT_EQ(rig.FileText(key), FakeCompiler::BytesFor("{same}"));
  }
  EXPECT_EQ(rig.compiler.specs().size(), 1U);
}

TEST_F(AgentTest, IsReadyOnlyAfterTheFirstFullPass) {
  Rig rig(node_.path());
  rig.Start();
  ASSERT_TRUE(rig.WaitIdle());
  EXPECT_FALSE(rig.agent->health().Ready().good) << rig.agent->health().Ready().text;
  rig.agent->desired().ListStarted();
  rig.Apply("team/web", "{1}");
  rig.agent->desired().ListFinished("7", true);
  ASSERT_TRUE(rig.Wait([&] { return rig.agent->health().Ready().good; }));
  EXPECT_TRUE(rig.HasFile("team/web"));
  EXPECT_EQ(rig.agent->installer().handled_version(), "7");
}

TEST_F(AgentTest, ARefusedVersionKeepsTheLastGoodFile) {
  Rig rig(node_.path());
  rig.Start();
  rig.Apply("team/web", "{1}");
  ASSERT_TRUE(rig.WaitForState("team/web", ProfileState::kInstalled));
  rig.compiler.AnswerWith([](const std::string&) {
    return FakeCompiler::Refusal("UnknownSyscall", "mkdirr: did you mean mkdir?");
  });
  rig.Apply("team/web", "{2}", 2);
  ASSERT_TRUE(rig.WaitForState("team/web", ProfileState::kInvalid));
  EXPECT_EQ(rig.FileText("team/web"), FakeCompiler::BytesFor("{1}"));
  const auto entry = rig.agent->table().Find("team/web");
  EXPECT_EQ(entry->reason, "UnknownSyscall");
  EXPECT_NE(entry->message.find("did you mean mkdir?"), std::string::npos);
  EXPECT_EQ(entry->desired_generation, 2);
  EXPECT_EQ(entry->installed_generation, 1);
}

TEST_F(AgentTest, OnInvalidRemoveTakesTheFileAway) {
  Rig rig(node_.path());
  rig.Start();
  rig.Apply("team/web", "{1}");
  ASSERT_TRUE(rig.WaitForState("team/web", ProfileState::kInstalled));
  rig.compiler.AnswerWith([](const std::string&) {
    auto answer = FakeCompiler::Refusal("UnknownSyscall", "no");
    answer.remove_when_invalid = true;
    return answer;
  });
  rig.Apply("team/web", "{2}", 2);
  ASSERT_TRUE(rig.WaitForState("team/web", ProfileState::kInvalid));
  EXPECT_FALSE(rig.HasFile("team/web"));
}

TEST_F(AgentTest, AnAnswerThatIsNotCanonicalIsNotWritten) {
  Rig rig(node_.path());
  rig.Start();
  rig.compiler.AnswerWith([](const std::string&) {
    compiler::CompileAnswer answer;
    answer.bytes = R"({"defaultAction":"SCMP_ACT_ALLOW", "listenerPath":"/run/evil.sock"})";
    return answer;
  });
  rig.Apply("team/web", "{1}");
  ASSERT_TRUE(rig.WaitForState("team/web", ProfileState::kFailed));
  EXPECT_FALSE(rig.HasFile("team/web"));
}

TEST_F(AgentTest, AnExpensiveProfileIsInvalidAndAFailedCompilerIsRetried) {
  Rig rig(node_.path());
  rig.Start();
  rig.compiler.AnswerWith([](const std::string& spec) -> Result<compiler::CompileAnswer> {
    if (spec == "{slow}") return Error{ErrorCode::kInvalid, "it took more than 2 s of CPU"};
    return Error{ErrorCode::kTransient, "the child was killed"};
  });
  rig.Apply("team/slow", "{slow}");
  rig.Apply("team/unlucky", "{unlucky}");
  ASSERT_TRUE(rig.WaitForState("team/slow", ProfileState::kInvalid));
  ASSERT_TRUE(rig.WaitForState("team/unlucky", ProfileState::kFailed));
  EXPECT_EQ(rig.agent->table().Find("team/slow")->reason, "TooExpensive");
  rig.compiler.AnswerWith({});
  rig.Advance(seconds(1));
  ASSERT_TRUE(rig.WaitForState("team/unlucky", ProfileState::kInstalled))
      << "retried after its backoff";
  EXPECT_EQ(rig.agent->table().Find("team/slow")->state, "Invalid") << "a verdict is not retried";
}

TEST_F(AgentTest, ADeletedObjectsFileGoesAfterTheGrace) {
  Rig rig(node_.path());
  rig.Start();
  rig.Apply("team/web", "{1}");
  ASSERT_TRUE(rig.WaitForState("team/web", ProfileState::kInstalled));
  rig.Delete("team/web");
  ASSERT_TRUE(rig.WaitForState("team/web", ProfileState::kDeleting));
  rig.Advance(seconds(50));
  ASSERT_TRUE(rig.WaitIdle());
  EXPECT_TRUE(rig.HasFile("team/web"));
  rig.Advance(seconds(11));
  ASSERT_TRUE(rig.Wait([&] { return !rig.agent->table().Find("team/web"); }));
  EXPECT_FALSE(rig.HasFile("team/web"));
}

TEST_F(AgentTest, AFileStaysWhileItsAbsenceIsNotConfirmed) {
  Rig rig(node_.path());
  rig.Start();
  rig.Apply("team/web", "{1}");
  ASSERT_TRUE(rig.WaitForState("team/web", ProfileState::kInstalled));
  rig.source.Break(true);
  rig.Delete("team/web");
  rig.Advance(seconds(61));
  ASSERT_TRUE(rig.Wait([&] {
    const auto entry = rig.agent->table().Find("team/web");
    return entry && entry->message.find("not sure") != std::string::npos;
  }));
  EXPECT_TRUE(rig.HasFile("team/web"));
}

TEST_F(AgentTest, AnObjectThatIsStillThereEndsTheDeletion) {
  Rig rig(node_.path());
  rig.Start();
  rig.Apply("team/web", "{1}");
  ASSERT_TRUE(rig.WaitForState("team/web", ProfileState::kInstalled));
  rig.EmptyList();  // a list that lost it, say from an older cache
  ASSERT_TRUE(rig.WaitForState("team/web", ProfileState::kDeleting));
  rig.Advance(seconds(61));
  ASSERT_TRUE(rig.WaitForState("team/web", ProfileState::kInstalled));
  EXPECT_TRUE(rig.HasFile("team/web"));
}

TEST_F(AgentTest, AMassDeletionWaitsFifteenMinutes) {
  Rig rig(node_.path());
  rig.Start();
  rig.agent->table().SetIdentity({"cluster-1", "crd-1", false});
  for (int i = 0; i < 30; ++i)
    rig.Apply("team/p" + std::to_string(i), "{" + std::to_string(i) + "}");
  ASSERT_TRUE(rig.Wait([&] { return rig.agent->table().files() == 30; }));
  for (int i = 0; i < 30; ++i) rig.source.Remove("team/p" + std::to_string(i));
  rig.EmptyList();
  rig.Advance(seconds(61));
  ASSERT_TRUE(rig.Wait([&] { return rig.condition("Healthy") == "MassDeletion"; }));
  ASSERT_TRUE(rig.WaitIdle());
  EXPECT_EQ(rig.agent->table().files(), 30U);
  for (int i = 0; i < 20; ++i) rig.Advance(minutes(1));
  ASSERT_TRUE(rig.Wait([&] { return rig.agent->table().size() == 0; }))
      << rig.agent->table().size();
  EXPECT_FALSE(rig.HasFile("team/p0"));
}

TEST_F(AgentTest, FilesOfAnotherClusterAreNeverRemoved) {
  Rig rig(node_.path());
  rig.Start();
  rig.agent->table().SetIdentity({"cluster-0", "crd-0", false});
  rig.Apply("team/web", "{1}");
  ASSERT_TRUE(rig.WaitForState("team/web", ProfileState::kInstalled));
  rig.source.Remove("team/web");
  rig.EmptyList();
  for (int i = 0; i < 30; ++i) rig.Advance(minutes(2));
  ASSERT_TRUE(rig.Wait([&] {
    const auto entry = rig.agent->table().Find("team/web");
    return entry && entry->message.find("another cluster") != std::string::npos;
  }));
  EXPECT_TRUE(rig.HasFile("team/web"));
}

TEST_F(AgentTest, ARestartWithAnIntactDiskIsReadyWithoutTheSource) {
  {
    Rig rig(node_.path());
    rig.Start();
    rig.agent->desired().ListStarted();
    rig.Apply("team/web", "{1}");
    rig.agent->desired().ListFinished("41", true);
    ASSERT_TRUE(rig.Wait([&] { return rig.agent->installer().handled_version() == "41"; }));
  }
  Rig again(node_.path());
  again.source.Break(true);
  again.Start();
  ASSERT_TRUE(again.Wait([&] { return again.agent->health().Ready().good; }))
      << again.agent->health().Ready().text;
  EXPECT_TRUE(again.compiler.specs().empty());
  EXPECT_EQ(again.agent->desired().delivered_version(), "41") << "the watch resumes there";
  EXPECT_EQ(again.condition("Synced"), "NotSynced") << "nobody has asked the source yet";
  again.agent->desired().SourceAnswered();
  EXPECT_EQ(again.condition("Synced"), "UpToDate") << "a quiet cluster sends nothing more";
}

TEST_F(AgentTest, ARestartRepairsFromTheCacheWhatWasChangedMeanwhile) {
  {
    Rig rig(node_.path());
    rig.Start();
    for (const char* key : {"team/changed", "team/gone", "team/mode"}) {
      rig.Apply(key, std::string("{") + key + "}");
      ASSERT_TRUE(rig.WaitForState(key, ProfileState::kInstalled));
    }
  }
  Rig again(node_.path());
  std::ofstream(again.PathOf("team/changed")) << "{}";
  ::unlink(again.PathOf("team/gone").c_str());
  ::chmod(again.PathOf("team/mode").c_str(), 0666);
  again.source.Break(true);
  again.Start();
  for (const std::string key : {"team/changed", "team/gone", "team/mode"}) {
    EXPECT_TRUE(again.Wait([&] {
      return again.FileText(key) == FakeCompiler::BytesFor("{" + key + "}");
    })) << key;
  }
  struct stat info {};
  ASSERT_TRUE(again.Wait([&] {
    return ::stat(again.PathOf("team/mode").c_str(), &info) == 0 && (info.st_mode & 07777) == 0600;
  }));
  EXPECT_TRUE(again.compiler.specs().empty()) << "the cache needed no compiler";
  EXPECT_TRUE(again.Wait([&] { return again.agent->installer().drift().kinds.size() == 3; }))
      << "told of just after the repair";
}

TEST_F(AgentTest, AProfileThatKilledTwoAgentsIsLeftAside) {
  const std::string digest = [&] {
    Rig rig(node_.path());
    return InputDigest(rig.agent->context(), "u1", "{killer}");
  }();
  for (int start = 0; start < 2; ++start) {  // two agents that died with it under way
    auto state = node::StateDir::Open(node::RealFileSystem(), node_.path() + "/state");
    ASSERT_TRUE(state.ok());
    ASSERT_TRUE((*state)->MarkTried({&digest, 1}).ok());
    if (start == 0) {
      ASSERT_TRUE((*state)->TakeTried().ok());
    }
  }
  Rig rig(node_.path());
  rig.Start();
  rig.Apply("team/killer", "{killer}");
  rig.Apply("team/good", "{good}");
  ASSERT_TRUE(rig.WaitForState("team/good", ProfileState::kInstalled));
  ASSERT_TRUE(rig.WaitForState("team/killer", ProfileState::kFailed));
  EXPECT_EQ(rig.compiler.specs(), std::vector<std::string>{"{good}"})
      << "it never reached a compiler";
  EXPECT_NE(rig.agent->table().Find("team/killer")->message.find("died twice"), std::string::npos);
}

TEST_F(AgentTest, ANameThatIsNoDnsLabelIsRefused) {
  Rig rig(node_.path());
  rig.Start();
  for (const char* key : {"team/a.b", "team/../../etc", "team/", "UP/x"}) {
    rig.Apply(key, "{1}");
    EXPECT_TRUE(rig.WaitForState(key, ProfileState::kInvalid)) << key;
    EXPECT_EQ(rig.agent->table().Find(key)->reason, "InvalidName");
  }
  EXPECT_TRUE(rig.compiler.specs().empty());
}

TEST_F(AgentTest, ATextThatWasDroppedIsFetched) {
  Rig rig(node_.path());
  const std::string big(DesiredState::kMaxPendingBytes + 1, 'x');
  rig.Start();
  rig.Apply("team/big", big);
  ASSERT_TRUE(rig.WaitForState("team/big", ProfileState::kInstalled));
  EXPECT_EQ(rig.compiler.specs(), std::vector<std::string>{big});
}

}  // namespace
}  // namespace seccompd::agent
