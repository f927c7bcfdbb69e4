// SPDX-License-Identifier: Apache-2.0
// What a profile is on one node: conditions, bases, dry runs and selectors, from the request to the
// bytes.
#include "seccompd/profile/resolve.h"

#include <algorithm>
#include <map>
#include <random>

#include <gtest/gtest.h>

#include "seccompd/profile/builtins.h"
#include "seccompd/profile/canonical.h"
#include "seccompd/profile/capabilities.h"
#include "seccompd/profile/codes.h"
#include "seccompd/profile/render.h"

#include "profile/support.h"

namespace seccompd::profile {
namespace {

NodeContext NodeWith(std::string kernel, std::string architecture = std::string(kNode)) {
  return {std::move(architecture), std::move(kernel), {}, "both"};
}

Rendered MustRender(const RenderRequest& request) {
  Result<Rendered> rendered = Render(request);
  EXPECT_TRUE(rendered.ok()) << rendered.error().message;
  const int outcomes =
      static_cast<int>(!rendered->bytes.empty()) + static_cast<int>(HasError(rendered->findings)) +
      static_cast<int>(rendered->is_skipped) + static_cast<int>(rendered->needs_bases);
  EXPECT_EQ(outcomes, 1) << FindingsText(rendered->findings);
  EXPECT_TRUE(rendered->bytes.empty() || CheckCanonical(rendered->bytes).ok());
  return *std::move(rendered);
}

Rendered RenderOn(const std::string& spec, const NodeContext& node = NodeWith("6.1.0-18-amd64")) {
  return MustRender({spec, node, {}, "none"});
}

using Texts = std::map<std::string, std::string>;

// As the agent does: asks again with all that is wanted, for as long as it is asked to.
Rendered RenderWith(const std::string& spec, const Texts& texts, int* rounds = nullptr) {
  RenderRequest request{spec, NodeWith("6.1.0"), {}, "none"};
  for (int round = 1;; ++round) {
    Rendered rendered = MustRender(request);
    if (rounds != nullptr) *rounds = round;
    EXPECT_LE(round, 6);
    if (!rendered.needs_bases || round > 6) return rendered;
    EXPECT_TRUE(rendered.findings.empty());
    request.bases.clear();
    for (const std::string& name : rendered.bases) {
      const auto text = texts.find(name);
      request.bases.push_back(
          {name, text == texts.end() ? std::nullopt : std::optional<std::string>(text->second)});
    }
  }
}

// Whether SpecWith has a rule for it whatever the test is about.
bool IsToStart(const std::string& name) {
  return name == "clone" || name == "clone3" ||
         kStartNames.find("\"" + name + "\"") != std::string_view::npos;
}

// "mkdir ALLOW", ... of canonical bytes, without the rules that every SpecWith has.
std::vector<std::string> RulesOf(const std::string& bytes) {
  std::vector<std::string> rules;
  const Result<JsonValue> json = ParseJson(bytes, kMaxSpecDepth);
  if (!json.ok()) return rules;
  std::vector<Diagnostic> findings;
  for (const Rule& rule : DecodeProfile(*json, "", findings, kMaxRules).profile.rules) {
    if (IsToStart(rule.name)) continue;
    std::string text = rule.name + " " + std::string(ActionName(rule.action)).substr(9);
    if (HasErrno(rule.action)) text += " " + std::to_string(rule.errno_ret);
    for (const Arg& arg : rule.args) text += " a" + std::to_string(arg.index);
    rules.push_back(text);
  }
  return rules;
}

std::string Rule(const std::string& names, const std::string& action,
                 const std::string& more = "") {
  return R"({"names":[)" + names + R"(],"action":"SCMP_ACT_)" + action + "\"" +
         (more.empty() ? "" : "," + more) + "}";
}

using Names = std::vector<std::string>;

// --- conditions -----------------------------------------------------------------------------

struct ConditionRow {
  std::string name;
  std::string condition;     // beside a rule that allows mkdir
  std::string capabilities;  // the field's list; empty: there is no field
  std::string architecture;
  std::string kernel;
  bool holds;
};

class ConditionTable : public testing::TestWithParam<ConditionRow> {};

TEST_P(ConditionTable, IsJudged) {
  const ConditionRow& row = GetParam();
  std::string spec = SpecWith("", Rule("\"mkdir\"", "ALLOW", row.condition));
  if (!row.capabilities.empty()) {
    spec = R"({"capabilities":)" + row.capabilities + "," + spec.substr(1);
  }
  const Rendered rendered = RenderOn(spec, NodeWith(row.kernel, row.architecture));
  EXPECT_EQ(RulesOf(rendered.bytes), row.holds ? Names{"mkdir ALLOW"} : Names{})
      << FindingsText(rendered.findings);
}

const char kX[] = "SCMP_ARCH_X86_64";
const char kArm[] = "SCMP_ARCH_AARCH64";
const char kIncludesArch[] = R"("includes":{"arches":["amd64","x32"]})";
const char kExcludesArch[] = R"("excludes":{"arches":["amd64","x32"]})";
const char kIncludesCaps[] = R"("includes":{"caps":["CAP_BPF","CAP_SYS_ADMIN"]})";
const char kExcludesCaps[] = R"("excludes":{"caps":["CAP_BPF","CAP_SYS_ADMIN"]})";
const char kIncludesKernel[] = R"("includes":{"minKernel":"4.8"})";
const char kExcludesKernel[] = R"("excludes":{"minKernel":"4.8"})";
const char kAll[] =
    R"("includes":{"arches":["amd64"],"caps":["CAP_BPF"],"minKernel":"4.8"},"excludes":{"arches":["arm64"],"caps":["CAP_SYS_ADMIN"],"minKernel":"6.0"})";
const ConditionRow kConditions[] = {
    {"IncludesArch", kIncludesArch, "", kX, "", true},
    {"IncludesOtherArch", kIncludesArch, "", kArm, "", false},
    {"ExcludesArch", kExcludesArch, "", kX, "", false},
    {"ExcludesOtherArch", kExcludesArch, "", kArm, "", true},
    {"SubArchitectureIsNotNative", R"("includes":{"arches":["x86","x32"]})", "", kX, "", false},
    {"ForeignArchIsNowhere", R"("includes":{"arches":["loong64"]})", "", kX, "", false},
    {"IncludesAllCaps", kIncludesCaps, R"(["CAP_SYS_ADMIN","CAP_BPF"])", kX, "", true},
    {"IncludesWantsAllCaps", kIncludesCaps, R"(["CAP_SYS_ADMIN"])", kX, "", false},
    {"IncludesCapsOfNone", kIncludesCaps, "[]", kX, "", false},
    {"IncludesCapsUntold", kIncludesCaps, "", kX, "", false},
    {"ExcludesAnyCap", kExcludesCaps, R"(["CAP_SYS_ADMIN"])", kX, "", false},
    {"ExcludesCapsOfNone", kExcludesCaps, "[]", kX, "", true},
    {"ExcludesCapsUntold", kExcludesCaps, "", kX, "", true},
    {"ExcludesOtherCap", kExcludesCaps, R"(["CAP_CHOWN"])", kX, "", true},
    {"KernelBelow", kIncludesKernel, "", kX, "4.7.99", false},
    {"KernelEqual", kIncludesKernel, "", kX, "4.8.0-rc1", true},
    {"KernelAbove", kIncludesKernel, "", kX, "4.10.0", true},
    {"KernelNextMajor", kIncludesKernel, "", kX, "5.0", true},
    {"KernelMajorBelow", kIncludesKernel, "", kX, "3.19", false},
    {"ExcludesKernelBelow", kExcludesKernel, "", kX, "4.7.99", true},
    {"ExcludesKernelEqual", kExcludesKernel, "", kX, "4.8", false},
    {"ExcludesKernelAbove", kExcludesKernel, "", kX, "6.18", false},
    {"AllHold", kAll, R"(["CAP_BPF"])", kX, "5.4", true},
    {"AllButCaps", kAll, "[]", kX, "5.4", false},
    {"AllButKernel", kAll, R"(["CAP_BPF"])", kX, "4.4", false},
    {"AllButExcludedKernel", kAll, R"(["CAP_BPF"])", kX, "6.0", false},
    {"AllButExcludedCap", kAll, R"(["CAP_BPF","CAP_SYS_ADMIN"])", kX, "5.4", false},
    {"AllButArch", kAll, R"(["CAP_BPF"])", kArm, "5.4", false},
    {"EmptyConditions", R"("includes":{},"excludes":{"arches":[],"caps":null,"minKernel":""})", "",
     kX, "", true},
};
INSTANTIATE_TEST_SUITE_P(Conditions, ConditionTable, testing::ValuesIn(kConditions),
                         [](const auto& row) { return row.param.name; });

TEST(ConditionTest, CapabilitiesThatAreNotToldAreTold) {
  const std::string spec = SpecWith("", Rule("\"mkdir\"", "ALLOW", kIncludesCaps));
  const Rendered rendered = RenderOn(spec);
  EXPECT_EQ(CodesAt(rendered.findings), Names{"CapabilitiesAssumed /capabilities"});
  EXPECT_NE(FindingsText(rendered.findings).find("warning"), std::string::npos);
  EXPECT_NE(FindingsText(rendered.findings).find("CAP_BPF, CAP_SYS_ADMIN"), std::string::npos);
  EXPECT_TRUE(RenderOn(R"({"capabilities":[],)" + spec.substr(1)).findings.empty());
}

TEST(ConditionTest, AnUnknownKernelIsAnErrorOnlyWhereItMatters) {
  const std::string spec = SpecWith("", Rule("\"mkdir\"", "ALLOW", kExcludesKernel));
  for (const std::string kernel : {"", "unknown", "6"}) {
    EXPECT_EQ(CodesAt(RenderOn(spec, NodeWith(kernel)).findings),
              Names{"KernelUnknown /profile/syscalls/1"})
        << kernel;
    EXPECT_FALSE(RenderOn(SpecWith(""), NodeWith(kernel)).bytes.empty());
  }
}

TEST(ConditionTest, ATypoInARuleThatDoesNotHoldIsFound) {
  const std::string rule = Rule("\"mkdri\"", "ALLOW", kIncludesCaps);
  EXPECT_EQ(CodesAt(RenderOn(R"({"capabilities":[],)" + SpecWith("", rule).substr(1)).findings),
            Names{"UnknownSyscall /profile/syscalls/1/names/0"});
  const Rendered warned =
      RenderOn(R"({"unknownSyscalls":"Warn","capabilities":[],)" + SpecWith("", rule).substr(1));
  EXPECT_EQ(CodesAt(warned.findings), Names{"UnknownSyscall /profile/syscalls/1/names/0"});
  EXPECT_FALSE(warned.bytes.empty());
}

TEST(ConditionTest, WhatConditionsRepeatIsNoFault) {
  const std::string bpf = R"("includes":{"caps":["CAP_BPF"]})";
  const std::string admin = R"("includes":{"caps":["CAP_SYS_ADMIN"]})";
  const std::string masked =
      R"("args":[{"index":0,"op":"SCMP_CMP_EQ","value":1}],"excludes":{"caps":["CAP_MKNOD"]})";
  const auto with = [](const std::string& rules) {
    return R"({"capabilities":["CAP_BPF","CAP_SYS_ADMIN"],)" + SpecWith("", rules).substr(1);
  };
  const std::string both[] = {
      Rule("\"mkdir\"", "ALLOW", bpf) + "," + Rule("\"mkdir\"", "ALLOW", admin),
      Rule("\"mkdir\"", "ALLOW") + "," + Rule("\"mkdir\"", "ALLOW", admin),
      Rule("\"mkdir\"", "ALLOW", admin) + "," + Rule("\"mkdir\"", "ALLOW"),
      Rule("\"mkdir\"", "ALLOW", masked) + "," + Rule("\"mkdir\"", "ALLOW", bpf),
      Rule("\"mkdir\"", "ALLOW", bpf) + "," + Rule("\"mkdir\"", "ALLOW", masked),
  };
  for (const std::string& rules : both) {
    const Rendered rendered = RenderOn(with(rules));
    EXPECT_TRUE(rendered.findings.empty()) << rules << FindingsText(rendered.findings);
    EXPECT_EQ(RulesOf(rendered.bytes), Names{"mkdir ALLOW"}) << rules;
  }
  const Rendered conflict =
      RenderOn(with(Rule("\"mkdir\"", "ALLOW", bpf) + "," + Rule("\"mkdir\"", "LOG", admin)));
  EXPECT_EQ(CodesAt(conflict.findings), Names{"ConflictingRules /profile/syscalls/2/names/0"});
  EXPECT_TRUE(conflict.bytes.empty());
}

TEST(ConditionTest, APlainRuleBeforeAConditionalOneWinsAsInTheRuntimes) {
  const std::string plain = Rule("\"mkdir\"", "ALLOW");
  const std::string conditional = Rule("\"mkdir\"", "LOG", R"("excludes":{"caps":["CAP_BPF"]})");
  const auto with = [](const std::string& rules) {
    return RenderOn(R"({"capabilities":[],)" + SpecWith("", rules).substr(1));
  };
  const Rendered rendered = with(plain + "," + conditional);
  EXPECT_EQ(RulesOf(rendered.bytes), Names{"mkdir ALLOW"});
  EXPECT_EQ(CodesAt(rendered.findings), Names{"ConflictingRules /profile/syscalls/2/names/0"});
  EXPECT_TRUE(with(conditional + "," + plain).bytes.empty());
}

TEST(ConditionTest, ArchMapIsTheEntryOfTheNode) {
  const std::string spec = SpecWith(
      R"("archMap":[{"architecture":"SCMP_ARCH_AARCH64","subArchitectures":["SCMP_ARCH_ARM"]},
         {"architecture":"SCMP_ARCH_X86_64","subArchitectures":["SCMP_ARCH_X86","SCMP_ARCH_X32"]},
         {"architecture":"SCMP_ARCH_X86_64","subArchitectures":["SCMP_ARCH_MIPSEL"]},
         {"architecture":"SCMP_ARCH_MIPS64","subArchitectures":["SCMP_ARCH_MIPS"]},
         {"architecture":"SCMP_ARCH_LOONGARCH64","subArchitectures":[]}])");
  struct Row {
    const char* node;
    const char* architectures;
  };
  const Row rows[] = {
      {"SCMP_ARCH_X86_64", R"(["SCMP_ARCH_X32","SCMP_ARCH_X86","SCMP_ARCH_X86_64"])"},
      {"SCMP_ARCH_AARCH64", R"(["SCMP_ARCH_AARCH64","SCMP_ARCH_ARM"])"},
      {"SCMP_ARCH_S390X", R"(["SCMP_ARCH_S390X"])"},
      {"SCMP_ARCH_RISCV64", R"(["SCMP_ARCH_RISCV64"])"},
  };
  for (const Row& row : rows) {
    EXPECT_NE(RenderOn(spec, NodeWith("", row.node)).bytes.find(row.architectures),
              std::string::npos)
        << row.node;
  }
}

