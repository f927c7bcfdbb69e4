// SPDX-License-Identifier: Apache-2.0
#include "fakes/fake_https_server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <utility>

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>

namespace seccompd::fakes {
namespace {

void Must(bool ok) {
  if (!ok) std::abort();
}

X509* ReadCertificate(const std::string& pem) {
  BIO* bio = BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size()));
  X509* certificate = PEM_read_bio_X509(bio, nullptr, nullptr, nullptr);
  BIO_free_all(bio);
  Must(certificate != nullptr);
  return certificate;
}

SSL_CTX* MakeContext(const FakeHttpsServer::Options& options) {
  SSL_CTX* context = SSL_CTX_new(TLS_server_method());
  Must(context != nullptr);
  X509* certificate = ReadCertificate(options.certificate.certificate_pem);
  Must(SSL_CTX_use_certificate(context, certificate) == 1);
  X509_free(certificate);
  const std::string& key_pem = options.certificate.private_key_pem;
  BIO* bio = BIO_new_mem_buf(key_pem.data(), static_cast<int>(key_pem.size()));
  EVP_PKEY* key = PEM_read_bio_PrivateKey(bio, nullptr, nullptr, nullptr);
  BIO_free_all(bio);
  Must(SSL_CTX_use_PrivateKey(context, key) == 1);
  EVP_PKEY_free(key);
  if (!options.client_ca_pem.empty()) {
    X509* authority = ReadCertificate(options.client_ca_pem);
    Must(X509_STORE_add_cert(SSL_CTX_get_cert_store(context), authority) == 1);
    X509_free(authority);
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
  }
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  return context;
}

std::string Lower(std::string_view text) {
  std::string lower(text);
  std::transform(lower.begin(), lower.end(), lower.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  return lower;
}

std::string_view Trim(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\r')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\r')) text.remove_suffix(1);
  return text;
}

FakeRequest ParseHead(std::string_view head) {
  FakeRequest request;
  std::size_t end = head.find("\r\n");
  const std::string_view line = head.substr(0, end);
  const std::size_t space = line.find(' ');
  request.method = line.substr(0, space);
  request.target = line.substr(space + 1, line.rfind(' ') - space - 1);
  while (end != std::string_view::npos) {
    const std::size_t begin = end + 2;
    end = head.find("\r\n", begin);
    const std::string_view header =
        head.substr(begin, end == std::string_view::npos ? end : end - begin);
    const std::size_t colon = header.find(':');
    // The first counts, as in Go's Header.Get.
    if (colon != std::string_view::npos)
      request.headers.emplace(Lower(header.substr(0, colon)), Trim(header.substr(colon + 1)));
  }
  const std::size_t question = request.target.find('?');
  request.path = DecodeQuery(request.target.substr(0, question));
  std::string_view query = question == std::string::npos
                               ? std::string_view()
                               : std::string_view(request.target).substr(question + 1);
  while (!query.empty()) {
    const std::string_view pair = query.substr(0, query.find('&'));
    query.remove_prefix(std::min(query.size(), pair.size() + 1));
    const std::size_t equals = pair.find('=');
    request.query[DecodeQuery(pair.substr(0, equals))] =
        equals == std::string_view::npos ? "" : DecodeQuery(pair.substr(equals + 1));
  }
  return request;
}

std::string HeadText(int status, const FakeReply::Headers& headers) {
  std::string head = "HTTP/1.1 " + std::to_string(status) + " Whatever\r\n";
  if (!headers.contains("Content-Type")) head += "Content-Type: application/json\r\n";
  for (const auto& [name, value] : headers) head += name + ": " + value + "\r\n";
  return head;
}

}  // namespace

std::string DecodeQuery(std::string_view text) {
  std::string decoded;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%' && i + 2 < text.size()) {
      decoded +=
          static_cast<char>(std::strtol(std::string(text.substr(i + 1, 2)).c_str(), nullptr, 16));
      i += 2;
    } else {
      decoded += text[i] == '+' ? ' ' : text[i];
    }
  }
  return decoded;
}

void FakeReply::Send(int status, std::string_view body, Headers headers) {
  Raw(HeadText(status, headers) + "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" +
      std::string(body));
}

void FakeReply::Begin(int status, Headers headers) {
  Raw(HeadText(status, headers) + "Transfer-Encoding: chunked\r\n\r\n");
}

void FakeReply::Chunk(std::string_view bytes) {
  if (bytes.empty()) return;  // would be the end
  std::array<char, 20> size{};
  std::snprintf(size.data(), size.size(), "%zx\r\n", bytes.size());
  Raw(size.data() + std::string(bytes) + "\r\n");
}

void FakeReply::End() { Raw("0\r\n\r\n"); }

