// SPDX-License-Identifier: Apache-2.0
// A ceiling made once, for all architectures, judges as one that is made for each profile.
#include "seccompd/profile/ceiling.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "seccompd/profile/builtins.h"
#include "seccompd/profile/decode.h"
#include "seccompd/profile/encode.h"

#include "profile/profiles.h"
#include "profile/support.h"

namespace seccompd::profile {
namespace {

constexpr char kDefault[] = "builtin/runtime-default-v1";

RenderRequest RequestFor(std::string spec, const std::string& ceiling = kDefault) {
  return {std::move(spec), {std::string(kNode), "6.1.0-18-amd64", {}, "both"}, {}, ceiling, false};
}

// The result with a ceiling that was made before is the one without.
Rendered RenderBothWays(const RenderRequest& request, const Ceiling& made) {
  const Result<Rendered> with = Render(request, &made);
  const Result<Rendered> without = Render(request);
  EXPECT_TRUE(with.ok() && without.ok());
  EXPECT_EQ(*with, *without) << request.spec;
  return *with;
}

const char* const kArchitectureLists[] = {
    "",
    R"("architectures":["SCMP_ARCH_X86_64"],)",
    R"("architectures":["SCMP_ARCH_X86_64","SCMP_ARCH_X86"],)",
    R"("architectures":["SCMP_ARCH_X86_64","SCMP_ARCH_X32"],)",
    R"("architectures":["SCMP_ARCH_X86_64","SCMP_ARCH_X86","SCMP_ARCH_X32"],)",
    R"("architectures":["SCMP_ARCH_X86_64","SCMP_ARCH_AARCH64"],)"};

TEST(CeilingTest, MadeOnceJudgesAsMadeAnew) {
  const Result<Ceiling> made = Ceiling::Make(kDefault, RequestFor("").node);
  ASSERT_TRUE(made.ok()) << made.error().message;
  int above = 0;
  int below = 0;
  for (const char* file : {"containers-default.json", "docker-default.json", "everything.json"}) {
    const std::string profile = ReadText(TestData("profiles") / file);
    const Rendered rendered = RenderBothWays(RequestFor("{\"profile\":" + profile + "}"), *made);
    (rendered.is_denied ? above : below) += 1;
  }
  for (const std::string architectures : kArchitectureLists) {
    for (const char* action : {"SCMP_ACT_ALLOW", "SCMP_ACT_LOG", "SCMP_ACT_ERRNO"}) {
      for (const char* names : {"\"unshare\"", "\"bpf\",\"mount\",\"setns\"", "\"mkdir\"",
                                "\"ptrace\",\"socket\",\"personality\",\"ipc\",\"socketcall\""}) {
        const std::string rule = std::string(R"({"names":[)") + names + R"(],"action":")" + action +
                                 R"(","errnoRet":5})";
        const Rendered rendered = RenderBothWays(
            RequestFor(SpecWith(
                architectures.empty() ? "" : architectures.substr(0, architectures.size() - 1),
                rule)),
            *made);
        (rendered.is_denied ? above : below) += 1;
      }
    }
  }
  EXPECT_GT(above, 10);
  EXPECT_GT(below, 10);
}

// Random rules with conditions, against each builtin as ceiling.
TEST(CeilingTest, MadeOnceJudgesRandomProfilesAsMadeAnew) {
  RandomRules random(77);
  int above = 0;
  for (const Builtin& builtin : AllBuiltins()) {
    const std::string name(builtin.name);
    const Result<Ceiling> made = Ceiling::Make(name, RequestFor("").node);
    ASSERT_TRUE(made.ok()) << name << ": " << made.error().message;
    for (int round = 0; round < 12; ++round) {
      std::vector<Rule> rules;
      for (const char* call : {"socket", "personality", "clone", "mkdir", "semctl", "unshare"}) {
        rules.push_back(random.AnyRule(call, random.Below(4) == 0 ? Action::kLog : Action::kAllow,
                                       random.Below(3), kEqualities, true));
      }
      for (const char* call : {"execve", "exit_group", "read", "write"}) {
        rules.push_back(RuleFor(call, Action::kAllow));
      }
      std::vector<Architecture> architectures = {Architecture::kX8664};
      if (round % 3 > 0) architectures.push_back(Architecture::kX86);
      if (round % 3 > 1) architectures.push_back(Architecture::kX32);
      std::string bytes = Encode(ProfileOf(rules, architectures));
      bytes.pop_back();
      const Rendered rendered =
          RenderBothWays(RequestFor("{\"profile\":" + bytes + "}", name), *made);
      if (rendered.is_denied) ++above;
    }
  }
  EXPECT_GT(above, 12);
}

TEST(CeilingTest, IsNotUsedForAnotherRequest) {
  const Result<Ceiling> made = Ceiling::Make("builtin/audit-v1", RequestFor("").node);
  ASSERT_TRUE(made.ok());
  const std::string spec =
      SpecWith("", R"({"names":["mount"],"action":"SCMP_ACT_ALLOW"})");  // audit-v1 logs all
  RenderRequest request = RequestFor(spec, "builtin/audit-v1");
  EXPECT_TRUE(made->IsOf(request));
  EXPECT_FALSE(RenderBothWays(request, *made).is_denied);
  request.ceiling = kDefault;
  EXPECT_FALSE(made->IsOf(request));
  EXPECT_TRUE(RenderBothWays(request, *made).is_denied);
  request = RequestFor(spec, "builtin/audit-v1");
  request.node.kernel = "4.4.0";
  EXPECT_FALSE(made->IsOf(request));
  request = RequestFor(spec, "builtin/audit-v1");
  request.node.architecture = "SCMP_ARCH_AARCH64";
  EXPECT_FALSE(made->IsOf(request));
  EXPECT_EQ(Render(RequestFor(spec, "builtin/none-v1"), &*made).error().code, ErrorCode::kDenied);
}

TEST(CeilingTest, MustBeABuiltinAndOfANodeOfOurs) {
  EXPECT_EQ(Ceiling::Make("builtin/none-v1", RequestFor("").node).error().code, ErrorCode::kDenied);
  EXPECT_EQ(Ceiling::Make(kDefault, {"x86_64", "", {}, "both"}).error().code, ErrorCode::kDenied);
}

}  // namespace
}  // namespace seccompd::profile