TEST(ConditionTest, DockersWordsMeanTheSameAsOcis) {
  const std::string oci =
      SpecWith(R"("defaultErrnoRet":38)",
               Rule("\"mkdir\"", "ERRNO", R"("errnoRet":13)") + "," + Rule("\"rmdir\"", "ALLOW"));
  const std::string docker = SpecWith(
      R"("defaultErrno":"ENOSYS")",
      R"({"name":"mkdir","action":"SCMP_ACT_ERRNO","errno":"EACCES"},{"name":"rmdir","names":null,"action":"SCMP_ACT_ALLOW","errno":""})");
  EXPECT_EQ(RenderOn(docker).bytes, RenderOn(oci).bytes);
  EXPECT_EQ(RulesOf(RenderOn(oci).bytes), (Names{"mkdir ERRNO 13", "rmdir ALLOW"}));
}

TEST(ConditionTest, FlagsAreLeftOutAndTheMeaningStays) {
  const Rendered rendered = RenderOn(SpecWith(R"("flags":["SECCOMP_FILTER_FLAG_LOG"])"));
  EXPECT_EQ(CodesAt(rendered.findings), Names{"FlagsLeftOut /profile/flags/0"});
  EXPECT_EQ(rendered.bytes, RenderOn(SpecWith("")).bytes);
}

