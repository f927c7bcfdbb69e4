// SPDX-License-Identifier: Apache-2.0
// seccomp-facts.md, section 2: from OCI's words to a filter, and what each runtime does.
//
// Proven elsewhere:
// - that a profile loads, or not, under the real runc and crun, and what the kernel then does:
// tests/differential
// - the kernel's order of actions: CompareTest.StrictnessIsTheKernels
// - OPTIMIZE 2, which runc takes for long profiles: ValidateTest.LooksAtTheTreeToo,
// ZygoteTest.ChecksTheTreeOfWhatItCompiled
// - when the filter is loaded, with no_new_privs and without: facts_start_test.cc
// - runc's stub by number and architecture: MeaningTest's StubTable. It is in every runc from 1.1
// on, so that explain
//   asks for a runtime and not for its version.
#include "seccompd/profile/encode.h"

#include "profile/facts.h"

namespace seccompd::profile {
namespace {

std::string Listing(const std::string& architecture) {
  return OpenFile("", R"("architectures":["SCMP_ARCH_)" + architecture + "\"],");
}

const Fact kForms[] = {
    {"Native", "both runtimes reject SCMP_ARCH_NATIVE", Listing("NATIVE"), "InvalidValue",
     "leave it out: the node's own architecture is always in"},
    {"Parisc", "OCI has it, runc's map not", Listing("PARISC"), "InvalidValue", "refuse"},
    {"M68k", "OCI has it, runc's map not", Listing("M68K"), "InvalidValue", "refuse"},
    {"Sh", "OCI has it, runc's map not", Listing("SH"), "InvalidValue", "refuse"},
    {"LoongArch", "runc 1.1.5 and crun reject it", Listing("LOONGARCH64"), "InvalidValue",
     "refuse"},
    {"Token", "an unknown token is an error", Listing("VAX"), "InvalidValue", "is not known here"},
    {"OtherLittleEndian", "another little-endian one is fine", Listing("AARCH64"), "", ""},
    {"BigEndian", "a big-endian one beside ours: no container", Listing("S390X"),
     "ForeignArchitecture", ""},
    {"Twice", "duplicates are fine",
     OpenFile("", R"("architectures":["SCMP_ARCH_X86_64","SCMP_ARCH_X86_64"],)"), "", ""},
    {"Typo", "unknown names are ignored by both: fail-open", OpenFile(RuleText("mkdri", "ERRNO")),
     "UnknownSyscall", "did you mean mkdir?"},
    {"EmptyName", "runc: error, crun: ignored", OpenFile(RuleText("", "ERRNO")), "InvalidValue",
     ""},
    {"SpaceInName", "names are exact", OpenFile(RuleText(" mkdir", "ERRNO")), "InvalidValue",
     "did you mean mkdir?"},
    {"NameInCapitals", "names are exact", OpenFile(RuleText("MKDIR", "ERRNO")), "InvalidValue",
     "did you mean mkdir?"},
    {"NamesOfCrunsCache", "split names and whole ones have one key in crun's cache",
     OpenFile(R"({"names":["mk","dir","ptra","ce"],"action":"SCMP_ACT_ERRNO"})"), "UnknownSyscall",
     "mk"},
    {"DefaultsAction", "a rule that says the default is skipped",
     OpenFile(RuleText("mkdir", "ALLOW")), "DeadRule", ""},
    {"DefaultsErrno", "the error number counts",
     SpecWith(R"("defaultErrnoRet":2)", RuleText("mkdir", "ERRNO", "", R"(,"errnoRet":2)")),
     "DeadRule", ""},
    {"OtherErrno", "the error number counts",
     SpecWith("", RuleText("mkdir", "ERRNO", "", R"(,"errnoRet":2)")), "-DeadRule", ""},
    {"Errno4094", "valid: 0 to 4094",
     OpenFile(RuleText("mkdir", "ERRNO", "", R"(,"errnoRet":4094)")), "", ""},
    {"Errno4095", "4095 is refused by libseccomp",
     OpenFile(RuleText("mkdir", "ERRNO", "", R"(,"errnoRet":4095)")), "OutOfRange", "0 to 4094"},
    {"Errno65536", "65536 wraps to 0",
     OpenFile(RuleText("mkdir", "ERRNO", "", R"(,"errnoRet":65536)")), "OutOfRange", "0 to 4094"},
    {"Errno65537", "65537 wraps to 1",
     OpenFile(RuleText("mkdir", "ERRNO", "", R"(,"errnoRet":65537)")), "OutOfRange", "0 to 4094"},
    {"Errno0", "0: nothing is done, and it looks as if it were",
     OpenFile(RuleText("mkdir", "ERRNO", "", R"(,"errnoRet":0)")), "ErrnoZero", "mkdir looks"},
    {"ErrnoOfAllow", "crun fails if it stands beside another action",
     SpecWith("", RuleText("mkdir", "ALLOW", "", R"(,"errnoRet":1)")), "ErrnoRetIgnored", "crun"},
    {"DefaultErrnoOfAllow", "crun fails if it stands beside another action",
     OpenFile("", R"("defaultErrnoRet":1,)"), "ErrnoRetIgnored", "crun"},
    {"IndexTwice", "every condition becomes a rule of its own",
     OpenFile(RuleText("mkdir", "ERRNO", ArgText(1, "GE", "2") + "," + ArgText(1, "LE", "4"))),
     "DuplicateArgIndex", "alternatives"},
    {"SeventhCondition", "crun drops the seventh",
     OpenFile(RuleText("mkdir", "ERRNO",
                       ArgText(0, "EQ", "1") + "," + ArgText(1, "EQ", "1") + "," +
                           ArgText(2, "EQ", "1") + "," + ArgText(3, "EQ", "1") + "," +
                           ArgText(4, "EQ", "1") + "," + ArgText(5, "EQ", "1") + "," +
                           ArgText(5, "EQ", "2"))),
     "DuplicateArgIndex", "argument 5"},
    {"OutsideTheMask", "bits of valueTwo outside the mask are ignored",
     OpenFile(RuleText("mkdir", "ERRNO", ArgText(1, "MASKED_EQ", "2", "3"))), "ValueTwoIgnored",
     "outside the mask"},
    {"ValueTwoOfEq", "valueTwo is ignored for other operators",
     OpenFile(RuleText("mkdir", "ERRNO", ArgText(1, "EQ", "2", "3"))), "ValueTwoIgnored",
     "MASKED_EQ"},
    {"NoValue", "a missing value is 0",
     OpenFile(RuleText("mkdir", "ERRNO", R"({"index":1,"op":"SCMP_CMP_EQ"})")), "MissingField",
     "value"},
    {"NoIndex", "a missing index is 0",
     OpenFile(RuleText("mkdir", "ERRNO", R"({"value":1,"op":"SCMP_CMP_EQ"})")), "MissingField",
     "index"},
    {"NegativeValue", "crun takes -1, runc errors",
     OpenFile(RuleText("mkdir", "ERRNO", ArgText(1, "EQ", "-1"))), "OutOfRange", ""},
    {"FirstWins", "of two plain rules the first wins, without an error",
     OpenFile(RuleText("mkdir", "ERRNO") + "," + RuleText("mkdir", "KILL_PROCESS")),
     "ConflictingRules", ""},
    {"FirstWinsOverDefault", "ERRNO,ALLOW is not ALLOW,ERRNO",
     OpenFile(RuleText("mkdir", "ERRNO") + "," + RuleText("mkdir", "ALLOW")), "ConflictingRules",
     ""},
    {"PlainDeletesConditional", "a plain rule absorbs conditional ones",
     OpenFile(RuleText("mkdir", "KILL_PROCESS", ArgText(1, "EQ", "1")) + "," +
              RuleText("mkdir", "ERRNO")),
     "ConflictingRules", ""},
    {"PlainAbsorbsConditional", "in either order",
     OpenFile(RuleText("mkdir", "ERRNO") + "," + RuleText("mkdir", "ERRNO", ArgText(1, "EQ", "1"))),
     "ShadowedRule", ""},
    {"SameCondition", "one condition, two actions: no container",
     OpenFile(RuleText("mkdir", "ERRNO", ArgText(1, "EQ", "1")) + "," +
              RuleText("mkdir", "LOG", ArgText(1, "EQ", "1"))),
     "ConflictingRules", ""},
    {"Overlap", "libseccomp's order decides where conditions overlap",
     OpenFile(RuleText("ioprio_set", "ERRNO", ArgText(1, "GT", "5")) + "," +
              RuleText("ioprio_set", "LOG", ArgText(1, "GT", "7"))),
     "OverlappingRules", "exclude each other"},
    {"FlagLog", "runc before 1.2 rejects any flag",
     OpenFile("", R"("flags":["SECCOMP_FILTER_FLAG_LOG"],)"), "FlagsLeftOut", "runc before 1.2"},
    {"FlagSpecAllow", "what runtimes take where there are none",
     OpenFile("", R"("flags":["SECCOMP_FILTER_FLAG_SPEC_ALLOW"],)"), "FlagsLeftOut",
     "nothing changes"},
    {"FlagWait", "needs libseccomp 2.6",
     OpenFile("", R"("flags":["SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV"],)"), "FlagsLeftOut",
     "NOTIFY"},
    {"FlagTsync", "accepted and ignored", OpenFile("", R"("flags":["SECCOMP_FILTER_FLAG_TSYNC"],)"),
     "FlagsLeftOut", "nothing changes"},
    {"FlagUnknown", "unknown: an error", OpenFile("", R"("flags":["SECCOMP_FILTER_FLAG_X"],)"),
     "InvalidValue", ""},
    {"NotifyDefault", "runc: not as the default", R"({"defaultAction":"SCMP_ACT_NOTIFY"})",
     "NotifyRefused", ""},
    {"NotifyWrite", "runc: not on write", OpenFile(RuleText("write", "NOTIFY")), "NotifyRefused",
     ""},
    {"Listener", "root's runc connects to a socket of the tenant's choice",
     OpenFile("", R"("listenerPath":"/run/x.sock",)"), "NotSupported", "as root"},
    {"ListenerMetadata", "belongs to the listener", OpenFile("", R"("listenerMetadata":"x",)"),
     "NotSupported", ""},
    {"Trace", "TRACE without a tracer is ENOSYS", OpenFile(RuleText("mkdir", "TRACE")),
     "TraceAction", "ENOSYS"},
    {"Kill", "KILL kills the thread only", R"({"defaultAction":"SCMP_ACT_KILL"})",
     "KillThreadDefault", "Go and Java"},
};
INSTANTIATE_TEST_SUITE_P(Section2, FactTable, testing::ValuesIn(kForms),
                         [](const auto& row) { return row.param.name; });

// Section 3's profile 2.2: the newest call that it names is older than clone3.
const std::string kRestrictive = ReadText(TestData("seed/restrictive.json"));
std::string WithLandlock() {
  std::string text = kRestrictive;
  const std::string names = R"("names": [)";
  return text.insert(text.find(names) + names.size(), R"("landlock_restrict_self",)");
}
const std::string kKilling =
    R"({"defaultAction":"SCMP_ACT_KILL_PROCESS","syscalls":[{"names":["execve","exit_group"],"action":"SCMP_ACT_ALLOW"}]})";

const Answer kAnswers[] = {
    {"StubFaccessat2",
     "newer than all that is named: ENOSYS on runc",
     kRestrictive,
     "faccessat2",
     {},
     "ERRNO 38 (ENOSYS)",
     Runtime::kRunc},
    {"StubFutexWaitv",
     "449 as well",
     kRestrictive,
     "futex_waitv",
     {},
     "ERRNO 38 (ENOSYS)",
     Runtime::kRunc},
    {"NoStubInCrun", "EPERM on crun", kRestrictive, "faccessat2", {}, "ERRNO 1 (EPERM)"},
    {"Clone3OfRunc",
     "never rely on the stub: clone3 is explicit",
     kRestrictive,
     "clone3",
     {},
     "ERRNO 38 (ENOSYS)",
     Runtime::kRunc},
    {"Clone3OfCrun",
     "never rely on the stub: clone3 is explicit",
     kRestrictive,
     "clone3",
     {},
     "ERRNO 38 (ENOSYS)"},
    {"LandlockTakesTheStub",
     "naming 446 turns faccessat2 into EPERM on runc",
     WithLandlock(),
     "faccessat2",
     {},
     "ERRNO 1 (EPERM)",
     Runtime::kRunc},
    {"LandlockLeavesClone3",
     "and would clone3, were it not explicit",
     WithLandlock(),
     "clone3",
     {},
     "ERRNO 38 (ENOSYS)",
     Runtime::kRunc},
    {"StubUnderKill",
     "even where the default is KILL_PROCESS",
     kKilling,
     "clone3",
     {},
     "ERRNO 38 (ENOSYS)",
     Runtime::kRunc},
    {"KillOfCrun", "crun has no stub", kKilling, "clone3", {}, "KILL_PROCESS"},
    {"NoStubUnderAllow",
     "none where the default is ALLOW",
     OpenFile(RuleText("mkdir", "ERRNO")),
     "clone3",
     {},
     "ALLOW",
     Runtime::kRunc},
    {"ErrnoDefault",
     "errnoRet is 1 by default",
     OpenFile(RuleText("mkdir", "ERRNO")),
     "mkdir",
     {},
     "ERRNO 1 (EPERM)"},
    {"ErrnoZero",
     "0 is 0",
     OpenFile(RuleText("mkdir", "ERRNO", "", R"(,"errnoRet":0)")),
     "mkdir",
     {},
     "ERRNO 0"},
    {"TextValue",
     "crun takes \"2\" for 0: it is 2",
     OpenFile(RuleText("mkdir", "ERRNO", ArgText(1, "EQ", "\"2\""))),
     "mkdir",
     {{1, 2}},
     "ERRNO 1 (EPERM)"},
    {"TextValueIsNot0",
     "crun takes \"2\" for 0: it is 2",
     OpenFile(RuleText("mkdir", "ERRNO", ArgText(1, "EQ", "\"2\""))),
     "mkdir",
     {{1, 0}},
     "ALLOW"},
    {"MaskedEq",
     "(arg & value) == valueTwo",
     OpenFile(RuleText("mkdir", "ERRNO", ArgText(1, "MASKED_EQ", "2", "3"))),
     "mkdir",
     {{1, 6}},
     "ERRNO 1 (EPERM)"},
    {"MaskedEqNot",
     "(arg & value) == valueTwo",
     OpenFile(RuleText("mkdir", "ERRNO", ArgText(1, "MASKED_EQ", "2", "3"))),
     "mkdir",
     {{1, 1}},
     "ALLOW"},
    {"AllConditions",
     "conditions on different arguments: all must hold",
     OpenFile(RuleText("mkdir", "ERRNO", ArgText(0, "EQ", "1") + "," + ArgText(1, "EQ", "2"))),
     "mkdir",
     {{0, 1}, {1, 3}},
     "ALLOW"},
    {"NativeAlwaysIn",
     "the native architecture is always in",
     Listing("AARCH64"),
     "read",
     {},
     "ALLOW"},
    {"Foreign",
     "what is not listed is killed",
     Listing("AARCH64"),
     "read",
     {},
     "KILL_THREAD",
     Runtime::kCrun,
     Architecture::kX86},
};
INSTANTIATE_TEST_SUITE_P(Section2, AnswerTable, testing::ValuesIn(kAnswers),
                         [](const auto& row) { return row.param.name; });

// Each element's action begins with a capital letter, its one name has none, and they are sorted:
// of what crun's cache hashes without separators, only errnoRet is not told apart
// (ARCHITECTURE.md).
TEST(FactsSection2, WhatIsWrittenHasOneKeyInCrunsCache) {
  const std::string one = R"({"names":["ptrace","mkdir"],"action":"SCMP_ACT_ERRNO"})";
  const std::string two = RuleText("mkdir", "ERRNO") + "," + RuleText("ptrace", "ERRNO");
  const std::string bytes = Encode(Prepared(OpenFile(one)));
  EXPECT_EQ(bytes, Encode(Prepared(OpenFile(two))));
  EXPECT_NE(
      bytes.find(
          R"({"action":"SCMP_ACT_ERRNO","names":["mkdir"]},{"action":"SCMP_ACT_ERRNO","names":["ptrace"]})"),
      std::string::npos)
      << bytes;
}

// No flag, no error number where crun refuses one, nothing of Docker's.
TEST(FactsSection2, WhatIsWrittenHasNoFieldThatARuntimeRefuses) {
  const std::string bytes = Encode(
      Prepared(OpenFile(R"({"names":["mkdir"],"action":"SCMP_ACT_LOG","errnoRet":2,"comment":"x"})",
                        R"("defaultErrnoRet":1,"flags":["SECCOMP_FILTER_FLAG_LOG"],)")));
  EXPECT_EQ(bytes, R"({"architectures":["SCMP_ARCH_X86_64"],"defaultAction":"SCMP_ACT_ALLOW",)"
                   R"("syscalls":[{"action":"SCMP_ACT_LOG","names":["mkdir"]}]})"
                   "\n");
}

}  // namespace
}  // namespace seccompd::profile
