// SPDX-License-Identifier: Apache-2.0
// What a profile means for a call, and what a runtime makes of it.
#include "seccompd/profile/meaning.h"

#include <linux/audit.h>

#include <cerrno>

#include <gtest/gtest.h>

#include "profile/profiles.h"

namespace seccompd::profile {
namespace {

constexpr std::uint32_t kX32Bit = 0x40000000;

struct CallRow {
  std::string name;
  std::uint32_t architecture;
  std::uint32_t number;
  std::uint64_t first_arg;
  Verdict verdict;
  Why why;
  std::string rule;  // its name
};

// x86_64 and x86; ERRNO by default.
Meaning SomeMeaning(std::vector<Architecture> architectures) {
  return Meaning(
      ProfileOf({RuleFor("read", Action::kAllow), RuleFor("reboot", Action::kKillProcess),
                 RuleFor("socket", Action::kAllow, {Cond(0, Operator::kEqual, 2)}),
                 RuleFor("socket", Action::kErrno, {Cond(0, Operator::kEqual, 40)}, 97),
                 RuleFor("socketcall", Action::kLog, {Cond(0, Operator::kEqual, 18)}),
                 RuleFor("mkdir", Action::kLog, {Cond(0, Operator::kGreater, 0xffffffff)}),
                 RuleFor("recv", Action::kAllow)},
                std::move(architectures)));
}

class MeaningTable : public testing::TestWithParam<CallRow> {};

TEST_P(MeaningTable, Decides) {
  const CallRow& row = GetParam();
  const Meaning meaning = SomeMeaning({Architecture::kX8664, Architecture::kX86});
  const Decision decision = meaning.Decide({row.number, row.architecture, 0, {row.first_arg}});
  EXPECT_EQ(VerdictText(decision.verdict), VerdictText(row.verdict));
  EXPECT_EQ(decision.why, row.why);
  ASSERT_EQ(decision.rule.has_value(), !row.rule.empty());
  if (decision.rule.has_value()) {
    EXPECT_EQ(meaning.profile().rules[*decision.rule].name, row.rule);
  }
}

constexpr Verdict kDefault = {Action::kErrno, 1};
constexpr Verdict kKilled = {Action::kKillThread, 0};
constexpr Verdict kAllowed = {Action::kAllow, 0};

const CallRow kCalls[] = {
    {"Unconditional", AUDIT_ARCH_X86_64, 0, 0, kAllowed, Why::kRule, "read"},
    {"OtherNumberElsewhere", AUDIT_ARCH_I386, 3, 0, kAllowed, Why::kRule, "read"},
    {"Unnamed", AUDIT_ARCH_X86_64, 1, 0, kDefault, Why::kDefault, ""},
    {"Killing", AUDIT_ARCH_X86_64, 169, 0, {Action::kKillProcess, 0}, Why::kRule, "reboot"},
    {"Condition", AUDIT_ARCH_X86_64, 41, 2, kAllowed, Why::kRule, "socket"},
    {"OtherCondition", AUDIT_ARCH_X86_64, 41, 40, {Action::kErrno, 97}, Why::kRule, "socket"},
    {"NoCondition", AUDIT_ARCH_X86_64, 41, 3, kDefault, Why::kDefault, ""},
    {"AllOf64Bits", AUDIT_ARCH_X86_64, 41, 0x100000002, kDefault, Why::kDefault, ""},
    {"Wide", AUDIT_ARCH_X86_64, 83, 0x100000000, {Action::kLog, 0}, Why::kRule, "mkdir"},
    {"NotWide", AUDIT_ARCH_X86_64, 83, 0xffffffff, kDefault, Why::kDefault, ""},
    {"OnlyLowerHalfOn32Bits", AUDIT_ARCH_I386, 359, 0x100000002, kAllowed, Why::kRule, "socket"},
    {"OwnNumberOfMultiplexed", AUDIT_ARCH_I386, 359, 3, kDefault, Why::kDefault, ""},
    {"Multiplexer", AUDIT_ARCH_I386, 102, 18, {Action::kLog, 0}, Why::kRule, "socketcall"},
    {"OnlyMultiplexed", AUDIT_ARCH_I386, 102, 10, kAllowed, Why::kRule, "recv"},
    {"PseudoNumber", AUDIT_ARCH_I386, static_cast<std::uint32_t>(-110), 0, kDefault, Why::kDefault,
     ""},
    {"Foreign", AUDIT_ARCH_AARCH64, 63, 0, kKilled, Why::kForeignArchitecture, ""},
    {"X32", AUDIT_ARCH_X86_64, kX32Bit, 0, kKilled, Why::kX32Range, ""},
    {"MostNegative", AUDIT_ARCH_X86_64, 0x80000000, 0, kKilled, Why::kX32Range, ""},
    {"MinusOne", AUDIT_ARCH_X86_64, ~0U, 0, kDefault, Why::kDefault, ""},
};
INSTANTIATE_TEST_SUITE_P(Calls, MeaningTable, testing::ValuesIn(kCalls),
                         [](const auto& row) { return row.param.name; });

TEST(MeaningTest, ContradictionIsTold) {
  const Meaning meaning(
      ProfileOf({RuleFor("mkdir", Action::kAllow, {Cond(0, Operator::kEqual, 1)}),
                 RuleFor("mkdir", Action::kLog, {Cond(1, Operator::kEqual, 2)})}));
  const auto decide = [&](std::uint64_t first, std::uint64_t second) {
    return meaning.Decide({83, AUDIT_ARCH_X86_64, 0, {first, second}});
  };
  EXPECT_FALSE(decide(1, 1).contradicting_rule.has_value());
  EXPECT_FALSE(decide(0, 2).contradicting_rule.has_value());
  EXPECT_EQ(decide(1, 2).rule, std::optional<std::size_t>(0));
  EXPECT_EQ(decide(1, 2).contradicting_rule, std::optional<std::size_t>(1));
}

TEST(MeaningTest, KnowsNumbersAndNames) {
  EXPECT_EQ(SyscallNumber("mkdir", Architecture::kX8664), 83U);
  EXPECT_EQ(SyscallNumber("mkdir", Architecture::kX32), 83U | kX32Bit);
  EXPECT_EQ(SyscallNumber("socket", Architecture::kX86), 359U);
  EXPECT_FALSE(SyscallNumber("recv", Architecture::kX86).has_value());
  EXPECT_FALSE(SyscallNumber("recv", Architecture::kX8664).has_value());
  EXPECT_FALSE(SyscallNumber("no_such_call", Architecture::kX8664).has_value());
  EXPECT_EQ(SyscallName(83, Architecture::kX8664), "mkdir");
  EXPECT_EQ(SyscallName(100'000, Architecture::kX8664), "");
}

struct StubRow {
  std::string name;
  Action default_action;
  std::vector<Architecture> architectures;
  std::uint32_t number;
  bool is_in_stub;
};
class StubTable : public testing::TestWithParam<StubRow> {};

// The largest number named is reboot's, 169.
TEST_P(StubTable, OfRunc) {
  const StubRow& row = GetParam();
  const Meaning meaning(
      ProfileOf({RuleFor("reboot", Action::kTrap)}, row.architectures, row.default_action));
  const CallData call{row.number, AUDIT_ARCH_X86_64, 0, {}};
  const Decision by_runc = ExplainCall(meaning, Runtime::kRunc, call);
  EXPECT_EQ(by_runc.why == Why::kRuntimeStub, row.is_in_stub);
  if (row.is_in_stub) {
    EXPECT_EQ(by_runc.verdict, (Verdict{Action::kErrno, ENOSYS}));
  }
  EXPECT_NE(ExplainCall(meaning, Runtime::kCrun, call).why, Why::kRuntimeStub);
}

const std::vector<Architecture> kOne = {Architecture::kX8664};
const std::vector<Architecture> kBoth = {Architecture::kX8664, Architecture::kX32};
const StubRow kStubs[] = {
    {"Named", Action::kErrno, kOne, 169, false},
    {"Below", Action::kErrno, kOne, 168, false},
    {"Newer", Action::kErrno, kOne, 170, true},
    {"NewerUnderKill", Action::kKillProcess, kOne, 435, true},
    {"NewerUnderAllow", Action::kAllow, kOne, 435, false},
    {"NewerUnderLog", Action::kLog, kOne, 435, false},
    {"NewerUnderTrace", Action::kTrace, kOne, 435, false},
    {"X32Range", Action::kErrno, kOne, kX32Bit | 435, false},
    {"MinusOne", Action::kErrno, kOne, ~0U, false},
    {"WithoutTheBit", Action::kErrno, kOne, 0x80000000, true},
    {"X32Newer", Action::kErrno, kBoth, kX32Bit | 435, true},
    {"X32Named", Action::kErrno, kBoth, kX32Bit | 169, false},
    {"MinusOneWithX32", Action::kErrno, kBoth, ~0U, true},
};
INSTANTIATE_TEST_SUITE_P(Stubs, StubTable, testing::ValuesIn(kStubs),
                         [](const auto& row) { return row.param.name; });

TEST(MeaningTest, NoStubForAnArchitectureWithoutNames) {
  const Meaning meaning(ProfileOf({RuleFor("socketcall", Action::kAllow)},
                                  {Architecture::kX8664, Architecture::kX86}));
  EXPECT_EQ(ExplainCall(meaning, Runtime::kRunc, {500, AUDIT_ARCH_X86_64, 0, {}}).why,
            Why::kDefault);
  EXPECT_EQ(ExplainCall(meaning, Runtime::kRunc, {500, AUDIT_ARCH_I386, 0, {}}).why,
            Why::kRuntimeStub);
  EXPECT_EQ(ExplainCall(meaning, Runtime::kRunc, {500, AUDIT_ARCH_ARM, 0, {}}).why,
            Why::kForeignArchitecture);
}

}  // namespace
}  // namespace seccompd::profile