// The default of Podman and CRI-O, as Debian ships it (golang-github-containers-common,
// Apache-2.0): conditions of every kind but minKernel.
TEST(ConditionTest, TheDefaultOfContainersResolvesForTheRuntimesCapabilities) {
  const std::string profile = ReadText(TestData("profiles/containers-default.json"));
  std::string held;
  for (const std::string_view name : RuntimeCapabilities()) {
    held += (held.empty() ? "\"" : ",\"") + std::string(name) + "\"";
  }
  const auto resolved = [&](const std::string& capabilities, const std::string& architecture) {
    return RenderOn(R"({"capabilities":[)" + capabilities + R"(],"profile":)" + profile + "}",
                    NodeWith("6.1", architecture));
  };
  const Rendered ours = resolved(held, kX);
  ASSERT_FALSE(ours.bytes.empty()) << FindingsText(ours.findings);
  const Names rules = RulesOf(ours.bytes);
  const auto has = [](const Names& list, const std::string& rule) {
    return std::find(list.begin(), list.end(), rule) != list.end();
  };
  EXPECT_TRUE(has(rules, "chroot ALLOW"));
  EXPECT_TRUE(has(rules, "modify_ldt ALLOW"));
  EXPECT_TRUE(has(rules, "socket ALLOW"));
  EXPECT_TRUE(has(rules, "bpf ERRNO 1"));
  EXPECT_FALSE(has(rules, "bpf ALLOW"));
  EXPECT_FALSE(has(rules, "breakpoint ALLOW"));
  EXPECT_FALSE(has(rules, "s390_runtime_instr ALLOW"));
  EXPECT_NE(ours.bytes.find(R"("defaultErrnoRet":38)"), std::string::npos);
  for (const Diagnostic& finding : ours.findings) {
    EXPECT_TRUE(finding.code != "ShadowedRule" && finding.code != "DeadRule") << finding.message;
  }
  const Names with_admin = RulesOf(resolved(held + R"(,"CAP_SYS_ADMIN")", kX).bytes);
  EXPECT_TRUE(has(with_admin, "bpf ALLOW"));
  EXPECT_FALSE(has(with_admin, "bpf ERRNO 1"));
  // Of another architecture with this machine's byte order: in filters as long as this one, made
  // for the other order, libseccomp 2.5.4 swaps the bytes of some verdicts twice.
  const Rendered arm = resolved(held, kArm);
  ASSERT_FALSE(arm.bytes.empty()) << FindingsText(arm.findings);
  const Names on_arm = RulesOf(arm.bytes);
  EXPECT_TRUE(has(on_arm, "breakpoint ALLOW"));
  EXPECT_FALSE(has(on_arm, "s390_runtime_instr ALLOW"));
  EXPECT_FALSE(has(on_arm, "modify_ldt ALLOW"));
}

