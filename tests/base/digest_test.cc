// SPDX-License-Identifier: Apache-2.0
#include "seccompd/base/digest.h"

#include <gtest/gtest.h>

namespace seccompd {
namespace {

TEST(Sha256Test, MatchesFips180Vectors) {
  EXPECT_EQ(Sha256Hex("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(Sha256Hex(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

TEST(Sha256Test, StartsAfreshAfterFinish) {
  Sha256 sha;
  sha.Update("x");
  (void)sha.FinishHex();
  sha.Update("abc");
  EXPECT_EQ(sha.FinishHex(), Sha256Hex("abc"));
}

TEST(Sha256Test, FieldsDoNotRunIntoEachOther) {
  Sha256 one;
  one.UpdateField("ab");
  one.UpdateField("c");
  Sha256 two;
  two.UpdateField("a");
  two.UpdateField("bc");
  EXPECT_NE(one.FinishHex(), two.FinishHex());
}

TEST(Sha256Test, RecognisesItsOwnForm) {
  EXPECT_TRUE(IsSha256Hex(Sha256Hex("")));
  EXPECT_FALSE(IsSha256Hex("BA7816BF8F01CFEA414140DE5DAE2223B00361A396177A9CB410FF61F20015AD"));
  EXPECT_FALSE(IsSha256Hex("ba78"));
}

}  // namespace
}  // namespace seccompd
