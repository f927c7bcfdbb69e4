// SPDX-License-Identifier: Apache-2.0
#include "kube/status.h"

#include <gtest/gtest.h>

namespace seccompd::kube {
namespace {

struct Row {
  int http_code;
  ErrorCode code;
  const char* says;
};

TEST(StatusErrorTest, GivesOneCodePerReaction) {
  constexpr Row kRows[] = {
      {400, ErrorCode::kInvalid, "m"},    {401, ErrorCode::kDenied, "token"},
      {403, ErrorCode::kDenied, "right"}, {404, ErrorCode::kTransient, "CRDs"},
      {409, ErrorCode::kConflict, "m"},   {410, ErrorCode::kConflict, "m"},
      {422, ErrorCode::kInvalid, "m"},    {429, ErrorCode::kTransient, "busy"},
      {500, ErrorCode::kTransient, "m"},  {503, ErrorCode::kTransient, "m"},
      {504, ErrorCode::kTransient, "m"},  {418, ErrorCode::kInvalid, "m"},
  };
  for (const Row& row : kRows) {
    const Error error = StatusError(row.http_code, R"({"kind":"Status","message":"m","code":1})");
    EXPECT_EQ(error.code, row.code) << row.http_code;
    EXPECT_NE(error.message.find(row.says), std::string::npos) << error.message;
    EXPECT_NE(error.message.find(std::to_string(row.http_code)), std::string::npos)
        << error.message;
  }
}

TEST(StatusErrorTest, AMissingObjectIsNoMissingResource) {
  EXPECT_EQ(
      StatusError(404, R"({"kind":"Status","message":"m","details":{"name":"n","kind":"k"}})").code,
      ErrorCode::kNotFound);
  EXPECT_EQ(StatusError(404, "404 page not found").code, ErrorCode::kTransient);
}

TEST(StatusErrorTest, KeepsWhatTheServerSaidClean) {
  const Error html = StatusError(502, "<html>\r\n<h1>Bad\x1b[31m gateway</h1>");
  EXPECT_NE(html.message.find("gateway"), std::string::npos) << html.message;
  for (const char c : html.message) EXPECT_GE(static_cast<unsigned char>(c), 0x20U);
  std::string umlauts;
  for (int i = 0; i < 1000; ++i) umlauts += "\xc3\xa4";
  const Error error = StatusError(500, R"({"kind":"Status","message":"x)" + umlauts + "\"}");
  EXPECT_LT(error.message.size(), 600U);
  EXPECT_TRUE(error.message.ends_with("\xc3\xa4...")) << "half a character";
}

TEST(ParseStatusTest, KnowsATooLargeResourceVersion) {
  EXPECT_TRUE(
      ParseStatus(
          R"({"kind":"Status","details":{"causes":[{"reason":"ResourceVersionTooLarge"}]}})")
          ->resource_version_too_large);
  EXPECT_TRUE(
      ParseStatus(R"({"kind":"Status","message":"Too large resource version: 5, current: 1"})")
          ->resource_version_too_large);
  EXPECT_FALSE(ParseStatus(R"({"kind":"Status","details":{"causes":"x"},"message":7})")
                   ->resource_version_too_large);
  EXPECT_EQ(ParseStatus(R"({"kind":"Status","details":{"retryAfterSeconds":3}})")->retry_after,
            std::chrono::seconds(3));
  EXPECT_FALSE(ParseStatus(R"({"kind":"Pod"})"));
  EXPECT_FALSE(ParseStatus("[]"));
  EXPECT_FALSE(ParseStatus(""));
}

}  // namespace
}  // namespace seccompd::kube