// --- the same bytes -------------------------------------------------------------------------

const char kShuffled[] = R"({"capabilities":["CAP_BPF","CAP_CHOWN"],"profile":{
  "defaultAction":"SCMP_ACT_ERRNO","defaultErrno":"ENOSYS",
  "archMap":[{"architecture":"SCMP_ARCH_X86_64","subArchitectures":["SCMP_ARCH_X86","SCMP_ARCH_X32"]},
             {"architecture":"SCMP_ARCH_AARCH64","subArchitectures":["SCMP_ARCH_ARM"]}],
  "syscalls":[
    {"names":["execve","exit_group","readahead","writev"],"action":"SCMP_ACT_ALLOW"},
    {"names":["bpf","mkdir"],"action":"SCMP_ACT_ALLOW","includes":{"caps":["CAP_BPF","CAP_CHOWN"],"arches":["amd64","arm64"]}},
    {"names":["bpf","rmdir"],"action":"SCMP_ACT_ALLOW","includes":{"caps":["CAP_CHOWN"],"minKernel":"4.8"}},
    {"names":["mount"],"action":"SCMP_ACT_ERRNO","errno":"EPERM","excludes":{"caps":["CAP_SYS_ADMIN","CAP_BPF"]}},
    {"name":"personality","action":"SCMP_ACT_ALLOW","args":[{"index":0,"op":"SCMP_CMP_EQ","value":8}]}]}})";

