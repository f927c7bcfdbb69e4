// SPDX-License-Identifier: Apache-2.0
#include "seccompd/profile/decode.h"

#include <algorithm>

#include <gtest/gtest.h>

#include "seccompd/profile/codes.h"

#include "profile/support.h"

namespace seccompd::profile {
namespace {

struct Row {
  std::string name;
  std::string spec;
  std::vector<std::string> findings;  // "Code pointer", sorted
  std::string in_message;             // in one of the messages
};

// An element of syscalls with the given members.
std::string Element(const std::string& members) {
  return SpecWith("", R"({"names":["mkdir"],"action":"SCMP_ACT_ALLOW",)" + members + "}");
}
std::string Args(const std::string& args) { return Element(R"("args":[)" + args + "]"); }

class DecodeTable : public testing::TestWithParam<Row> {};

TEST_P(DecodeTable, Finds) {
  const DecodedSpec decoded = DecodeSpec(GetParam().spec);
  EXPECT_EQ(CodesAt(decoded.findings), GetParam().findings) << FindingsText(decoded.findings);
  EXPECT_NE(FindingsText(decoded.findings).find(GetParam().in_message), std::string::npos)
      << FindingsText(decoded.findings);
}

const Row kForm[] = {
    {"Plain", SpecWith(""), {}, ""},
    {"AllEmptyFields",
     R"({"bases":[],"mode":"Enforce","capabilities":[],"nodeSelector":{},"immutable":false,
         "unknownSyscalls":"Reject","onInvalid":"Keep",
         "profile":{"defaultAction":"SCMP_ACT_LOG","archMap":null,"flags":[],"listenerPath":"","listenerMetadata":"",
           "defaultErrno":"","architectures":[],"syscalls":[{"names":["read"],"name":"","action":"SCMP_ACT_ALLOW",
           "args":null,"comment":"","includes":{},"excludes":{},"errnoRet":null}]}})",
     {},
     ""},
    {"NoSpec", "", {"MissingField "}, "there is no spec"},
    {"Garbage", "\xff\xfe garbage", {"InvalidJson "}, ""},
    {"Trailing", SpecWith("") + "x", {"InvalidJson "}, "line 1"},
    {"Comment", "{/* c */}", {"InvalidJson "}, ""},
    {"List", "[]", {"WrongType "}, "expected an object, found a list"},
    {"NoProfile", "{}", {"MissingField "}, "profile is missing"},
    {"NullProfile", R"({"profile":null})", {"MissingField "}, ""},
    {"EmptyProfile", R"({"profile":{}})", {"EmptyProfile /profile"}, ""},
    {"StringProfile", R"({"profile":"x"})", {"WrongType /profile"}, "found a string"},
    {"NoDefault", R"({"profile":{"syscalls":[]}})", {"MissingField /profile"}, "defaultAction"},
    {"NullDefault", R"({"profile":{"defaultAction":null}})", {"MissingField /profile"}, ""},
    {"TooDeep",
     R"({"profile":{"x":{"x":{"x":{"x":{"x":{"x":{"x":{"x":1}}}}}}}}}})",
     {"InvalidJson "},
     "deeper than 8"},
    {"TooLong",
     SpecWith(R"("comment":")" + std::string(128 * 1024, 'x') + "\""),
     {"TooLarge "},
     ""},
    {"DuplicateKey",
     R"({"profile":{"defaultAction":"SCMP_ACT_ALLOW","defaultAction":"SCMP_ACT_ERRNO"}})",
     {"DuplicateKey /profile/defaultAction"},
     ""},
    {"UnknownField",
     SpecWith(R"("defaultErrnoret":38)"),
     {"UnknownField /profile/defaultErrnoret"},
     "did you mean defaultErrnoRet?"},
    {"UnknownFieldOfSpec",
     R"({"profile":{"defaultAction":"SCMP_ACT_ALLOW"},"onInvald":"Keep"})",
     {"UnknownField /onInvald"},
     "did you mean onInvalid?"},
    {"CaseCounts",
     R"({"profile":{"DefaultAction":"SCMP_ACT_ALLOW"}})",
     {"MissingField /profile", "UnknownField /profile/DefaultAction"},
     "did you mean defaultAction?"},
    {"KeyWithEscapes",
     SpecWith("\"a/b~c\\u0007\":1"),
     {"UnknownField /profile/a~1b~0c?"},
     "\"a/b~c?\""},
    {"AllOfThem",
     R"({"x":1,"profile":{"defaultAction":"ALLOW","syscalls":[{"names":"read","action":1},{"names":[7]}]}})",
     {"InvalidValue /profile/defaultAction", "MissingField /profile/syscalls/1", "UnknownField /x",
      "WrongType /profile/syscalls/0/action", "WrongType /profile/syscalls/0/names",
      "WrongType /profile/syscalls/1/names/0"},
     ""},
};
INSTANTIATE_TEST_SUITE_P(Form, DecodeTable, testing::ValuesIn(kForm),
                         [](const auto& row) { return row.param.name; });

