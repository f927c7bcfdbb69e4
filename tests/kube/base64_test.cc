// SPDX-License-Identifier: Apache-2.0
#include "kube/base64.h"

#include <gtest/gtest.h>

namespace seccompd::kube {
namespace {

struct Row {
  const char* bytes;
  const char* text;
};

TEST(Base64Test, IsThatOfRfc4648) {
  constexpr Row kRows[] = {{"", ""},
                           {"f", "Zg=="},
                           {"fo", "Zm8="},
                           {"foo", "Zm9v"},
                           {"foob", "Zm9vYg=="},
                           {"fooba", "Zm9vYmE="},
                           {"foobar", "Zm9vYmFy"},
                           {"\xff\xfe", "//4="}};
  for (const Row& row : kRows) {
    EXPECT_EQ(EncodeBase64(row.bytes), row.text);
    EXPECT_EQ(DecodeBase64(row.text), row.bytes);
  }
  EXPECT_EQ(DecodeBase64("Zm9v\nYmFy\n"), "foobar");
  for (const char* bad : {"Z", "Zg", "Zg=", "Zg===", "Zm9v=", "Z=g=", "Zm-_", "=="})
    EXPECT_FALSE(DecodeBase64(bad)) << bad;
}

}  // namespace
}  // namespace seccompd::kube