void Shuffle(JsonValue& value, std::mt19937& random) {
  std::shuffle(value.members.begin(), value.members.end(), random);
  std::shuffle(value.elements.begin(), value.elements.end(), random);
  for (JsonMember& member : value.members) Shuffle(member.value, random);
  for (JsonValue& element : value.elements) Shuffle(element, random);
}

TEST(SameBytesTest, TheOrderOfConditionalRulesIsGone) {
  const std::string first = RenderOn(kShuffled).bytes;
  EXPECT_EQ(RulesOf(first), (Names{"bpf ALLOW", "mkdir ALLOW", "personality ALLOW a0",
                                   "readahead ALLOW", "rmdir ALLOW", "writev ALLOW"}));
  std::mt19937 random(7);  // NOLINT(cert-msc51-cpp): the same every time
  for (int i = 0; i < 50; ++i) {
    JsonValue tree = *ParseJson(kShuffled, kMaxSpecDepth);
    Shuffle(tree, random);
    ASSERT_EQ(RenderOn(WriteJson(tree)).bytes, first) << WriteJson(tree);
  }
}

TEST(SameBytesTest, NodesDifferOnlyWhereAConditionSaysSo) {
  const auto on = [](const std::string& spec, const std::string& kernel,
                     const std::string& architecture, std::map<std::string, std::string> labels) {
    return RenderOn(spec, {architecture, kernel, std::move(labels), "both"}).bytes;
  };
  for (const char* architecture : {kX, kArm}) {
    const std::string plain = SpecWith("", Rule("\"mkdir\"", "ALLOW"));
    EXPECT_EQ(on(plain, "", architecture, {}), on(plain, "6.18", architecture, {{"a", "b"}}));
    EXPECT_EQ(on(kShuffled, "4.8", architecture, {}), on(kShuffled, "6.18", architecture, {}));
    EXPECT_NE(on(kShuffled, "4.7", architecture, {}), on(kShuffled, "4.8", architecture, {}));
  }
  EXPECT_NE(on(kShuffled, "6.1", kX, {}), on(kShuffled, "6.1", kArm, {}));
}

// --- nodeSelector ---------------------------------------------------------------------------

TEST(SelectorTest, SkipsNodesWithoutTheLabels) {
  const auto on = [](const std::string& selector, std::map<std::string, std::string> labels) {
    return RenderOn(R"({"nodeSelector":)" + selector + "," + SpecWith("").substr(1),
                    {kX, "", std::move(labels), "both"});
  };
  const std::string two = R"({"matchLabels":{"pool":"web","gpu":""}})";
  EXPECT_FALSE(on(two, {{"pool", "web"}, {"gpu", ""}, {"other", "x"}}).is_skipped);
  EXPECT_TRUE(on(two, {{"pool", "web"}}).is_skipped);
  EXPECT_TRUE(on(two, {{"pool", "Web"}, {"gpu", ""}}).is_skipped);
  EXPECT_TRUE(on(two, {}).is_skipped);
  EXPECT_FALSE(on("{}", {}).is_skipped);
  EXPECT_FALSE(on(R"({"matchLabels":{}})", {}).is_skipped);
  EXPECT_EQ(on(two, {{"pool", "web"}, {"gpu", ""}}).bytes, RenderOn(SpecWith("")).bytes);
}

TEST(SelectorTest, AnInvalidProfileIsInvalidOnEveryNode) {
  const Rendered rendered = RenderOn(R"({"nodeSelector":{"matchLabels":{"a":"b"}},"profile":{}})");
  EXPECT_FALSE(rendered.is_skipped);
  EXPECT_EQ(CodesAt(rendered.findings), Names{"EmptyProfile /profile"});
}

// --- mode: Log ------------------------------------------------------------------------------

std::string Logged(const std::string& spec) { return R"({"mode":"Log",)" + spec.substr(1); }

TEST(DryRunTest, EveryDenialIsLogged) {
  const std::string spec = SpecWith(
      "", Rule("\"mkdir\"", "KILL_PROCESS") + "," + Rule("\"rmdir\"", "ALLOW") + "," +
              Rule("\"readahead\"", "TRAP") + "," +
              Rule("\"writev\"", "ALLOW", R"("args":[{"index":0,"op":"SCMP_CMP_EQ","value":1}])"));
  const Rendered rendered = RenderOn(Logged(spec));
  EXPECT_EQ(CodesAt(rendered.findings), Names{"DryRun /mode"}) << FindingsText(rendered.findings);
  EXPECT_NE(rendered.bytes.find(R"("defaultAction":"SCMP_ACT_LOG")"), std::string::npos);
  EXPECT_EQ(rendered.bytes.find("ERRNO"), std::string::npos);
  EXPECT_EQ(RulesOf(rendered.bytes), (Names{"rmdir ALLOW", "writev ALLOW a0"}));
}

