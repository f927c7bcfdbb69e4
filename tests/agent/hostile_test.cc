// SPDX-License-Identifier: Apache-2.0
// Profiles that make their child hang, crash or eat memory, with the real compiler's children
// (seccompd-compile-testing), among good ones, over restarts of the agent.
#include <algorithm>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "seccompd/compiler/zygote.h"

#include "agent/rig.h"

namespace seccompd::agent {
namespace {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool kHasMemoryLimit = false;  // a sanitizer needs the address space
constexpr int kGoodOnes = 50;
#else
constexpr bool kHasMemoryLimit = true;
constexpr int kGoodOnes = 500;
#endif

std::string GoodSpec(int number) {
  return R"({"profile":{"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"names":["mkdir"],)"
         R"("action":"SCMP_ACT_ERRNO","args":[{"index":1,"value":)" +
         std::to_string(number) + R"(,"op":"SCMP_CMP_EQ"}]}]}})";
}

// The two rules of seccomp-facts.md section 4 on which libseccomp, and every runtime, spins for
// ever; written otherwise they are harmless.
constexpr char kHangsRuntimes[] =
    R"({"profile":{"defaultAction":"SCMP_ACT_ALLOW","syscalls":[)"
    R"({"names":["mkdir"],"action":"SCMP_ACT_ERRNO","args":[{"index":0,"value":0,"op":"SCMP_CMP_LE"},)"
    R"({"index":1,"value":7,"op":"SCMP_CMP_GT"}]},)"
    R"({"names":["mkdir"],"action":"SCMP_ACT_ERRNO","args":[{"index":0,"value":0,"op":"SCMP_CMP_LE"},)"
    R"({"index":1,"value":2,"op":"SCMP_CMP_EQ"},{"index":2,"value":0,"op":"SCMP_CMP_EQ"}]}]}})";

std::vector<std::string> HostileSpecs() {
  std::vector<std::string> specs = {"test:hang", "test:spin", "test:crash", "test:abort"};
  if (kHasMemoryLimit) specs.emplace_back("test:eat");
  return specs;
}

class HostileTest : public testing::Test {
 protected:
  void SetUp() override {
    auto zygote = compiler::Zygote::Start(
        {.executable = SECCOMPD_COMPILE_TESTING, .wall_limit = std::chrono::seconds(120)});
    ASSERT_TRUE(zygote.ok()) << zygote.error().message;
    zygote_ = *std::move(zygote);
  }

  std::unique_ptr<Rig> StartAgent() {
    auto rig = std::make_unique<Rig>(node_.path());
    rig->compiler.JudgeWith(
        [this](const compiler::CompileRequest& request) { return zygote_->Compile(request); });
    rig->compiler.JudgeForWith(
        [this](std::string_view name_space, const compiler::CompileRequest& request) {
          return zygote_->CompileFor(name_space, request);
        });
    rig->compiler.JudgeTogetherWith([this](std::string_view name_space,
                                           const compiler::CompileRequest& common,
                                           std::span<const std::string> specs) {
      return zygote_->CompileTogether(name_space, common, specs);
    });
    rig->Start();
    return rig;
  }

  static void ApplyAll(Rig& rig) {
    const std::vector<std::string> hostile = HostileSpecs();
    for (std::size_t i = 0; i < hostile.size(); ++i) {
      rig.Apply("evil/p" + std::to_string(i), hostile[i]);
    }
    rig.Apply("evil/facts", kHangsRuntimes);
    for (int i = 0; i < kGoodOnes; ++i) {
      rig.Apply("team-" + std::to_string(i % 20) + "/p" + std::to_string(i), GoodSpec(i));
    }
  }

  // As it should be, once nobody is at work.
  static void ExpectVerdicts(const Rig& rig) {
    const std::size_t hostile = HostileSpecs().size();
    EXPECT_EQ(rig.agent->table().CountOf(ProfileState::kInvalid), hostile);
    EXPECT_EQ(rig.agent->table().CountOf(ProfileState::kInstalled),
              static_cast<std::size_t>(kGoodOnes) + 1);
    for (std::size_t i = 0; i < hostile; ++i) {
      const auto entry = rig.agent->table().Find("evil/p" + std::to_string(i));
      ASSERT_TRUE(entry.has_value());
      EXPECT_EQ(entry->reason, "TooExpensive") << entry->message;
    }
  }

  TemporaryNode node_;
  std::unique_ptr<compiler::Zygote> zygote_;
};

TEST_F(HostileTest, EachIsTriedOnceAndRememberedOverRestarts) {
  {
    auto rig = StartAgent();
    ApplyAll(*rig);
    ASSERT_TRUE(rig->Wait([&] {
      return rig->agent->table().CountOf(ProfileState::kInstalled) ==
             static_cast<std::size_t>(kGoodOnes) + 1;
    }));
    ASSERT_TRUE(rig->Wait([&] {
      return rig->agent->table().CountOf(ProfileState::kInvalid) == HostileSpecs().size();
    }));
    ASSERT_TRUE(rig->WaitIdle());
    ExpectVerdicts(*rig);
    const std::vector<std::string> asked = rig->compiler.specs();
    for (const std::string& spec : HostileSpecs()) {
      EXPECT_EQ(std::count(asked.begin(), asked.end(), spec), 1) << spec << ", alone";
    }
  }
  for (int restart = 0; restart < 3; ++restart) {
    auto rig = StartAgent();
    ApplyAll(*rig);
    ASSERT_TRUE(rig->WaitIdle());
    ExpectVerdicts(*rig);
    EXPECT_TRUE(rig->compiler.specs().empty()) << "restart " << restart;
    EXPECT_TRUE(rig->compiler.together().empty()) << "restart " << restart;
  }
}

}  // namespace
}  // namespace seccompd::agent