const Row kRefused[] = {
    {"Immutable",
     R"({"immutable":true,"profile":{"defaultAction":"SCMP_ACT_ALLOW"}})",
     {"NotSupported /immutable"},
     "not supported by this version of seccompd"},
    {"ListenerPath",
     SpecWith(R"("listenerPath":"/run/x")"),
     {"NotSupported /profile/listenerPath"},
     "as root"},
    {"ListenerMetadata",
     SpecWith(R"("listenerMetadata":"x")"),
     {"NotSupported /profile/listenerMetadata"},
     ""},
};
INSTANTIATE_TEST_SUITE_P(Refused, DecodeTable, testing::ValuesIn(kRefused),
                         [](const auto& row) { return row.param.name; });

// A spec with one more field beside the profile.
std::string Beside(const std::string& member) {
  return "{" + member + R"(,"profile":{"defaultAction":"SCMP_ACT_ALLOW"}})";
}

const Row kBeside[] = {
    {"All",
     R"({"bases":["builtin/x-v1","other"],"mode":"Log","capabilities":["CAP_BPF","CAP_CHOWN"],
         "nodeSelector":{"matchLabels":{"a.io/b":"c","d":""}},"profile":{"syscalls":[]}})",
     {},
     ""},
    {"ModeOther", Beside(R"("mode":"log")"), {"InvalidValue /mode"}, "did you mean Log?"},
    {"ModeFarOff", Beside(R"("mode":"complain")"), {"InvalidValue /mode"}, "use Enforce or Log"},
    {"BasesNoList", Beside(R"("bases":"x")"), {"WrongType /bases"}, "expected a list"},
    {"BasesNoString", Beside(R"("bases":[1])"), {"WrongType /bases/0"}, "expected a string"},
    {"BaseWithPath",
     Beside(R"("bases":["fine","../other/x","X","builtin/","-a",""])"),
     {"InvalidValue /bases/1", "InvalidValue /bases/2", "InvalidValue /bases/3",
      "InvalidValue /bases/4", "InvalidValue /bases/5"},
     "builtin/<name>-v<N>"},
    {"BaseTwice", Beside(R"("bases":["a","b","a"])"), {"InvalidValue /bases/2"}, "stands twice"},
    {"BasesTooMany",
     Beside(R"("bases":["a","b","c","d","e","f","g","h","i","j","k","l","m","n","o","p","q"])"),
     {"TooLarge /bases"},
     "at most 16"},
    {"BasesAloneAreEnough", R"({"bases":["a"]})", {}, ""},
    {"NoBasesAtAll", R"({"bases":[],"profile":{}})", {"EmptyProfile /profile"}, ""},
    {"CapabilityOfKubernetes",
     Beside(R"("capabilities":["NET_ADMIN","net_raw"])"),
     {"InvalidValue /capabilities/0", "InvalidValue /capabilities/1"},
     "did you mean CAP_NET_ADMIN?"},
    {"CapabilityTypo",
     Beside(R"("capabilities":["CAP_SYS_ADMNI"])"),
     {"InvalidValue /capabilities/0"},
     "did you mean CAP_SYS_ADMIN?"},
    {"CapabilityFarOff",
     Beside(R"("capabilities":["root"])"),
     {"InvalidValue /capabilities/0"},
     "as in CAP_NET_ADMIN"},
    {"CapabilitiesNoList", Beside(R"("capabilities":{})"), {"WrongType /capabilities"}, ""},
    {"SelectorExpressions",
     Beside(R"("nodeSelector":{"matchLabel":{"a":"b"},"matchExpressions":[]})"),
     {"UnknownField /nodeSelector/matchExpressions", "UnknownField /nodeSelector/matchLabel"},
     "did you mean matchLabels?"},
    {"SelectorValueNoString",
     Beside(R"("nodeSelector":{"matchLabels":{"a/b":true}})"),
     {"WrongType /nodeSelector/matchLabels/a~1b"},
     ""},
};
INSTANTIATE_TEST_SUITE_P(Beside, DecodeTable, testing::ValuesIn(kBeside),
                         [](const auto& row) { return row.param.name; });

