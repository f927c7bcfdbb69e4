// SPDX-License-Identifier: Apache-2.0
// seccomp-facts.md, sections 0 and 1: what is decided for us, and how a Localhost file is loaded.
//
// Proven elsewhere:
// 0.1 no process that has seen a profile judges another:
// ZygoteTest.CrashersAmongOthersHarmOnlyThemselves,
//     ZygoteTest.FiveHundredGoodOnesAreHardlySlowerAmongHostileOnes, tests/layers_test.sh (what the
//     agent links)
// 0.2 every filter is simulated against its profile:      ValidateTest.*
// 0.3 one name an element, sorted, no conditions:         EncodeTest.*,
// CanonicalTest.RefusesWhatEncodeWouldNotWrite 0.4 whether a container can start:
// facts_start_test.cc 0.5 hangs, listenerPath, crun's cache:                  facts_rules_test.cc
// 1   the kubelet's and the API server's checks of a path are none of a profile's;
// node::ProfilePath makes ours.
//     That any pod may name any file is in ARCHITECTURE.md's threat model.
// 1   privileged containers get no filter, and the annotation of CRI-O's notifier rewrites a
// profile that is on the
//     disk: ARCHITECTURE.md's decisions.
#include <set>

#include "seccompd/profile/builtins.h"
#include "seccompd/profile/compare.h"
#include "seccompd/profile/json.h"

#include "profile/facts.h"