TEST(DryRunTest, ADenyListLogsWhatItNames) {
  const Rendered rendered =
      RenderOn(R"({"mode":"Log","profile":{"defaultAction":"SCMP_ACT_ALLOW","syscalls":[)" +
               Rule("\"mkdir\"", "ERRNO", R"("errnoRet":38)") + "," + Rule("\"rmdir\"", "TRACE") +
               "," + Rule("\"readahead\"", "LOG") + "," + Rule("\"writev\"", "KILL") + "]}}");
  EXPECT_EQ(RulesOf(rendered.bytes),
            (Names{"mkdir LOG", "readahead LOG", "rmdir LOG", "writev LOG"}));
}

TEST(DryRunTest, AProfileThatAllowsNothingMayBeTried) {
  const Rendered rendered =
      RenderOn(R"({"mode":"Log","profile":{"defaultAction":"SCMP_ACT_KILL_PROCESS"}})");
  EXPECT_FALSE(rendered.bytes.empty()) << FindingsText(rendered.findings);
}

TEST(DryRunTest, FindsTheContradictionsOfTheProfileItself) {
  const Rendered rendered = RenderOn(
      Logged(SpecWith("", Rule("\"mkdir\"", "KILL_PROCESS") + "," + Rule("\"mkdir\"", "TRAP"))));
  EXPECT_EQ(CodesAt(rendered.findings),
            (Names{"ConflictingRules /profile/syscalls/2/names/0", "DryRun /mode"}));
}

// --- bases ----------------------------------------------------------------------------------

std::string Based(const std::string& bases, const std::string& profile) {
  return R"({"bases":[)" + bases + R"(],"profile":{)" + profile + "}}";
}
std::string Syscalls(const std::string& rules) { return R"("syscalls":[)" + rules + "]"; }

TEST(BasesTest, LaterOverridesEarlierAndTheProfileOverridesAll) {
  const Texts texts = {
      {"first", SpecWith(R"("defaultErrnoRet":38,"architectures":["SCMP_ARCH_X86"])",
                         Rule(R"("mkdir","rmdir","readahead","writev")", "ALLOW"))},
      {"second", SpecWith(R"("defaultErrnoRet":13)",
                          Rule(R"("rmdir","writev")", "LOG") + "," +
                              Rule(R"("readahead")", "ALLOW",
                                   R"("args":[{"index":0,"op":"SCMP_CMP_EQ","value":1}])"))}};
  const Rendered rendered = RenderWith(
      Based(R"("first","second")", Syscalls(Rule(R"("writev")", "KILL_PROCESS"))), texts);
  EXPECT_EQ(RulesOf(rendered.bytes),
            (Names{"mkdir ALLOW", "readahead ALLOW a0", "rmdir LOG", "writev KILL_PROCESS"}))
      << FindingsText(rendered.findings);
  EXPECT_NE(rendered.bytes.find(R"("defaultErrnoRet":13)"), std::string::npos);
  EXPECT_NE(rendered.bytes.find("SCMP_ARCH_X86\""), std::string::npos);
  EXPECT_EQ(rendered.bases, (Names{"first", "second"}));
  EXPECT_EQ(CodesAt(rendered.findings), (Names{"CompatArchitecture /profile/architectures",
                                               "FallbackBlocked /profile/defaultAction",
                                               "NativeArchitectureAdded /profile/architectures"}));
}

TEST(BasesTest, TheProfilesDefaultAndArchitecturesWin) {
  const Texts texts = {
      {"base", SpecWith(R"("defaultErrnoRet":38,"architectures":["SCMP_ARCH_X86"])",
                        Rule(R"("mkdir")", "ALLOW"))}};
  const std::string given =
      RenderWith(
          Based(R"("base")",
                R"("defaultAction":"SCMP_ACT_KILL_PROCESS","architectures":["SCMP_ARCH_X32"])"),
          texts)
          .bytes;
  EXPECT_NE(given.find(R"("defaultAction":"SCMP_ACT_KILL_PROCESS")"), std::string::npos);
  EXPECT_NE(given.find(R"(["SCMP_ARCH_X32","SCMP_ARCH_X86_64"])"), std::string::npos);
  const std::string number =
      RenderWith(Based(R"("base")", R"("defaultErrno":"EACCES")"), texts).bytes;
  EXPECT_NE(number.find(R"("defaultErrnoRet":13)"), std::string::npos);
  const Texts logging = {{"base", R"({"profile":{"defaultAction":"SCMP_ACT_LOG"}})"}};
  EXPECT_EQ(
      CodesAt(RenderWith(Based(R"("base")", R"("defaultErrnoRet":38)"), logging).findings),
      (Names{"DangerousSyscall /profile/defaultAction", "ErrnoRetIgnored /profile/defaultErrnoRet",
             "FailOpenDefault /profile/defaultAction"}));
}

