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

const Row kNotBuiltYet[] = {
    {"Bases",
     R"({"bases":["builtin/x-v1"],"profile":{"defaultAction":"SCMP_ACT_ALLOW"}})",
     {"NotSupported /bases"},
     "not supported by this version of seccompd"},
    {"ModeLog",
     R"({"mode":"Log","profile":{"defaultAction":"SCMP_ACT_ALLOW"}})",
     {"NotSupported /mode"},
     "SCMP_ACT_LOG"},
    {"ModeOther",
     R"({"mode":"log","profile":{"defaultAction":"SCMP_ACT_ALLOW"}})",
     {"InvalidValue /mode"},
     "did you mean Log?"},
    {"Capabilities",
     R"({"capabilities":["CAP_SYS_ADMIN"],"profile":{"defaultAction":"SCMP_ACT_ALLOW"}})",
     {"NotSupported /capabilities"},
     ""},
    {"NodeSelector",
     R"({"nodeSelector":{"matchLabels":{"a":"b"}},"profile":{"defaultAction":"SCMP_ACT_ALLOW"}})",
     {"NotSupported /nodeSelector"},
     "every node"},
    {"Immutable",
     R"({"immutable":true,"profile":{"defaultAction":"SCMP_ACT_ALLOW"}})",
     {"NotSupported /immutable"},
     ""},
    {"ArchMap",
     SpecWith(R"("archMap":[{"architecture":"SCMP_ARCH_X86_64"}])"),
     {"NotSupported /profile/archMap"},
     "architectures"},
    {"DefaultErrno",
     SpecWith(R"("defaultErrno":"ENOSYS")"),
     {"NotSupported /profile/defaultErrno"},
     "38"},
    {"Flags",
     SpecWith(R"("flags":["SECCOMP_FILTER_FLAG_LOG"])"),
     {"NotSupported /profile/flags"},
     "runc before 1.2"},
    {"ListenerPath",
     SpecWith(R"("listenerPath":"/run/x")"),
     {"NotSupported /profile/listenerPath"},
     "as root"},
    {"ListenerMetadata",
     SpecWith(R"("listenerMetadata":"x")"),
     {"NotSupported /profile/listenerMetadata"},
     ""},
    {"Name",
     SpecWith("", R"({"name":"read","action":"SCMP_ACT_ALLOW"})"),
     {"NotSupported /profile/syscalls/1/name"},
     "names"},
    {"Includes",
     Element(R"("includes":{"caps":["CAP_SYS_ADMIN"]})"),
     {"NotSupported /profile/syscalls/1/includes"},
     "without conditions"},
    {"Excludes",
     Element(R"("excludes":{"arches":["s390"]})"),
     {"NotSupported /profile/syscalls/1/excludes"},
     ""},
    {"Errno",
     Element(R"("errno":"EPERM")"),
     {"NotSupported /profile/syscalls/1/errno"},
     "errnoRet"},
};
INSTANTIATE_TEST_SUITE_P(NotBuiltYet, DecodeTable, testing::ValuesIn(kNotBuiltYet),
                         [](const auto& row) { return row.param.name; });

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
                    [](const Rule& r) { return r.pointer == "/profile/syscalls/1/names/0"; });
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
