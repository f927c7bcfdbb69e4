// SPDX-License-Identifier: Apache-2.0
// Whom the client trusts, and what it says of those it does not.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <string>
#include <thread>

#include <gtest/gtest.h>

#include "http/client_fixture.h"

namespace seccompd::http {
namespace {

using ClientTlsTest = ClientTest;

TEST_F(ClientTlsTest, AnotherCaIsDenied) {
  Serve([](const FakeRequest&, FakeReply& reply) { reply.Send(200, ""); });
  const CertificateAuthority other;
  TlsOptions tls = Tls();
  tls.ca_pem = other.certificate_pem();
  const auto response = Client(server_->origin(), tls)->Do(Get("/"), {});
  ASSERT_FALSE(response.ok());
  EXPECT_EQ(response.error().code, ErrorCode::kDenied);
  EXPECT_NE(response.error().message.find("not signed by the configured CA"), std::string::npos)
      << response.error().message;
}

TEST_F(ClientTlsTest, AnotherNameIsDeniedEvenInTheCommonName) {
  Serve([](const FakeRequest&, FakeReply& reply) { reply.Send(200, ""); },
        {.common_name = "127.0.0.1", .names = {"DNS:other.example", "IP:127.0.0.2"}});
  const auto response = Client()->Do(Get("/"), {});
  ASSERT_FALSE(response.ok());
  EXPECT_EQ(response.error().code, ErrorCode::kDenied);
  EXPECT_NE(response.error().message.find("not for 127.0.0.1"), std::string::npos)
      << response.error().message;
}

TEST_F(ClientTlsTest, AnExpiredCertificateIsDenied) {
  Serve([](const FakeRequest&, FakeReply& reply) { reply.Send(200, ""); },
        {.names = {"IP:127.0.0.1"}, .expired = true});
  const auto response = Client()->Do(Get("/"), {});
  ASSERT_FALSE(response.ok());
  EXPECT_EQ(response.error().code, ErrorCode::kDenied);
  EXPECT_NE(response.error().message.find("expired"), std::string::npos)
      << response.error().message;
}

TEST_F(ClientTlsTest, VerifiesAnotherServerNameAndAsksForIt) {
  Serve([](const FakeRequest&, FakeReply& reply) { reply.Send(200, ""); },
        {.names = {"DNS:api.example"}});
  TlsOptions tls = Tls();
  tls.server_name = "api.example";
  const auto response = Client(server_->origin(), tls)->Do(Get("/"), {});
  EXPECT_TRUE(response.ok()) << response.error().message;
  EXPECT_EQ(server_->last_server_name(), "api.example");

  tls.server_name = "evil.example";
  const auto wrong = Client(server_->origin(), tls)->Do(Get("/"), {});
  ASSERT_FALSE(wrong.ok());
  EXPECT_EQ(wrong.error().code, ErrorCode::kDenied);
}

TEST_F(ClientTlsTest, ReachesAServerByName) {
  Serve([](const FakeRequest&, FakeReply& reply) { reply.Send(200, ""); },
        {.names = {"DNS:localhost"}});
  const std::string origin = "https://localhost:" + std::to_string(server_->port());
  const auto response = Client(origin, Tls())->Do(Get("/"), {});
  ASSERT_TRUE(response.ok()) << response.error().message;
  EXPECT_EQ(server_->last_server_name(), "localhost");
}

TEST_F(ClientTlsTest, SkipsVerificationOnlyWhenTold) {
  Serve([](const FakeRequest&, FakeReply& reply) { reply.Send(200, ""); },
        {.names = {"DNS:other"}});
  TlsOptions tls;
  tls.insecure_skip_verify = true;
  const auto response = Client(server_->origin(), tls)->Do(Get("/"), {});
  EXPECT_TRUE(response.ok()) << response.error().message;
  const auto refused = Client(server_->origin(), TlsOptions{})->Do(Get("/"), {});
  ASSERT_FALSE(refused.ok()) << "the system's roots know nothing of this CA";
  EXPECT_EQ(refused.error().code, ErrorCode::kDenied);
}

TEST_F(ClientTlsTest, ShowsItsClientCertificate) {
  Serve([](const FakeRequest&, FakeReply& reply) { reply.Send(200, ""); }, {}, true);
  TlsOptions tls = Tls();
  const auto without = Client(server_->origin(), tls)->Do(Get("/"), {});
  ASSERT_FALSE(without.ok());
  EXPECT_EQ(without.error().code, ErrorCode::kDenied) << without.error().message;

  const auto identity = authority_.Issue({.common_name = "node-1", .names = {}});
  tls.certificate_pem = identity.certificate_pem;
  tls.private_key_pem = identity.private_key_pem;
  const auto with = Client(server_->origin(), tls)->Do(Get("/"), {});
  EXPECT_TRUE(with.ok()) << with.error().message;
}

TEST_F(ClientTlsTest, AServerWithoutTlsIsNamedAsSuch) {
  const int fd = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  ASSERT_EQ(::bind(fd, reinterpret_cast<sockaddr*>(&address), size), 0);
  ASSERT_EQ(::listen(fd, 1), 0);
  ASSERT_EQ(::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size), 0);
  const std::jthread plain([fd] {
    const int peer = ::accept(fd, nullptr, nullptr);
    const std::string_view text = "HTTP/1.1 400 Bad Request\r\n\r\n";
    EXPECT_GT(::send(peer, text.data(), text.size(), MSG_NOSIGNAL), 0);
    char ignored[512];
    while (::recv(peer, ignored, sizeof ignored, 0) > 0) {
    }
    ::close(peer);
  });
  const auto response =
      Client("https://127.0.0.1:" + std::to_string(ntohs(address.sin_port)), Tls())
          ->Do(Get("/"), {});
  ::close(fd);
  ASSERT_FALSE(response.ok());
  EXPECT_EQ(response.error().code, ErrorCode::kDenied) << response.error().message;
  EXPECT_NE(response.error().message.find("HTTPS"), std::string::npos) << response.error().message;
}

TEST_F(ClientTlsTest, RefusesUnusableOptionsAtOnce) {
  const auto identity = authority_.Issue();
  const auto other = authority_.Issue();
  struct Row {
    const char* name;
    std::string origin;
    TlsOptions tls;
  };
  const Row rows[] = {
      {"http", "http://127.0.0.1", {}},
      {"IPv6", "https://[::1]:443", {}},
      {"garbage CA",
       "https://a",
       {.ca_pem = "garbage", .certificate_pem = {}, .private_key_pem = {}, .server_name = {}}},
      {"certificate without key",
       "https://a",
       {.ca_pem = {},
        .certificate_pem = identity.certificate_pem,
        .private_key_pem = {},
        .server_name = {}}},
      {"another's key",
       "https://a",
       {.ca_pem = {},
        .certificate_pem = identity.certificate_pem,
        .private_key_pem = other.private_key_pem,
        .server_name = {}}},
  };
  for (const Row& row : rows) {
    const auto client = MakeClient(row.origin, row.tls);
    ASSERT_FALSE(client.ok()) << row.name;
    EXPECT_EQ(client.error().code, ErrorCode::kInvalid) << row.name;
    EXPECT_EQ(client.error().message.find("BEGIN"), std::string::npos) << row.name;
  }
}

}  // namespace
}  // namespace seccompd::http
