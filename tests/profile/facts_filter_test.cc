// SPDX-License-Identifier: Apache-2.0
// seccomp-facts.md, sections 4, 5 and 7: what libseccomp makes of rules, how a filter is simulated,
// and limits.
//
// Proven elsewhere:
// 4 the order of calls, one context for each byte order:
// CompileTest.OurOrderGivesTheRuntimesFilter, CompileTest.Kernel* 4 pseudo numbers and multiplexed
// calls:                 MeaningTest.*, RenderTest.ConflictThatOnlyLibseccompSees 4 the safe
// subset, in both orders; nothing wrong passes: ValidateTest.SafeShapesPassInBothOrders,
// .NothingWrongGetsThrough 4 no size checks, memory, time: ZygoteTest.MemoryEatersAreVerdicts,
// .CpuEatersAreVerdicts 4 names that libseccomp does not know: RenderTable.NotInLibseccomp,
// CompileTest.KnowsEveryNameThatLibseccompHas 5 the simulator's operations, JSET and memory among
// them: OperationTable, HostileTable; against the kernel: tests/differential 5 runc's stub, then
// the filter, then the foreign architecture: MeaningTable, StubTable 5 the kernel's cache and a
// filter's speed are no fault of a profile: ARCHITECTURE.md's decisions 7 the limits on both sides:
// DecodeTest.Limits*, DecodeTable.TooLong and .TooDeep,
//                                                         RenderTest.TooManyInstructionsAreRefused
#include "seccompd/profile/syscalls.h"

#include "profile/facts.h"

