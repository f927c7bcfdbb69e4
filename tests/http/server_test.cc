// SPDX-License-Identifier: Apache-2.0
// The server against hostile clients on raw sockets.
#include "seccompd/http/server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <filesystem>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "seccompd/base/unique_fd.h"
#include "seccompd/http/client.h"

namespace seccompd::http {
namespace {

UniqueFd Connect(int port) {
  UniqueFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  // A guard against hanging, far above what any test needs.
  const timeval patience{30, 0};
  ::setsockopt(fd.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  ::setsockopt(fd.get(), SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
  if (::connect(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) fd.Reset();
  return fd;
}

bool Send(const UniqueFd& fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t count = ::send(fd.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (count <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(count));
  }
  return true;
}

std::string ReadAll(const UniqueFd& fd) {
  std::string text;
  std::array<char, 4096> piece{};
  for (;;) {
    const ssize_t count = ::recv(fd.get(), piece.data(), piece.size(), 0);
    if (count <= 0) return text;
    text.append(piece.data(), static_cast<std::size_t>(count));
  }
}

std::string Ask(int port, std::string_view request) {
  const UniqueFd fd = Connect(port);
  if (!fd.is_open() || !Send(fd, request)) return "";
  return ReadAll(fd);
}

class ServerTest : public ::testing::Test {
 protected:
  ServerTest() {
    StartIoThread();
    auto server = Server::ListenTcp("127.0.0.1:0", [this](std::string_view target) {
      ++handled_;
      if (target == "/big") return ServerResponse{200, "text/plain", std::string(1 << 20, 'b')};
      return ServerResponse{target == "/missing" ? 404 : 200, "text/plain",
                            "you asked for " + std::string(target)};
    });
    EXPECT_TRUE(server.ok()) << server.error().message;
    server_ = std::move(*server);
  }
  int port() const { return server_->port(); }
  void ExpectAlive() const {
    EXPECT_NE(Ask(port(), "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n").find("200 OK"),
              std::string::npos);
  }

  std::atomic<int> handled_{0};
  std::unique_ptr<Server> server_;
};

TEST_F(ServerTest, AnswersGetAndHead) {
  const std::string get = Ask(port(), "GET /readyz?verbose HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_TRUE(get.starts_with("HTTP/1.1 200 OK\r\n")) << get;
  EXPECT_TRUE(get.ends_with("\r\n\r\nyou asked for /readyz?verbose")) << get;
  const std::string head = Ask(port(), "HEAD /x HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_TRUE(head.starts_with("HTTP/1.1 200 OK\r\n")) << head;
  EXPECT_NE(head.find("Content-Length: 16\r\n"), std::string::npos) << head;
  EXPECT_TRUE(head.ends_with("\r\n\r\n")) << head;
  EXPECT_TRUE(Ask(port(), "GET /missing HTTP/1.0\r\n\r\n").starts_with("HTTP/1.1 404 "));
}

TEST_F(ServerTest, SendsALongBodyWhole) {
  const std::string answer = Ask(port(), "GET /big HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_EQ(answer.size() - answer.find("\r\n\r\n") - 4, std::size_t{1} << 20);
}

struct HostileRow {
  const char* name;
  const char* request;
  const char* answer;
};

TEST_F(ServerTest, AnswersBadRequestsWithoutCallingTheHandler) {
  constexpr HostileRow kRows[] = {
      {"chunked POST of size -1",
       "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\nabc\r\n", "405"},
      {"POST with a body", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello", "405"},
      {"POST announcing 300 MB",
       "POST /%zz HTTP/1.1\r\nHost: x\r\nContent-Length: 300000000\r\n\r\n", "405"},
      {"TRACE", "TRACE / HTTP/1.1\r\nHost: x\r\nCookie: secret\r\n\r\n", "405"},
      {"OPTIONS", "OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n", "405"},
      {"garbage", "\x16\x03\x01 this is TLS or worse\r\n\r\n", "400"},
      {"no version", "GET /\r\n\r\n", "400"},
      {"bad header", "GET / HTTP/1.1\r\nHost x\r\n\r\n", "400"},
      {"bad length", "GET / HTTP/1.1\r\nContent-Length: -1\r\n\r\n", "400"},
  };
  for (const HostileRow& row : kRows) {
    const std::string answer = Ask(port(), row.request);
    EXPECT_TRUE(answer.starts_with(std::string("HTTP/1.1 ") + row.answer))
        << row.name << ": " << answer;
    EXPECT_EQ(answer.find("secret"), std::string::npos) << row.name;
  }
  EXPECT_EQ(handled_, 0);
  ExpectAlive();
}

TEST_F(ServerTest, AnEndlessHeaderIsCutOff) {
  const UniqueFd fd = Connect(port());
  ASSERT_TRUE(Send(fd, "GET / HTTP/1.1\r\nX: "));
  const std::string piece(1 << 16, 'x');
  std::size_t sent = 0;
  while (sent < (200U << 20) && Send(fd, piece)) sent += piece.size();
  EXPECT_LT(sent, 64U << 20) << "the server read on";
  ExpectAlive();
}

TEST_F(ServerTest, HalfOpenConnectionsDoNotStarveOthers) {
  std::vector<UniqueFd> half_open;
  for (int i = 0; i < 400; ++i) {
    half_open.push_back(Connect(port()));
    ASSERT_TRUE(half_open.back().is_open());
    Send(half_open.back(), "GET / HT");
    if (i % 100 == 99) ExpectAlive();
  }
  ExpectAlive();
}

TEST_F(ServerTest, ASlowRequestEndsByItself) {
  const UniqueFd fd = Connect(port());
  ASSERT_TRUE(Send(fd, "GET / HT"));
  EXPECT_EQ(ReadAll(fd),
            "");  // returns when the server closes: the socket's own patience is far longer
}

TEST_F(ServerTest, ComesBackWhenDescriptorsAreShort) {
  rlimit limit{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &limit), 0);
  UniqueFd waiting = Connect(port());
  UniqueFd spare(::dup(waiting.get()));
  const auto highest = static_cast<rlim_t>(spare.get());
  spare.Reset();
  std::vector<UniqueFd> clients;
  for (int i = 0; i < 3; ++i)
    clients.emplace_back(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const rlimit tight{highest + 3, limit.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &tight), 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(static_cast<std::uint16_t>(port()));
  for (const UniqueFd& client : clients)
    EXPECT_EQ(::connect(client.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &limit), 0);
  const std::string request = "GET /x HTTP/1.1\r\nHost: x\r\n\r\n";
  for (const UniqueFd& client : clients) {
    EXPECT_TRUE(Send(client, request));
    EXPECT_NE(ReadAll(client).find("200 OK"), std::string::npos);
  }
}

TEST_F(ServerTest, EndsWithConnectionsOpen) {
  std::vector<UniqueFd> open;
  for (int i = 0; i < 10; ++i) {
    open.push_back(Connect(port()));
    Send(open.back(), i % 2 == 0 ? "GET / HT" : "GET /big HTTP/1.1\r\n\r\n");
  }
  const int was = port();
  server_.reset();
  const int handled = handled_;
  EXPECT_FALSE(Connect(was).is_open());
  for (const UniqueFd& fd : open) ReadAll(fd);
  EXPECT_EQ(handled_, handled) << "the handler ran after the server's end";
}

TEST(ServerListenTest, TakesEachKindOfAddress) {
  StartIoThread();
  const auto handler = [](std::string_view) { return ServerResponse{}; };
  for (const char* address : {"127.0.0.1:0", ":0", "0.0.0.0:0"}) {
    const auto server = Server::ListenTcp(address, handler);
    ASSERT_TRUE(server.ok()) << address << ": " << server.error().message;
    EXPECT_NE(Ask((*server)->port(), "GET / HTTP/1.1\r\n\r\n").find("200 OK"), std::string::npos)
        << address;
  }
  for (const char* address :
       {"", "9797", "localhost:1", "::1:80", "[1.2.3.4]:1", "1.2.3.4:70000", "1.2.3.4:-1"})
    EXPECT_FALSE(Server::ListenTcp(address, handler).ok()) << address;
}

TEST(ServerListenTest, SaysThatAPortIsTaken) {
  StartIoThread();
  const auto handler = [](std::string_view) { return ServerResponse{}; };
  const auto first = Server::ListenTcp("127.0.0.1:0", handler);
  ASSERT_TRUE(first.ok());
  const std::string address = "127.0.0.1:" + std::to_string((*first)->port());
  const auto second = Server::ListenTcp(address, handler);
  ASSERT_FALSE(second.ok());
  EXPECT_NE(second.error().message.find(address), std::string::npos) << second.error().message;
}

TEST(ServerListenTest, AUnixSocketIsPrivateAndReplacesAStaleOne) {
  StartIoThread();
  const auto directory = std::filesystem::path(::testing::TempDir()) /
                         ("seccompd-server-" + std::to_string(::getpid()));
  std::filesystem::create_directories(directory);
  const std::string path = directory / "state.sock";
  const auto handler = [](std::string_view) {
    return ServerResponse{200, "application/json", "{}"};
  };
  for (int round = 0; round < 2; ++round) {
    const auto server = Server::ListenUnix(path, handler);
    ASSERT_TRUE(server.ok()) << server.error().message;
    EXPECT_EQ((*server)->port(), 0);
    struct stat status {};
    ASSERT_EQ(::lstat(path.c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 07777, 0600U);
    const UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.copy(address.sun_path, sizeof address.sun_path - 1);
    ASSERT_EQ(::connect(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    ASSERT_TRUE(Send(fd, "GET / HTTP/1.1\r\n\r\n"));
    EXPECT_NE(ReadAll(fd).find("200 OK"), std::string::npos);
  }
  EXPECT_FALSE(Server::ListenUnix(directory.string(), handler).ok())
      << "something else in its place";
  EXPECT_FALSE(Server::ListenUnix(std::string(200, 'x'), handler).ok());
  std::filesystem::remove_all(directory);
}

}  // namespace
}  // namespace seccompd::http
