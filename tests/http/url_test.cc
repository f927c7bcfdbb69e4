// SPDX-License-Identifier: Apache-2.0
#include "http/url.h"

#include <gtest/gtest.h>

namespace seccompd::http {
namespace {

struct OriginRow {
  const char* name;
  const char* url;
  bool ok;
  const char* host_port;
  bool is_ip;
};

TEST(OriginTest, TakesHttpsNamesAndIpv4Only) {
  constexpr OriginRow kRows[] = {
      {"address", "https://10.96.0.1:443", true, "10.96.0.1:443", true},
      {"name without port", "https://kubernetes.default.svc", true, "kubernetes.default.svc:443",
       false},
      {"trailing slash", "https://example.org:6443/", true, "example.org:6443", false},
      {"path", "https://rancher.example/k8s/clusters/c-1", true, "rancher.example:443", false},
      {"plain http", "http://10.0.0.1:80", false, "", false},
      {"IPv6", "https://[::1]:6443", false, "", false},
      {"no host", "https://:443", false, "", false},
      {"port 0", "https://a:0", false, "", false},
      {"port too large", "https://a:65536", false, "", false},
      {"user in it", "https://user@a:1", false, "", false},
      {"query", "https://a/x?y", false, "", false},
      {"new line", "https://a\n.b", false, "", false},
      {"empty", "", false, "", false},
  };
  for (const OriginRow& row : kRows) {
    const auto origin = ParseOrigin(row.url);
    ASSERT_EQ(origin.ok(), row.ok) << row.name;
    if (!row.ok) {
      EXPECT_EQ(origin.error().code, ErrorCode::kInvalid) << row.name;
      continue;
    }
    EXPECT_EQ(origin->host_port, row.host_port) << row.name;
    EXPECT_EQ(origin->host_is_ip, row.is_ip) << row.name;
  }
  EXPECT_EQ(ParseOrigin("https://a/b/")->url, "https://a:443/b");
}

TEST(CheckRequestTest, RefusesWhatWouldSlipIntoTheHead) {
  Request good;
  good.target = "/api?x=%0a";
  good.headers = {{"Authorization", "Bearer a.b-c"}};
  EXPECT_TRUE(CheckRequest(good).ok());

  Request target = good;
  target.target = "/api HTTP/1.1\r\nX: y";
  EXPECT_FALSE(CheckRequest(target).ok());
  target.target = "api";
  EXPECT_FALSE(CheckRequest(target).ok());

  Request method = good;
  method.method = "GET /";
  EXPECT_FALSE(CheckRequest(method).ok());

  Request value = good;
  value.headers = {{"Authorization", "Bearer secret\r\nX: y"}};
  const auto refused = CheckRequest(value);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().message.find("secret"), std::string::npos) << "a token in a message";

  Request name = good;
  name.headers = {{"A b", "c"}};
  EXPECT_FALSE(CheckRequest(name).ok());
}

}  // namespace
}  // namespace seccompd::http