namespace seccompd::profile {
namespace {

std::string Two(const std::string& first, const std::string& second, const std::string& more = "") {
  return SpecWith(
      more, RuleText("ioprio_set", "ALLOW", first) + "," + RuleText("ioprio_set", "ALLOW", second));
}
const std::string kHang =
    Two(ArgText(0, "LE", "0") + "," + ArgText(1, "GT", "7"),
        ArgText(0, "LE", "0") + "," + ArgText(1, "EQ", "2") + "," + ArgText(2, "EQ", "0"));
const std::string kMiscompiled = Two(ArgText(1, "LE", "2"), ArgText(1, "GT", "8589934591"));
const std::string kBoth = R"("architectures":["SCMP_ARCH_X86_64","SCMP_ARCH_X86"])";
std::string Socket(const std::string& members, const std::string& args) {
  return SpecWith(members, RuleText("socket", "ALLOW", args));
}

std::string ManyArgs(int rules) {
  std::string text;
  for (int i = 0; i < rules; ++i) {
    text +=
        (i > 0 ? "," : "") + RuleText("ioprio_set", "ALLOW", ArgText(1, "EQ", std::to_string(i)));
  }
  return SpecWith("", text);
}

const Fact kFacts[] = {
    {"Hang", "two rules on which libseccomp spins for ever", kHang, "Rewritten", "as 62 rules"},
    {"HangLoads", "written in another way, they load", kHang, "", ""},
    {"Miscompiled", "LE beside a wide GT lets a1=3 through", kMiscompiled, "Rewritten",
     "as 3 rules"},
    {"NeAmongSeveral", "unsafe: NE in rules of several conditions",
     Two(ArgText(0, "NE", "5") + "," + ArgText(1, "NE", "7"), ArgText(0, "EQ", "5")),
     "UnsafeComparison", "one rule, or only"},
    {"OneRule", "safe: one rule, any operators",
     SpecWith("", RuleText("ioprio_set", "ALLOW",
                           ArgText(0, "LE", "0") + "," + ArgText(1, "GT", "8589934591"))),
     "", ""},
    {"NarrowRanges", "safe: one condition each, below 2^32",
     Two(ArgText(1, "LE", "2"), ArgText(1, "GT", "7")), "-Rewritten", ""},
    {"Equalities", "safe: EQ and MASKED_EQ only, 64 bits",
     Two(ArgText(0, "EQ", "8589934591") + "," + ArgText(1, "EQ", "0"),
         ArgText(1, "MASKED_EQ", "8589934591", "1")),
     "-Rewritten", ""},
    {"WideGreater", "safe: one condition each, EQ NE MASKED_EQ GT GE, 64 bits",
     Two(ArgText(0, "EQ", "8589934591"), ArgText(0, "GT", "85899345910")), "-Rewritten", ""},
    {"NotOnNative", "names of other architectures have no effect here",
     SpecWith("", RuleText("socketcall", "ALLOW")), "SyscallNotOnArchitecture", "without effect"},
    {"I386Socket", "conditions on socket are void on i386", Socket(kBoth, ArgText(0, "EQ", "2")),
     "MultiplexedArguments", "an allowed value there allows all, a denied one denies all"},
    {"I386Ipc", "conditions on ipc's family as well",
     SpecWith(kBoth, RuleText("semget", "ALLOW", ArgText(1, "EQ", "2"))), "MultiplexedArguments",
     "semget"},
    {"I386NoSocket", "other calls are not concerned",
     SpecWith(kBoth, RuleText("ioprio_set", "ALLOW", ArgText(1, "EQ", "2"))),
     "-MultiplexedArguments", ""},
    {"Args128", "about a thousand conditions fit; 128 are taken", ManyArgs(120), "", ""},
    {"Args1200", "1200 rules with arguments fail", ManyArgs(1000), "TooLarge", "at most"},
};
INSTANTIATE_TEST_SUITE_P(Section4, FactTable, testing::ValuesIn(kFacts),
                         [](const auto& row) { return row.param.name; });

const Answer kAnswers[] = {
    {"A1Is2", "a1=2 is allowed", kMiscompiled, "ioprio_set", {{1, 2}}, "ALLOW"},
    {"A1Is3",
     "a1=3 is not, though libseccomp says so",
     kMiscompiled,
     "ioprio_set",
     {{1, 3}},
     "ERRNO 1 (EPERM)"},
    {"A1Is100", "nor 100", kMiscompiled, "ioprio_set", {{1, 100}}, "ERRNO 1 (EPERM)"},
    {"A1IsWide", "what is greater is", kMiscompiled, "ioprio_set", {{1, 0x200000000}}, "ALLOW"},
    {"HangHolds",
     "the hanging one means what it says",
     kHang,
     "ioprio_set",
     {{0, 0}, {1, 2}, {2, 0}},
     "ALLOW"},
    {"HangDenies",
     "the hanging one means what it says",
     kHang,
     "ioprio_set",
     {{0, 0}, {1, 2}, {2, 1}},
     "ERRNO 1 (EPERM)"},
    {"SocketcallAllowed",
     "socket ALLOW if a0==2 allows socketcall for any family",
     Socket(kBoth, ArgText(0, "EQ", "2")),
     "socketcall",
     {{0, 1}},
     "ALLOW",
     Runtime::kCrun,
     Architecture::kX86},
    {"SocketOfI386",
     "its own number is compared",
     Socket(kBoth, ArgText(0, "EQ", "2")),
     "socket",
     {{0, 38}},
     "ERRNO 1 (EPERM)",
     Runtime::kCrun,
     Architecture::kX86},
    {"SocketcallDenied",
     "socket ERRNO if a0==38 denies all of socketcall's",
     OpenFile(RuleText("socket", "ERRNO", ArgText(0, "EQ", "38")), kBoth + ","),
     "socketcall",
     {{0, 1}},
     "ERRNO 1 (EPERM)",
     Runtime::kCrun,
     Architecture::kX86},
    {"X32Listed",
     "with x32 listed the rules hold for it",
     SpecWith(R"("architectures":["SCMP_ARCH_X32"])"),
     "read",
     {},
     "ALLOW",
     Runtime::kCrun,
     Architecture::kX32},
};
INSTANTIATE_TEST_SUITE_P(Section4, AnswerTable, testing::ValuesIn(kAnswers),
                         [](const auto& row) { return row.param.name; });

// "All names as one rule each are 30 KB": they fit, in each list of ours.
TEST(FactsSection7, EveryNameOfLinuxFitsIntoOneProfile) {
  std::string names;
  for (const std::string_view name : LinuxSyscalls()) {
    names += (names.empty() ? "\"" : ",\"") + std::string(name) + "\"";
  }
  const std::vector<Diagnostic> findings =
      Linted(R"({"defaultAction":"SCMP_ACT_ERRNO","syscalls":[{"action":"SCMP_ACT_LOG","names":[)" +
             names + "]}]}");
  EXPECT_FALSE(HasError(findings)) << FindingsText(findings);
}

}  // namespace
}  // namespace seccompd::profile
