// SPDX-License-Identifier: Apache-2.0
#include "seccompd/profile/text.h"

#include <string>

#include <gtest/gtest.h>

#include "seccompd/profile/syscalls.h"
#include "seccompd/profile/types.h"

namespace seccompd::profile {
namespace {

TEST(TextTest, CleansWhatATerminalOrLogMustNotSee) {
  EXPECT_EQ(CleanText("plain \xc3\xa9"), "plain \xc3\xa9");
  EXPECT_EQ(CleanText("a\nb\x1b[31m\x7f"), "a?b?[31m?");
  EXPECT_EQ(CleanText("\xff\xc3"), "??");
  EXPECT_EQ(CleanText("\xe2\x80\xae"
                      "evil"),
            "?evil");                           // right-to-left override
  EXPECT_EQ(CleanText("\xed\xa0\x80"), "???");  // a surrogate
  EXPECT_EQ(CleanText("\xc0\xaf"), "??");       // an overlong slash
}

TEST(TextTest, CutsAt64Bytes) {
  EXPECT_EQ(CleanText(std::string(64, 'a')), std::string(64, 'a'));
  EXPECT_EQ(CleanText(std::string(65, 'a')), std::string(61, 'a') + "...");
  for (std::size_t length = 50; length < 80; ++length) {
    std::string text(length, 'a');
    for (int i = 0; i < 8; ++i) text += "\xf0\x9f\x98\x80";
    EXPECT_LE(CleanText(text).size(), kMaxQuotedLength);
    EXPECT_TRUE(IsUtf8(CleanText(text)));
  }
}

TEST(TextTest, SuggestsTheNearest) {
  const auto syscalls = LinuxSyscalls();
  EXPECT_EQ(Nearest("mkdri", syscalls), "mkdir");
  EXPECT_EQ(Nearest("SYS_openat", syscalls), "openat");
  EXPECT_EQ(Nearest("__NR_futex", syscalls), "futex");
  EXPECT_EQ(Nearest("raed", syscalls), "read");
  EXPECT_EQ(Nearest("landlock_restrictself", syscalls), "landlock_restrict_self");
  EXPECT_EQ(Nearest("quite_another_thing", syscalls), "");
  EXPECT_EQ(Nearest("", syscalls), "");
}

TEST(SyscallsTest, AreSortedAndUnique) {
  const auto names = LinuxSyscalls();
  for (std::size_t i = 1; i < names.size(); ++i) EXPECT_LT(names[i - 1], names[i]);
  EXPECT_TRUE(IsLinuxSyscall("mseal"));
  EXPECT_FALSE(IsLinuxSyscall("mkdri"));
}

TEST(TypesTest, EveryNameFindsItsValue) {
  for (const ActionRow& row : ActionTable()) EXPECT_EQ(FindAction(row.name), row.value);
  for (const OperatorRow& row : OperatorTable()) EXPECT_EQ(FindOperator(row.name), row.value);
  for (const ArchitectureRow& row : ArchitectureTable()) {
    EXPECT_EQ(FindArchitecture(row.name), row.value);
    EXPECT_EQ(ArchitectureName(row.value), row.name);
  }
  EXPECT_EQ(ActionName(Action::kKillThread), "SCMP_ACT_KILL_THREAD");
}

}  // namespace
}  // namespace seccompd::profile