TEST(BasesTest, ARuleThatTakesBackWhatABaseAllowsIsNoFault) {
  const Texts texts = {{"base", SpecWith("", Rule(R"("mkdir","readahead")", "ALLOW"))}};
  const Rendered rendered =
      RenderWith(Based(R"("base")", Syscalls(Rule(R"("mkdir")", "ERRNO"))), texts);
  EXPECT_TRUE(rendered.findings.empty()) << FindingsText(rendered.findings);
  EXPECT_EQ(RulesOf(rendered.bytes), Names{"readahead ALLOW"});
  const Rendered needless =
      RenderWith(Based(R"("base")", Syscalls(Rule(R"("rmdir")", "ERRNO"))), texts);
  EXPECT_EQ(CodesAt(needless.findings), Names{"DeadRule /profile/syscalls/0/names/0"});
}

TEST(BasesTest, ARuleThatDoesNotHoldReplacesNothing) {
  const Texts texts = {{"base", SpecWith("", Rule(R"("mkdir")", "ALLOW"))}};
  const Rendered rendered = RenderWith(
      Based(R"("base")", Syscalls(Rule(R"("mkdir")", "KILL_PROCESS", kIncludesCaps))), texts);
  EXPECT_EQ(RulesOf(rendered.bytes), Names{"mkdir ALLOW"});
}

TEST(BasesTest, ABaseGivesItsRulesAndNothingElse) {
  const std::string rules = Rule(R"("mkdir")", "ALLOW", kIncludesCaps) + "," +
                            Rule(R"("rmdir")", "ALLOW", kExcludesCaps) + "," +
                            Rule(R"("rmdri")", "ALLOW");
  const Texts texts = {
      {"base",
       R"({"mode":"Log","onInvalid":"Remove","unknownSyscalls":"Warn","capabilities":["CAP_BPF","CAP_SYS_ADMIN"],"nodeSelector":{"matchLabels":{"no":"where"}},)" +
           SpecWith("", rules).substr(1)}};
  const Rendered plain = RenderWith(Based(R"("base")", ""), texts);
  EXPECT_EQ(RulesOf(plain.bytes), Names{"rmdir ALLOW"});
  EXPECT_FALSE(plain.remove_when_invalid);
  EXPECT_EQ(CodesAt(plain.findings), Names{"CapabilitiesAssumed /capabilities"});
  EXPECT_EQ(plain.findings.front().severity, Severity::kInfo);
  const Rendered holding =
      RenderWith(R"({"capabilities":["CAP_BPF","CAP_SYS_ADMIN"],"bases":["base"]})", texts);
  EXPECT_EQ(RulesOf(holding.bytes), Names{"mkdir ALLOW"});
}

TEST(BasesTest, AChainIsAskedForLevelByLevel) {
  Texts texts = {{"d", SpecWith("", Rule(R"("mkdir")", "ALLOW"))},
                 {"c", Based(R"("d")", Syscalls(Rule(R"("rmdir")", "ALLOW")))},
                 {"b", Based(R"("c","d")", Syscalls(Rule(R"("mkdir")", "LOG")))},
                 {"a", Based(R"("b")", Syscalls(Rule(R"("readahead")", "ALLOW")))}};
  int rounds = 0;
  const Rendered rendered = RenderWith(Based(R"("a")", ""), texts, &rounds);
  EXPECT_EQ(RulesOf(rendered.bytes), (Names{"mkdir LOG", "readahead ALLOW", "rmdir ALLOW"}))
      << FindingsText(rendered.findings);
  EXPECT_EQ(rendered.bases, (Names{"a", "b", "c", "d"}));
  EXPECT_EQ(rounds, 4);  // c names d too
  texts["d"] = Based(R"("e")", "");
  texts["e"] = SpecWith("");
  const Rendered deep = RenderWith(Based(R"("c","a")", ""), texts);
  EXPECT_EQ(CodesAt(deep.findings), Names{"BaseTooDeep /bases/1"});
  EXPECT_FALSE(RenderWith(Based(R"("b")", ""), texts).bytes.empty());
}

struct FaultRow {
  std::string name;
  std::string bases;
  std::string finding;
  std::string in_message;
  Names known;
};
class BasesTable : public testing::TestWithParam<FaultRow> {};

TEST_P(BasesTable, IsRefused) {
  const Texts texts = {
      {"good", SpecWith("")},
      {"broken", R"({"profile":{"defaultAction":"SCMP_ACT_ALOW"}})"},
      {"typo", SpecWith("", Rule(R"("mkdri")", "ALLOW"))},
      {"on-broken", Based(R"("broken")", "")},
      {"on-missing", Based(R"("good","missing")", "")},
      {"fragment", R"({"profile":{"syscalls":[]}})"},
      {"self", Based(R"("self")", "")},
      {"one", Based(R"("two")", "")},
      {"two", Based(R"("good","three")", "")},
      {"three", Based(R"("one")", "")},
      {"new", SpecWith("", Rule(R"("mkdir")", "ALLOW", kIncludesKernel))},
  };
  const Rendered rendered = RenderWith(Based(GetParam().bases, ""), texts);
  EXPECT_EQ(CodesAt(rendered.findings), Names{GetParam().finding})
      << FindingsText(rendered.findings);
  EXPECT_NE(FindingsText(rendered.findings).find(GetParam().in_message), std::string::npos)
      << FindingsText(rendered.findings);
  EXPECT_EQ(rendered.bases, GetParam().known);
}