const Row kOfDocker[] = {
    {"ArchMap",
     SpecWith(
         R"("archMap":[{"architecture":"SCMP_ARCH_X86_64","subArchitectures":["SCMP_ARCH_X86"]},
            {"architecture":"SCMP_ARCH_LOONGARCH64","subArchitectures":null}])"),
     {},
     ""},
    {"ArchMapFaults",
     SpecWith(R"("archMap":[{"architecture":"amd64"},{"subArchitectures":["x"]},1,{"arch":1}])"),
     {"InvalidValue /profile/archMap/0/architecture",
      "InvalidValue /profile/archMap/1/subArchitectures/0", "MissingField /profile/archMap/1",
      "MissingField /profile/archMap/3", "UnknownField /profile/archMap/3/arch",
      "WrongType /profile/archMap/2"},
     ""},
    {"ArchMapAndArchitectures",
     SpecWith(
         R"("archMap":[{"architecture":"SCMP_ARCH_X86"}],"architectures":["SCMP_ARCH_X86_64"])"),
     {"ConflictingFields /profile/archMap"},
     "keep architectures"},
    {"DefaultErrno", SpecWith(R"("defaultErrno":"ENOSYS")"), {}, ""},
    {"ErrnoBothAgree", SpecWith(R"("defaultErrno":"ENOSYS","defaultErrnoRet":38)"), {}, ""},
    {"ErrnoBothDisagree",
     SpecWith(R"("defaultErrno":"EPERM","defaultErrnoRet":38)"),
     {"ConflictingFields /profile/defaultErrno"},
     "defaultErrnoRet says 38, defaultErrno says 1"},
    {"ErrnoTypo",
     Element(R"("errno":"ENOSSY")"),
     {"InvalidValue /profile/syscalls/1/errno"},
     "did you mean ENOSYS?"},
    {"ErrnoAsNumber", SpecWith(R"("defaultErrno":"38","defaultErrnoRet":38)"), {}, ""},
    {"ErrnoAsNumberTooLarge",
     SpecWith(R"("defaultErrno":"4095")"),
     {"OutOfRange /profile/defaultErrno"},
     "0 to 4094"},
    {"ErrnoNoString",
     SpecWith(R"("defaultErrno":38)"),
     {"WrongType /profile/defaultErrno"},
     "expected a string"},
    {"ErrnoBesideAllowAction",
     Element(R"("errno":"EPERM")"),
     {"ErrnoRetIgnored /profile/syscalls/1/errno"},
     "crun"},
    {"Name", SpecWith("", R"({"name":"read","action":"SCMP_ACT_ALLOW"})"), {}, ""},
    {"NameBad",
     SpecWith("", R"({"name":"READ","action":"SCMP_ACT_ALLOW"})"),
     {"InvalidValue /profile/syscalls/1/name"},
     "did you mean read?"},
    {"NameNoString",
     SpecWith("", R"({"name":7,"action":"SCMP_ACT_ALLOW"})"),
     {"WrongType /profile/syscalls/1/name"},
     ""},
    {"NameBesideEmptyNames",
     SpecWith("", R"({"name":"read","names":[],"action":"SCMP_ACT_ALLOW"})"),
     {},
     ""},
    {"NameAndNames",
     Element(R"("name":"read")"),
     {"ConflictingFields /profile/syscalls/1/name"},
     "keep names"},
    {"Conditions",
     Element(
         R"("includes":{"arches":["amd64","s390x"],"caps":["CAP_BPF"],"minKernel":"4.8"},"excludes":{"minKernel":"10.0"})"),
     {},
     ""},
    {"ConditionFaults",
     Element(
         R"("includes":{"arches":["amd46",1],"caps":["SYS_ADMIN"],"minKernel":"4.8.0","x":1},"excludes":[])"),
     {"InvalidValue /profile/syscalls/1/includes/arches/0",
      "InvalidValue /profile/syscalls/1/includes/caps/0",
      "InvalidValue /profile/syscalls/1/includes/minKernel",
      "UnknownField /profile/syscalls/1/includes/x", "WrongType /profile/syscalls/1/excludes",
      "WrongType /profile/syscalls/1/includes/arches/1"},
     "did you mean amd64?"},
    {"MinKernelNumber",
     Element(R"("excludes":{"minKernel":4.8})"),
     {"WrongType /profile/syscalls/1/excludes/minKernel"},
     "expected a string"},
    {"FlagsEmpty", SpecWith(R"("flags":[])"), {}, ""},
    {"FlagsKnown",
     SpecWith(
         R"("flags":["SECCOMP_FILTER_FLAG_TSYNC","SECCOMP_FILTER_FLAG_LOG","SECCOMP_FILTER_FLAG_SPEC_ALLOW","SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV"])"),
     {"FlagsLeftOut /profile/flags/0", "FlagsLeftOut /profile/flags/1",
      "FlagsLeftOut /profile/flags/2", "FlagsLeftOut /profile/flags/3"},
     "warning FlagsLeftOut /profile/flags/1"},
    {"FlagsUnknown",
     SpecWith(R"("flags":["SECCOMP_FILTER_FLAG_NEW_LISTENER"])"),
     {"InvalidValue /profile/flags/0"},
     "use SECCOMP_FILTER_FLAG_TSYNC, "},
};
INSTANTIATE_TEST_SUITE_P(OfDocker, DecodeTable, testing::ValuesIn(kOfDocker),
                         [](const auto& row) { return row.param.name; });