void FakeReply::Raw(std::string_view bytes) {
  sent_anything_ = true;
  while (!aborted_ && !bytes.empty()) {
    const int count = SSL_write(ssl_, bytes.data(),
                                static_cast<int>(std::min<std::size_t>(bytes.size(), 1 << 20)));
    if (count <= 0) return Abort();
    bytes.remove_prefix(static_cast<std::size_t>(count));
  }
}

void FakeReply::Abort() {
  aborted_ = true;
  ::shutdown(fd_, SHUT_RDWR);
}

bool FakeReply::PeerGone(int milliseconds) {
  pollfd ready{fd_, POLLIN | POLLRDHUP, 0};
  if (::poll(&ready, 1, milliseconds) <= 0) return aborted_;
  return (ready.revents & (POLLRDHUP | POLLHUP | POLLERR)) != 0;
}

FakeHttpsServer::FakeHttpsServer(const Options& options, Handler handler)
    : handler_(std::move(handler)), context_(MakeContext(options), SSL_CTX_free) {
  Must(std::signal(SIGPIPE, SIG_IGN) != SIG_ERR);
  listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(static_cast<std::uint16_t>(options.port));
  const int on = 1;  // the port of a server that has just died can be taken at once
  Must(::setsockopt(listener_, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == 0);
  socklen_t size = sizeof address;
  Must(::bind(listener_, reinterpret_cast<sockaddr*>(&address), size) == 0);
  Must(::listen(listener_, 128) == 0);
  Must(::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size) == 0);
  port_ = ntohs(address.sin_port);
  acceptor_ = std::jthread([this] { AcceptLoop(); });
}

FakeHttpsServer::~FakeHttpsServer() { Stop(); }

void FakeHttpsServer::Stop() {
  if (stopping_.exchange(true)) return;
  ::shutdown(listener_, SHUT_RDWR);
  acceptor_.join();
  ::close(listener_);
  DropConnections();
  std::list<Connection> open;
  {
    const std::lock_guard lock(mutex_);
    open.swap(open_);  // elements keep their addresses
  }
  open.clear();  // joins
}

void FakeHttpsServer::DropConnections() {
  const std::lock_guard lock(mutex_);
  for (Connection& connection : open_)
    if (!connection.finished) ::shutdown(connection.fd, SHUT_RDWR);
}

std::string FakeHttpsServer::last_server_name() const {
  const std::lock_guard lock(mutex_);
  return server_name_;
}

void FakeHttpsServer::AcceptLoop() {
  while (!stopping_) {
    const int fd = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (fd < 0) continue;
    const int on = 1;
    ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    ++connections_;
    const std::lock_guard lock(mutex_);
    std::erase_if(open_, [](const Connection& connection) { return connection.finished.load(); });
    Connection& connection = open_.emplace_back();
    connection.fd = fd;
    connection.thread = std::jthread([this, &connection] { Serve(connection); });
  }
}

void FakeHttpsServer::Serve(Connection& connection) {
  SSL* ssl = SSL_new(context_.get());
  SSL_set_fd(ssl, connection.fd);
  if (SSL_accept(ssl) == 1) {
    if (const char* name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name)) {
      const std::lock_guard lock(mutex_);
      server_name_ = name;
    }
    std::string input;
    while (!stopping_ && ServeOne(ssl, connection.fd, input)) {
    }
  } else {
    // Lets the client read why: closing with its request unread would reset the connection.
    ::shutdown(connection.fd, SHUT_WR);
    std::array<char, 4096> ignored{};
    while (::read(connection.fd, ignored.data(), ignored.size()) > 0) {
    }
  }
  SSL_free(ssl);
  ERR_clear_error();
  const std::lock_guard lock(mutex_);
  connection.finished = true;  // before the number is free for another descriptor
  ::close(connection.fd);
}

bool FakeHttpsServer::ServeOne(SSL* ssl, int fd, std::string& input) {
  std::array<char, 16384> piece{};
  const auto read_more = [&] {
    const int count = SSL_read(ssl, piece.data(), static_cast<int>(piece.size()));
    if (count > 0) input.append(piece.data(), static_cast<std::size_t>(count));
    return count > 0;
  };
  std::size_t end = 0;
  while ((end = input.find("\r\n\r\n")) == std::string::npos)
    if (!read_more()) return false;
  FakeRequest request = ParseHead(std::string_view(input).substr(0, end));
  const auto length = request.headers.find("content-length");
  const std::size_t body = length == request.headers.end() ? 0 : std::stoul(length->second);
  while (input.size() < end + 4 + body)
    if (!read_more()) return false;
  request.body = input.substr(end + 4, body);
  input.erase(0, end + 4 + body);
  FakeReply reply(ssl, fd);
  handler_(request, reply);
  return reply.ok() && reply.sent_anything();
}

}  // namespace seccompd::fakes