const FaultRow kFaults[] = {
    {"Missing",
     R"("good","missing")",
     "BaseMissing /bases/1",
     "no profile \"missing\"",
     {"good", "missing"}},
    {"MissingBelow",
     R"("on-missing")",
     "BaseMissing /bases/0",
     "the base \"on-missing\" is in error: the namespace has no profile \"missing\"",
     {"good", "missing", "on-missing"}},
    {"Broken",
     R"("broken")",
     "BaseInvalid /bases/0",
     "/profile/defaultAction: \"SCMP_ACT_ALOW\"",
     {"broken"}},
    {"BrokenBelow",
     R"("on-broken")",
     "BaseInvalid /bases/0",
     "SCMP_ACT_ALOW",
     {"broken", "on-broken"}},
    {"UnknownName", R"("typo")", "BaseInvalid /bases/0", "mkdri", {"typo"}},
    {"WithoutDefault",
     R"("fragment")",
     "BaseInvalid /bases/0",
     "defaultAction is missing",
     {"fragment"}},
    {"Itself", R"("self")", "BaseCycle /bases/0", "self -> self", {"self"}},
    {"Circle",
     R"("good","two")",
     "BaseCycle /bases/1",
     "two -> three -> one -> two",
     {"good", "one", "three", "two"}},
    {"NoBuiltin",
     R"("builtin/runtime-defualt-v1")",
     "BaseMissing /bases/0",
     "did you mean builtin/runtime-default-v1?",
     {}},
};
INSTANTIATE_TEST_SUITE_P(Faults, BasesTable, testing::ValuesIn(kFaults),
                         [](const auto& row) { return row.param.name; });

TEST(BasesTest, AnUnknownKernelIsToldWhereTheBaseIsNamed) {
  const std::string base = SpecWith("", Rule(R"("mkdir")", "ALLOW", kIncludesKernel));
  const Rendered rendered =
      MustRender({Based(R"("base")", ""), NodeWith(""), {{"base", base}}, "none"});
  EXPECT_EQ(CodesAt(rendered.findings), Names{"KernelUnknown /bases/0"});
}

TEST(BasesTest, AtMostSixteenNames) {
  std::string bases;
  Texts texts;
  for (char c = 'a'; c < 'a' + 15; ++c) {
    const std::string name(1, c);
    bases += (bases.empty() ? "\"" : ",\"") + name + "\"";
    texts[name] = SpecWith("");
  }
  texts["a"] = Based(R"("x")", "");
  texts["x"] = SpecWith("");
  EXPECT_FALSE(RenderWith(Based(bases, ""), texts).bytes.empty());
  texts["a"] = Based(R"("x","y")", "");
  texts["y"] = SpecWith("");
  const Rendered rendered = RenderWith(Based(bases, ""), texts);
  EXPECT_EQ(CodesAt(rendered.findings), Names{"TooLarge /bases"});
  EXPECT_EQ(rendered.bases.size(), 16U);
}

TEST(BasesTest, TheLimitsHoldForTheWhole) {
  const auto with_args = [](const std::string& name, int count) {
    std::string rules;
    for (int i = 0; i < count; ++i) {
      rules += (i > 0 ? "," : "") +
               Rule("\"" + name + "\"", "ALLOW",
                    R"("args":[{"index":0,"op":"SCMP_CMP_EQ","value":)" + std::to_string(i) + "}]");
    }
    return rules;
  };
  // One more rule with args is SpecWith's own, for clone.
  const Texts texts = {{"base", SpecWith("", with_args("fsync", 100))}};
  EXPECT_FALSE(
      RenderWith(Based(R"("base")", Syscalls(with_args("fchdir", 27))), texts).bytes.empty());
  EXPECT_EQ(
      CodesAt(RenderWith(Based(R"("base")", Syscalls(with_args("fchdir", 28))), texts).findings),
      Names{"TooLarge /bases"});
  // Replaced, not added.
  EXPECT_FALSE(
      RenderWith(Based(R"("base")", Syscalls(with_args("fsync", 100))), texts).bytes.empty());
}

TEST(BasesTest, WhatIsInErrorIsToldWithoutAskingForBases) {
  const Rendered rendered = RenderOn(
      R"({"bases":["base"],"mode":"x","profile":{"syscalls":[{"names":["mkdri"],"action":"SCMP_ACT_ALLOW"}]}})");
  EXPECT_EQ(CodesAt(rendered.findings),
            (Names{"InvalidValue /mode", "UnknownSyscall /profile/syscalls/0/names/0"}));
  EXPECT_EQ(rendered.bases, Names{"base"});
}

TEST(BasesTest, BuiltinsNeedNoText) {
  ASSERT_NE(FindBuiltin("builtin/runtime-default-v1"), nullptr);
  const Rendered rendered = RenderOn(R"({"bases":["builtin/runtime-default-v1"]})");
  const Names rules = RulesOf(rendered.bytes);
  EXPECT_NE(std::find(rules.begin(), rules.end(), "readahead ALLOW"), rules.end());
  EXPECT_EQ(std::find(rules.begin(), rules.end(), "mount ALLOW"), rules.end());
  EXPECT_TRUE(rendered.bases.empty());
}

}  // namespace
}  // namespace seccompd::profile