TEST(DecodeTest, MinKernelIsTwoNumbers) {
  for (const std::string text :
       {"4", "4.", ".8", "4.8-rc1", "v4.8", "4.08", " 4.8", "-4.8", "4.99999999999", "4.8x"}) {
    const std::string spec = Element(R"("includes":{"minKernel":")" + text + "\"}");
    EXPECT_EQ(CodesAt(DecodeSpec(spec).findings),
              std::vector<std::string>{"InvalidValue /profile/syscalls/1/includes/minKernel"})
        << text;
  }
}

TEST(DecodeTest, KernelOfReleaseReadsWhatUnamePrints) {
  EXPECT_EQ(KernelOfRelease("6.1.0-18-amd64"), (KernelVersion{6, 1}));
  EXPECT_EQ(KernelOfRelease("5.15.0"), (KernelVersion{5, 15}));
  EXPECT_EQ(KernelOfRelease("6.18+"), (KernelVersion{6, 18}));
  EXPECT_EQ(KernelOfRelease("6.18rc1"), (KernelVersion{6, 18}));
  EXPECT_FALSE(KernelOfRelease("").has_value());
  EXPECT_FALSE(KernelOfRelease("Linux 6.1").has_value());
}

const Row kValues[] = {
    {"NotifyDefault",
     R"({"profile":{"defaultAction":"SCMP_ACT_NOTIFY"}})",
     {"NotifyRefused /profile/defaultAction"},
     ""},
    {"NotifyRule",
     SpecWith("", R"({"names":["mkdir"],"action":"SCMP_ACT_NOTIFY"})"),
     {"NotifyRefused /profile/syscalls/1/action"},
     ""},
    {"Trace",
     SpecWith("", R"({"names":["mkdir"],"action":"SCMP_ACT_TRACE"})"),
     {"TraceAction /profile/syscalls/1/action"},
     "ENOSYS"},
    {"ActionTypo",
     SpecWith("", R"({"names":["mkdir"],"action":"SCMP_ACT_ALOW"})"),
     {"InvalidValue /profile/syscalls/1/action"},
     "did you mean SCMP_ACT_ALLOW?"},
    {"ActionFarOff",
     SpecWith("", R"({"names":["mkdir"],"action":"permit everything"})"),
     {"InvalidValue /profile/syscalls/1/action"},
     "use SCMP_ACT_KILL_PROCESS, "},
    {"NoAction",
     SpecWith("", R"({"names":["mkdir"]})"),
     {"MissingField /profile/syscalls/1"},
     "action"},
    {"NoNames",
     SpecWith("", R"({"action":"SCMP_ACT_ALLOW"})"),
     {"MissingField /profile/syscalls/1"},
     "names"},
    {"EmptyNames",
     SpecWith("", R"({"names":[],"action":"SCMP_ACT_ALLOW"})"),
     {"EmptyNames /profile/syscalls/1/names"},
     ""},
    {"NameInCapitals",
     SpecWith("", R"({"names":["MKDIR"],"action":"SCMP_ACT_ALLOW"})"),
     {"InvalidValue /profile/syscalls/1/names/0"},
     "did you mean mkdir?"},
    {"NameWithSpace",
     SpecWith("", R"({"names":[" mkdir"],"action":"SCMP_ACT_ALLOW"})"),
     {"InvalidValue /profile/syscalls/1/names/0"},
     ""},
    {"NameEmpty",
     SpecWith("", R"({"names":[""],"action":"SCMP_ACT_ALLOW"})"),
     {"InvalidValue /profile/syscalls/1/names/0"},
     ""},
    {"NameTooLong",
     SpecWith("", R"({"names":[")" + std::string(65, 'a') + R"("],"action":"SCMP_ACT_ALLOW"})"),
     {"InvalidValue /profile/syscalls/1/names/0"},
     "..."},
    {"ErrnoTooLarge",
     SpecWith(R"("defaultErrnoRet":4095)"),
     {"OutOfRange /profile/defaultErrnoRet"},
     "0 to 4094"},
    {"ErrnoNegative",
     SpecWith(R"("defaultErrnoRet":-1)"),
     {"OutOfRange /profile/defaultErrnoRet"},
     ""},
    {"ErrnoFraction",
     SpecWith(R"("defaultErrnoRet":1.0)"),
     {"OutOfRange /profile/defaultErrnoRet"},
     ""},
    {"ErrnoString",
     SpecWith(R"("defaultErrnoRet":"38")"),
     {"WrongType /profile/defaultErrnoRet"},
     ""},
    {"ErrnoLargest", SpecWith(R"("defaultErrnoRet":4094)"), {}, ""},
    {"ErrnoBesideAllow",
     Element(R"("errnoRet":1)"),
     {"ErrnoRetIgnored /profile/syscalls/1/errnoRet"},
     "crun"},
    {"ErrnoBesideDefaultLog",
     R"({"profile":{"defaultAction":"SCMP_ACT_LOG","defaultErrnoRet":1}})",
     {"ErrnoRetIgnored /profile/defaultErrnoRet"},
     ""},
    {"ArchUnknown",
     SpecWith(R"("architectures":["SCMP_ARCH_NATIVE","SCMP_ARCH_X86_46"])"),
     {"InvalidValue /profile/architectures/0", "InvalidValue /profile/architectures/1"},
     "did you mean SCMP_ARCH_X86_64?"},
    {"ArchTooMany",
     SpecWith(
         R"("architectures":["SCMP_ARCH_X86","SCMP_ARCH_X32","SCMP_ARCH_X86_64","SCMP_ARCH_ARM","SCMP_ARCH_AARCH64"])"),
     {"TooLarge /profile/architectures"},
     ""},
    {"ArgGood",
     Args(
         R"({"index":5,"value":"0xffffffffffffffff","valueTwo":"18446744073709551615","op":"SCMP_CMP_MASKED_EQ"})"),
     {},
     ""},
    {"ArgIndex6",
     Args(R"({"index":6,"value":0,"op":"SCMP_CMP_EQ"})"),
     {"OutOfRange /profile/syscalls/1/args/0/index"},
     "0 to 5"},
    {"ArgTooBig",
     Args(R"({"index":0,"value":18446744073709551616,"op":"SCMP_CMP_EQ"})"),
     {"OutOfRange /profile/syscalls/1/args/0/value"},
     ""},
    {"ArgTooBigString",
     Args(R"({"index":0,"value":"0x10000000000000000","op":"SCMP_CMP_EQ"})"),
     {"OutOfRange /profile/syscalls/1/args/0/value"},
     ""},
    {"ArgOctal",
     Args(R"({"index":0,"value":"010","op":"SCMP_CMP_EQ"})"),
     {"OutOfRange /profile/syscalls/1/args/0/value"},
     "leading zero"},
    {"ArgBadString",
     Args(R"({"index":0,"value":"2k","op":"SCMP_CMP_EQ"})"),
     {"OutOfRange /profile/syscalls/1/args/0/value"},
     ""},
    {"ArgBool",
     Args(R"({"index":0,"value":true,"op":"SCMP_CMP_EQ"})"),
     {"WrongType /profile/syscalls/1/args/0/value"},
     ""},
    {"ArgMissing",
     Args("{}"),
     {"MissingField /profile/syscalls/1/args/0", "MissingField /profile/syscalls/1/args/0",
      "MissingField /profile/syscalls/1/args/0"},
     "index"},
    {"ArgOp",
     Args(R"({"index":0,"value":0,"op":"EQ"})"),
     {"InvalidValue /profile/syscalls/1/args/0/op"},
     "SCMP_CMP_EQ"},
    {"ArgTwice",
     Args(R"({"index":0,"value":2,"op":"SCMP_CMP_GE"},{"index":0,"value":4,"op":"SCMP_CMP_LE"})"),
     {"DuplicateArgIndex /profile/syscalls/1/args/1"},
     "alternatives"},
    {"ValueTwoIgnored",
     Args(R"({"index":0,"value":2,"valueTwo":1,"op":"SCMP_CMP_EQ"})"),
     {"ValueTwoIgnored /profile/syscalls/1/args/0/valueTwo"},
     ""},
    {"ValueTwoOutsideMask",
     Args(R"({"index":0,"value":2,"valueTwo":3,"op":"SCMP_CMP_MASKED_EQ"})"),
     {"ValueTwoIgnored /profile/syscalls/1/args/0/valueTwo"},
     "outside the mask"},
    {"ArgField",
     Args(R"({"index":0,"value":2,"valuetwo":1,"op":"SCMP_CMP_EQ"})"),
     {"UnknownField /profile/syscalls/1/args/0/valuetwo"},
     "did you mean valueTwo?"},
};
INSTANTIATE_TEST_SUITE_P(Values, DecodeTable, testing::ValuesIn(kValues),
                         [](const auto& row) { return row.param.name; });