namespace seccompd::profile {
namespace {

const std::string kRule = R"({"names":["mkdir"],"action":"SCMP_ACT_ERRNO")";

// Once, for the rows of all sections.
TEST_P(FactTable, IsFound) { ExpectFact(GetParam()); }
TEST_P(AnswerTable, IsGiven) { ExpectAnswer(GetParam()); }

const Fact kContainerd[] = {
    {"UnknownKey", "any unknown key is ignored in silence",
     OpenFile("", R"("defaultErrnoret":38,)"), "UnknownField", "did you mean defaultErrnoRet?"},
    {"UnknownKeyOfRule", "any unknown key is ignored in silence", OpenFile(kRule + R"(,"arg":[]})"),
     "UnknownField", "did you mean args?"},
    {"UnknownKeyOfArg", "known: index value valueTwo op",
     OpenFile(RuleText("mkdir", "ERRNO", R"({"index":0,"op":"SCMP_CMP_EQ","val":1})")),
     "UnknownField", R"(no field "val")"},
    {"ArchMap", "containerd ignores archMap",
     OpenFile(
         "",
         R"("archMap":[{"architecture":"SCMP_ARCH_X86_64","subArchitectures":["SCMP_ARCH_X86"]}],)"),
     "ReadOtherwise", "ignores archMap in silence: what it adds"},
    {"Includes", "containerd ignores includes and excludes",
     OpenFile(kRule + R"(,"includes":{"caps":["CAP_SYS_ADMIN"]}})"), "ReadOtherwise",
     "ignores includes in silence: rules hold whatever"},
    {"Excludes", "containerd ignores includes and excludes",
     OpenFile(kRule + R"(,"excludes":{"arches":["s390x"]}})"), "ReadOtherwise", "CRI-O heeds them"},
    {"MinKernel", "CRI-O has no minKernel", OpenFile(kRule + R"(,"includes":{"minKernel":"4.8"}})"),
     "ReadOtherwise", "CRI-O heeds all but minKernel"},
    {"Name", "a rule with a single name vanishes on runc",
     OpenFile(R"({"name":"mkdir","action":"SCMP_ACT_ERRNO"})"), "ReadOtherwise", "rules concerned"},
    {"Errno", "containerd ignores the string forms",
     OpenFile(kRule + R"(,"errno":"ENOSYS","errnoRet":38})"), "ReadOtherwise", "ignores errno"},
    {"DefaultErrno", "containerd ignores the string forms",
     R"({"defaultAction":"SCMP_ACT_ERRNO","defaultErrno":"ENOSYS"})", "ReadOtherwise", "CRI-O"},
    {"Comment", "comment is ignored, and means nothing", OpenFile(kRule + R"(,"comment":"why"})"),
     "-ReadOtherwise", ""},
    {"EmptyDockerFields", "Docker's tools write empty ones",
     OpenFile(kRule + R"(,"name":"","includes":{},"excludes":{}})", R"("archMap":[],)"),
     "-ReadOtherwise", ""},
    {"InAManifest", "resolved for the node, nobody else reads it",
     R"({"apiVersion":"seccompd.io/v1alpha1","kind":"TenantSeccompProfile","metadata":{"name":"a"},"spec":{"profile":)" +
         OpenFile(kRule + R"(,"includes":{"caps":["CAP_SYS_ADMIN"]}})") + "}}",
     "-ReadOtherwise", ""},
    {"OtherCase", "keys are case-insensitive to Go, and the last one wins",
     OpenFile("", R"("DefaultAction":"SCMP_ACT_ERRNO",)"), "UnknownField", "did you mean"},
    {"TwoLists", "a second syscalls array merges element-wise", OpenFile("", R"("syscalls":[],)"),
     "InvalidYaml", "/syscalls stands twice"},
    {"TwoListsInASpec", "a second syscalls array merges element-wise",
     R"({"profile":{"defaultAction":"SCMP_ACT_ALLOW","syscalls":[],"syscalls":[]}})", "InvalidYaml",
     "syscalls stands twice"},  // of the API's raw bytes: DecodeTable DuplicateKey
    {"Null", "null is accepted", "null", "EmptyProfile", ""},
    {"NullProfile", "null is accepted", R"({"profile":null})", "MissingField", "profile"},
    {"Braces", "{} is accepted", R"({"profile":{}})", "EmptyProfile", "without any filter"},
    {"EmptyFile", "an empty file is an error", "", "EmptyProfile", ""},
    {"ByteOrderMark", "a byte order mark is an error to Go", "\xef\xbb\xbf" + OpenFile(""),
     "ReadOtherwise", "begins with a byte order mark"},
    {"Trailing", "trailing bytes are an error", OpenFile("") + " x", "WrongType", "a string"},
    {"Comments", "comments are an error", OpenFile("") + "\n# why", "ReadOtherwise", "no JSON"},
    {"TrailingComma", "a trailing comma is an error", R"({"defaultAction":"SCMP_ACT_ALLOW",})",
     "ReadOtherwise", "refuse it, and no container is made"},
    {"Json", "JSON is read by all", OpenFile(""), "-ReadOtherwise", ""},
    {"Float", "floats are an error", OpenFile(kRule + R"(,"errnoRet":1.0})"), "OutOfRange", ""},
    {"Negative", "negative numbers are an error", OpenFile(kRule + R"(,"errnoRet":-1})"),
     "OutOfRange", ""},
    {"TooBig", "numbers above 2^64-1 are an error",
     OpenFile(RuleText("mkdir", "ERRNO", ArgText(0, "EQ", "18446744073709551616"))), "OutOfRange",
     ""},
    {"EmptyFlags", "flags: [] means as much as none", OpenFile("", R"("flags":[],)"),
     "-FlagsLeftOut", ""},
};
INSTANTIATE_TEST_SUITE_P(Section1, FactTable, testing::ValuesIn(kContainerd),
                         [](const auto& row) { return row.param.name; });

const Fact kCrio[] = {
    {"ArchitecturesAndMap", "architectures and archMap together are an error",
     OpenFile(
         "",
         R"("architectures":["SCMP_ARCH_X86_64"],"archMap":[{"architecture":"SCMP_ARCH_X86_64"}],)"),
     "ConflictingFields", "keep architectures"},
    {"NameAndNames", "name and names together are an error",
     OpenFile(kRule + R"(,"name":"rmdir"})"), "ConflictingFields", "keep names"},
    {"UnknownErrno", "an unknown errno is an error", OpenFile(kRule + R"(,"errno":"ENOSSY"})"),
     "InvalidValue", "did you mean ENOSYS?"},
    {"NumericErrno", "a number as text is taken", OpenFile(kRule + R"(,"errno":"38"})"), "", ""},
    {"NoDefaultAction", "no defaultAction and no syscalls is unconfined", R"({"syscalls":[]})",
     "MissingField", "defaultAction is missing"},
};
INSTANTIATE_TEST_SUITE_P(Section1Crio, FactTable, testing::ValuesIn(kCrio),
                         [](const auto& row) { return row.param.name; });

// What containerd makes of Docker's words: it drops them.
JsonValue AsContainerdReads(JsonValue profile) {
  const auto drop = [](JsonValue& object, const std::set<std::string>& keys) {
    std::erase_if(object.members, [&](const JsonMember& m) { return keys.contains(m.key); });
  };
  drop(profile, {"archMap", "defaultErrno"});
  for (JsonMember& member : profile.members) {
    if (member.key != "syscalls") continue;
    for (JsonValue& rule : member.value.elements) {
      drop(rule, {"includes", "excludes", "name", "errno", "comment"});
    }
  }
  return profile;
}

CompiledProfile Compiled(const JsonValue& profile) {
  std::vector<Diagnostic> findings;
  const auto compiled = PrepareCompiled({R"({"profile":)" + WriteJson(profile) + "}",
                                         {std::string(kNode), std::string(kKernel), {}, "both"},
                                         {},
                                         "none"},
                                        findings);
  EXPECT_TRUE(compiled.ok() && compiled->has_value()) << FindingsText(findings);
  return compiled.ok() && compiled->has_value() ? **compiled : CompiledProfile{};
}

// "Pasting Docker's own default as Localhost on containerd adds 56 syscalls, and 32-bit code is
// killed."
TEST(FactsSection1, DockersDefaultPastedIsAnotherFilter) {
  const Result<JsonValue> spec = ParseJson(FindBuiltin("runtime-default-v1")->spec, kMaxSpecDepth);
  ASSERT_TRUE(spec.ok());
  const JsonValue& docker = *spec->Find("profile");
  const auto differences = Compare(Compiled(docker), Compiled(AsContainerdReads(docker)));
  ASSERT_TRUE(differences.ok());
  std::set<std::string> looser;
  bool is_32_bit_killed = false;
  for (const Difference& difference : *differences) {
    if (difference.architecture == Architecture::kX8664 && difference.change == Change::kLooser) {
      looser.insert(difference.syscall);
    }
    if (difference.architecture == Architecture::kX86 && difference.change == Change::kTighter &&
        difference.b.action == Action::kKillThread) {
      is_32_bit_killed = true;
    }
  }
  for (const char* name : {"mount", "umount2", "unshare", "setns", "bpf", "perf_event_open",
                           "open_by_handle_at", "init_module", "finit_module", "delete_module",
                           "reboot", "iopl", "kcmp", "pidfd_getfd", "clone3", "clone"}) {
    EXPECT_TRUE(looser.contains(name)) << name;
  }
  EXPECT_GE(looser.size(), 40U);  // of moby's own file, 56 were counted
  EXPECT_TRUE(is_32_bit_killed);
  // And a person who lints the file is told so.
  ExpectFact({"", "a file of Docker's", WriteJson(docker), "ReadOtherwise", "more is allowed"});
}

}  // namespace
}  // namespace seccompd::profile
