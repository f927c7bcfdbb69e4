// SPDX-License-Identifier: Apache-2.0
// Two profiles side by side, and one under its ceiling.
#include "seccompd/profile/compare.h"

#include <gtest/gtest.h>

#include "profile/profiles.h"
#include "profile/support.h"

namespace seccompd::profile {
namespace {

std::vector<std::string> Texts(const Profile& a, const Profile& b) {
  const auto differences = Compare(MustJudge(a), MustJudge(b));
  EXPECT_TRUE(differences.ok()) << differences.error().message;
  std::vector<std::string> texts;
  for (const Difference& difference : *differences) texts.push_back(DifferenceText(difference));
  return texts;
}

struct PairRow {
  std::string name;
  Profile a;
  Profile b;
  std::vector<std::string> differences;
};
class PairTable : public testing::TestWithParam<PairRow> {};
TEST_P(PairTable, Differ) {
  EXPECT_EQ(Texts(GetParam().a, GetParam().b), GetParam().differences);
  EXPECT_EQ(Texts(GetParam().a, GetParam().a), std::vector<std::string>{});
  EXPECT_EQ(Texts(GetParam().b, GetParam().a).size(), GetParam().differences.size());
}

Rule Read() { return RuleFor("read", Action::kAllow); }
Rule Mkdir(Action action, std::vector<Arg> args = {}, std::uint32_t errno_ret = 13) {
  return RuleFor("mkdir", action, std::move(args), errno_ret);
}

const PairRow kPairs[] = {
    {"Same", ProfileOf({Read()}), ProfileOf({Read()}), {}},
    {"Looser",
     ProfileOf({Read()}),
     ProfileOf({Read(), Mkdir(Action::kAllow)}),
     {"mkdir on SCMP_ARCH_X86_64: ERRNO 1 (EPERM) -> ALLOW (looser)"}},
    {"Tighter",
     ProfileOf({Read()}),
     ProfileOf({Read(), Mkdir(Action::kKillProcess)}),
     {"mkdir on SCMP_ARCH_X86_64: ERRNO 1 (EPERM) -> KILL_PROCESS (tighter)"}},
    {"OtherErrno",
     ProfileOf({Read()}),
     ProfileOf({Read(), Mkdir(Action::kErrno)}),
     {"mkdir on SCMP_ARCH_X86_64: ERRNO 1 (EPERM) -> ERRNO 13 (EACCES) (different)"}},
    {"OfSomeArguments",
     ProfileOf({Read(), Mkdir(Action::kAllow, {Cond(1, Operator::kEqual, 2)})}),
     ProfileOf({Read(), Mkdir(Action::kAllow, {Cond(1, Operator::kLessOrEqual, 2)})}),
     {"mkdir(a1=0x0) on SCMP_ARCH_X86_64: ERRNO 1 (EPERM) -> ALLOW (looser)"}},
    {"SameInOtherWords",
     ProfileOf({Read(), Mkdir(Action::kAllow, {Cond(1, Operator::kLess, 1)})}),
     ProfileOf({Read(), Mkdir(Action::kAllow, {Cond(1, Operator::kEqual, 0)})}),
     {}},
    {"TwoWays",
     ProfileOf({Read(), Mkdir(Action::kAllow, {Cond(0, Operator::kEqual, 1)})}),
     ProfileOf({Read(), Mkdir(Action::kAllow, {Cond(0, Operator::kEqual, 2)})}),
     {"mkdir(a0=0x1) on SCMP_ARCH_X86_64: ALLOW -> ERRNO 1 (EPERM) (tighter)",
      "mkdir(a0=0x2) on SCMP_ARCH_X86_64: ERRNO 1 (EPERM) -> ALLOW (looser)"}},
    {"Default",
     ProfileOf({Read()}),
     ProfileOf({Read()}, {Architecture::kX8664}, Action::kTrap),
     {"any other system call on SCMP_ARCH_X86_64: ERRNO 1 (EPERM) -> TRAP (tighter)"}},
    {"Architecture",
     ProfileOf({Read()}),
     ProfileOf({Read()}, {Architecture::kX8664, Architecture::kX86}),
     {"read on SCMP_ARCH_X86: KILL_THREAD -> ALLOW (looser)",
      "any other system call on SCMP_ARCH_X86: KILL_THREAD -> ERRNO 1 (EPERM) (looser)"}},
    {"X32",
     ProfileOf({Read()}),
     ProfileOf({Read()}, {Architecture::kX8664, Architecture::kX32}),
     {"read on SCMP_ARCH_X32: KILL_THREAD -> ALLOW (looser)",
      "any other system call on SCMP_ARCH_X32: KILL_THREAD -> ERRNO 1 (EPERM) (looser)"}},
};
INSTANTIATE_TEST_SUITE_P(Pairs, PairTable, testing::ValuesIn(kPairs),
                         [](const auto& row) { return row.param.name; });

TEST(CompareTest, StrictnessIsTheKernels) {
  const Action strictest_first[] = {Action::kKillProcess, Action::kKillThread, Action::kTrap,
                                    Action::kErrno,       Action::kNotify,     Action::kTrace,
                                    Action::kLog,         Action::kAllow};
  int expected = 7;
  for (const Action action : strictest_first) EXPECT_EQ(Strictness(action), expected--);
}

TEST(CompareTest, OtherByteOrderIsRefused) {
  EXPECT_FALSE(Compare(MustJudge(ProfileOf({Read()})),
                       MustJudge(ProfileOf({Read()}, {Architecture::kS390X})))
                   .ok());
  EXPECT_EQ(Texts(ProfileOf({Read()}, {Architecture::kS390X}),
                  ProfileOf({Mkdir(Action::kAllow, {Cond(1, Operator::kEqual, 0x500000002)})},
                            {Architecture::kS390X})),
            (std::vector<std::string>{
                "mkdir(a1=0x500000002) on SCMP_ARCH_S390X: ERRNO 1 (EPERM) -> ALLOW (looser)",
                "read on SCMP_ARCH_S390X: ALLOW -> ERRNO 1 (EPERM) (tighter)"}));
}

struct CeilingRow {
  std::string name;
  Profile profile;
  Profile ceiling;
  std::string finding;  // its message; none when empty
};
class CeilingTable : public testing::TestWithParam<CeilingRow> {};
TEST_P(CeilingTable, Judges) {
  const std::vector<Diagnostic> findings =
      CheckCeiling(MustJudge(GetParam().profile), MustJudge(GetParam().ceiling));
  ASSERT_EQ(findings.size(), GetParam().finding.empty() ? 0U : 1U) << FindingsText(findings);
  if (findings.empty()) return;
  EXPECT_EQ(findings[0].code, "AboveCeiling");
  EXPECT_EQ(findings[0].severity, Severity::kError);
  EXPECT_EQ(findings[0].message, GetParam().finding);
}

std::vector<Rule> Many() {
  std::vector<Rule> rules = {Read()};
  for (const char* name : {"mount", "umount2", "bpf", "reboot", "swapon", "swapoff", "setns",
                           "unshare", "acct", "ptrace"}) {
    rules.push_back(RuleFor(name, Action::kAllow));
  }
  return rules;
}

const std::string kStart = "the profile lets through what its ceiling denies: ";
const CeilingRow kCeilings[] = {
    {"Equal", ProfileOf({Read()}), ProfileOf({Read()}), ""},
    {"Below", ProfileOf({Read()}), ProfileOf({Read(), Mkdir(Action::kAllow)}), ""},
    {"OtherDenial",
     ProfileOf({Read(), Mkdir(Action::kErrno, {}, 1)}, {Architecture::kX8664},
               Action::kKillProcess),
     ProfileOf({Read()}), ""},
    {"LogsWhatIsAllowed", ProfileOf({Mkdir(Action::kLog)}), ProfileOf({Mkdir(Action::kAllow)}), ""},
    {"AllowsWhatIsLogged", ProfileOf({Mkdir(Action::kAllow)}), ProfileOf({Mkdir(Action::kLog)}),
     ""},
    {"Above", ProfileOf({Read(), Mkdir(Action::kAllow)}), ProfileOf({Read()}),
     kStart + "mkdir; for example mkdir on SCMP_ARCH_X86_64 is ALLOW here and ERRNO 1 (EPERM) in "
              "the ceiling"},
    {"Logs", ProfileOf({Mkdir(Action::kLog)}), ProfileOf({Read()}),
     kStart + "mkdir; for example mkdir on SCMP_ARCH_X86_64 is LOG here and ERRNO 1 (EPERM) in the "
              "ceiling"},
    {"Traces", ProfileOf({Mkdir(Action::kTrace)}), ProfileOf({Read()}),
     kStart + "mkdir; for example mkdir on SCMP_ARCH_X86_64 is TRACE 13 here and ERRNO 1 (EPERM) "
              "in the ceiling"},
    {"AboveForSomeArguments", ProfileOf({Mkdir(Action::kAllow)}),
     ProfileOf({Mkdir(Action::kAllow, {Cond(1, Operator::kMaskedEqual, 0x7e020000, 0)})}),
     kStart +
         "mkdir; for example mkdir(a1=0x40000000) on SCMP_ARCH_X86_64 is ALLOW here and ERRNO 1 "
         "(EPERM) in the ceiling"},
    {"ByDefault", ProfileOf({Mkdir(Action::kErrno)}, {Architecture::kX8664}, Action::kLog),
     ProfileOf({Read()}),
     kStart + "any other system call; for example any other system call on SCMP_ARCH_X86_64 is LOG "
              "here and ERRNO 1 (EPERM) in the ceiling"},
    {"OtherArchitecture", ProfileOf({Read()}, {Architecture::kX8664, Architecture::kX86}),
     ProfileOf({Read()}),
     kStart + "read; for example read on SCMP_ARCH_X86 is ALLOW here and KILL_THREAD in the "
              "ceiling"},
    {"Many", ProfileOf(Many()), ProfileOf({Read()}),
     kStart + "acct, bpf, mount, ptrace, reboot, setns, swapoff, swapon, and 2 more; for example "
              "acct on SCMP_ARCH_X86_64 is ALLOW here and ERRNO 1 (EPERM) in the ceiling"},
};
INSTANTIATE_TEST_SUITE_P(Ceilings, CeilingTable, testing::ValuesIn(kCeilings),
                         [](const auto& row) { return row.param.name; });

}  // namespace
}  // namespace seccompd::profile