std::string Repeat(const std::string& piece, std::size_t count) {
  std::string text;
  for (std::size_t i = 0; i < count; ++i) text += (i > 0 ? "," : "") + piece;
  return text;
}

std::string WithNames(std::size_t count, const std::string& args = "") {
  return R"({"profile":{"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"action":"SCMP_ACT_ERRNO","names":[)" +
         Repeat("\"mkdir\"", count) + "]" + args + "}]}}";
}

TEST(DecodeTest, LimitsElements) {
  const auto spec = [](std::size_t count) {
    return R"({"profile":{"defaultAction":"SCMP_ACT_ALLOW","syscalls":[)" +
           Repeat(R"({"names":["mkdir"],"action":"SCMP_ACT_ERRNO"})", count) + "]}}";
  };
  EXPECT_TRUE(DecodeSpec(spec(512)).findings.empty());
  EXPECT_EQ(CodesAt(DecodeSpec(spec(513)).findings),
            std::vector<std::string>{"TooLarge /profile/syscalls"});
}

TEST(DecodeTest, LimitsRules) {
  EXPECT_TRUE(DecodeSpec(WithNames(1024)).findings.empty());
  EXPECT_EQ(CodesAt(DecodeSpec(WithNames(1025)).findings),
            std::vector<std::string>{"TooLarge /profile/syscalls"});
  EXPECT_EQ(DecodeSpec(WithNames(9000)).profile.rules.size(), kMaxRules);
}

