// SPDX-License-Identifier: Apache-2.0
#include "seccompd/base/result.h"

#include <cerrno>
#include <memory>

#include <gtest/gtest.h>

namespace seccompd {
namespace {

TEST(ResultTest, HoldsMoveOnlyValue) {
  Result<std::unique_ptr<int>> result(std::make_unique<int>(7));
  ASSERT_TRUE(result.ok());
  EXPECT_EQ(**result, 7);
  std::unique_ptr<int> taken = *std::move(result);
  EXPECT_EQ(*taken, 7);
}

TEST(ResultTest, WrapPutsContextInFront) {
  const Error error = Wrap(ErrnoError(ENOSPC, "write"), "profile a/b");
  EXPECT_EQ(error.code, ErrorCode::kTransient);
  EXPECT_EQ(error.message, "profile a/b: write: No space left on device");
}

TEST(ResultTest, ErrnoCodesFollowTheReactionOfTheCaller) {
  struct Row {
    int errno_value;
    ErrorCode code;
  };
  for (const Row& row : {Row{ENOENT, ErrorCode::kNotFound}, Row{EROFS, ErrorCode::kDenied},
                         Row{EIO, ErrorCode::kTransient}, Row{ELOOP, ErrorCode::kInvalid},
                         Row{EEXIST, ErrorCode::kConflict}, Row{EDQUOT, ErrorCode::kTransient}}) {
    EXPECT_EQ(ErrnoError(row.errno_value, "x").code, row.code) << row.errno_value;
  }
}

TEST(ResultDeathTest, ValueOfAnErrorAborts) {
  const Result<int> result(Error{ErrorCode::kInvalid, "no"});
  EXPECT_DEATH((void)result.value(), "");
}

}  // namespace
}  // namespace seccompd
