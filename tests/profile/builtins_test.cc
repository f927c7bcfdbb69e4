// SPDX-License-Identifier: Apache-2.0
// The shipped profiles: their text never changes, and those without conditions are sound. That
// programs run under them is tests/builtins/run.sh's.
#include "seccompd/profile/builtins.h"

#include <set>

#include <gtest/gtest.h>

#include "seccompd/base/digest.h"
#include "seccompd/profile/json.h"
#include "seccompd/profile/render.h"
#include "seccompd/profile/syscalls.h"
#include "seccompd/profile/types.h"

#include "profile/support.h"

namespace seccompd::profile {
namespace {

// A released builtin is never changed: make a -v2 beside it.
struct Pinned {
  std::string name;
  std::string sha256;
};
const Pinned kPinned[] = {
    {"builtin/audit-v1", "cccdd616938653d1d2c22a5ce4c223cd9f6bafeb86ece1fc04c4c20dd1ea0f0f"},
    {"builtin/database-v1", "e47f4823dda8a2a6731bee62e03a67f4523e736ff5e2079b0d2cd7c5da4f281d"},
    {"builtin/runtime-default-v1",
     "eafd9e8325b6886d0829f0cc12046bddfecae3912b323ff49c71675dfc7f593e"},
    {"builtin/runtime-start-v1",
     "6f3215530889572a91ae4d1fc65d5ffbb7a72ff15de5fd2844884192c7d7bb5a"},
    {"builtin/web-server-v1", "ce1178cfa86f3f7a7150c50a71cd64f7963885b60a64f8153e1e0ca4bbb1d453"},
};

TEST(BuiltinsTest, TextsNeverChange) {
  ASSERT_EQ(AllBuiltins().size(), std::size(kPinned));
  for (std::size_t i = 0; i < std::size(kPinned); ++i) {
    EXPECT_EQ(AllBuiltins()[i].name, kPinned[i].name);
    EXPECT_EQ(Sha256Hex(AllBuiltins()[i].spec), kPinned[i].sha256) << kPinned[i].name;
    EXPECT_FALSE(AllBuiltins()[i].description.empty());
  }
}

TEST(BuiltinsTest, AreFoundByEitherName) {
  for (const Builtin& builtin : AllBuiltins()) {
    EXPECT_EQ(FindBuiltin(builtin.name), &builtin);
    EXPECT_EQ(FindBuiltin(builtin.name.substr(kBuiltinPrefix.size())), &builtin);
  }
  for (const std::string_view name :
       {"", "builtin/", "runtime-default", "builtin/runtime-default-v2", "builtin/builtin/audit-v1",
        "audit-v1 ", "Builtin/audit-v1"}) {
    EXPECT_EQ(FindBuiltin(name), nullptr) << name;
  }
}

TEST(BuiltinsTest, OnlyTerminalsAreWorthAWordInTheStrictOnes) {
  for (const std::string name : {"runtime-start-v1", "web-server-v1", "database-v1"}) {
    for (const std::string_view node : {"SCMP_ARCH_X86_64", "SCMP_ARCH_AARCH64"}) {
      const Result<Rendered> rendered = RenderOn(node, FindBuiltin(name)->spec);
      ASSERT_TRUE(rendered.ok());
      EXPECT_FALSE(rendered->bytes.empty()) << FindingsText(rendered->findings);
      // What tests/builtins/run.sh runs programs under.
      if (node == kNode) ExpectGolden("builtin-" + name + ".json", rendered->bytes);
      for (const Diagnostic& finding : rendered->findings) {
        EXPECT_TRUE(finding.code == "TerminalIoctl" || finding.code == "SyscallNotOnArchitecture")
            << name << ": " << FindingsText(rendered->findings);
      }
    }
  }
}

TEST(BuiltinsTest, AuditLogsAndDeniesNothing) {
  const Result<Rendered> rendered = RenderOn(kNode, FindBuiltin("audit-v1")->spec);
  ASSERT_TRUE(rendered.ok());
  EXPECT_EQ(rendered->bytes,
            "{\"architectures\":[\"SCMP_ARCH_X86_64\"],\"defaultAction\":\"SCMP_ACT_LOG\"}\n");
}

// Every name is one of Linux's, none stands twice under the same condition, and what no container
// should do without a capability is never allowed without one.
TEST(BuiltinsTest, RuntimeDefaultAsksForCapabilities) {
  const Result<JsonValue> spec = ParseJson(FindBuiltin("runtime-default-v1")->spec, kMaxSpecDepth);
  ASSERT_TRUE(spec.ok()) << spec.error().message;
  const std::set<std::string_view> guarded = {"acct",
                                              "bpf",
                                              "chroot",
                                              "clone3",
                                              "finit_module",
                                              "init_module",
                                              "ioperm",
                                              "iopl",
                                              "kcmp",
                                              "mount",
                                              "move_mount",
                                              "open_tree",
                                              "pidfd_getfd",
                                              "open_by_handle_at",
                                              "perf_event_open",
                                              "reboot",
                                              "setns",
                                              "settimeofday",
                                              "syslog",
                                              "umount2",
                                              "unshare"};
  const std::set<std::string_view> never = {
      "add_key",         "create_module", "io_uring_enter", "io_uring_register", "io_uring_setup",
      "kexec_file_load", "kexec_load",    "keyctl",         "pivot_root",        "request_key",
      "swapoff",         "swapon",        "userfaultfd"};
  std::set<std::string> seen;
  for (const JsonValue& rule : spec->Find("profile")->Find("syscalls")->elements) {
    const JsonValue* includes = rule.Find("includes");
    const bool has_caps = includes != nullptr && includes->Find("caps") != nullptr;
    const bool is_allow = rule.Find("action")->text == "SCMP_ACT_ALLOW";
    for (const JsonValue& name : rule.Find("names")->elements) {
      EXPECT_TRUE(IsLinuxSyscall(name.text)) << name.text;
      EXPECT_FALSE(never.contains(name.text)) << name.text;
      EXPECT_TRUE(has_caps || !is_allow || !guarded.contains(name.text)) << name.text;
      seen.insert(name.text);
    }
  }
  for (const std::string_view name : guarded) EXPECT_TRUE(seen.contains(std::string(name))) << name;
  EXPECT_GT(seen.size(), 400U);
}

}  // namespace
}  // namespace seccompd::profile