TEST(DecodeTest, LimitsRulesWithArgs) {
  const std::string args = R"(,"args":[{"index":0,"value":1,"op":"SCMP_CMP_EQ"}])";
  EXPECT_TRUE(DecodeSpec(WithNames(128, args)).findings.empty());
  EXPECT_EQ(CodesAt(DecodeSpec(WithNames(129, args)).findings),
            std::vector<std::string>{"TooLarge /profile/syscalls"});
}

TEST(DecodeTest, TellsOnInvalidEvenWhenTheProfileIsWrong) {
  const DecodedSpec decoded =
      DecodeSpec(R"({"onInvalid":"Remove","unknownSyscalls":"Warn","profile":{"x":1}})");
  EXPECT_TRUE(HasError(decoded.findings));
  EXPECT_TRUE(decoded.remove_when_invalid);
  EXPECT_TRUE(decoded.warn_unknown_syscalls);
}

TEST(DecodeTest, KeepsNumbersExact) {
  const DecodedSpec decoded = DecodeSpec(Args(
      R"({"index":1,"value":18446744073709551615,"op":"SCMP_CMP_GT"},{"index":0,"value":"0x7E020000","op":"SCMP_CMP_MASKED_EQ"})"));
  ASSERT_TRUE(decoded.findings.empty()) << FindingsText(decoded.findings);
  const Rule& rule =
      *std::find_if(decoded.profile.rules.begin(), decoded.profile.rules.end(),
                    [](const Rule& r) { return r.place.Text() == "/profile/syscalls/1/names/0"; });
  const std::vector<Arg> expected = {{0, Operator::kMaskedEqual, 0x7e020000, 0},
                                     {1, Operator::kGreater, 18446744073709551615U, 0}};
  EXPECT_EQ(rule.args, expected);
}

TEST(DecodeTest, NestingNeverReachesTheStack) {
  const std::string deep(100'000, '[');
  EXPECT_EQ(CodesAt(DecodeSpec(deep).findings), std::vector<std::string>{"InvalidJson "});
}

TEST(CodesTest, TableIsCompleteAndUnique) {
  std::vector<std::string_view> names;
  for (const CodeRow& row : CodeTable()) {
    EXPECT_EQ(static_cast<std::size_t>(row.code), names.size()) << row.name;
    EXPECT_FALSE(row.title.empty() || row.what_to_do.empty()) << row.name;
    EXPECT_EQ(std::count(names.begin(), names.end(), row.name), 0) << row.name;
    names.push_back(row.name);
  }
  EXPECT_EQ(names.size(), static_cast<std::size_t>(Code::kMoreFindings) + 1);
}

TEST(CodesTest, CapKeepsErrorsBeforeTheRest) {
  std::vector<Diagnostic> findings(100, MakeFinding(Code::kDeadRule, "", "x"));
  findings.push_back(MakeFinding(Code::kUnknownSyscall, "/last", "x"));
  CapFindings(findings);
  ASSERT_EQ(findings.size(), kMaxFindings);
  EXPECT_EQ(findings.front().pointer, "/last");
  EXPECT_EQ(findings.back().code, "MoreFindings");
  EXPECT_EQ(findings.back().message, "38 more findings are not shown");
}

}  // namespace
}  // namespace seccompd::profile
