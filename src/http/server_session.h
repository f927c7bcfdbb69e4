// SPDX-License-Identifier: Apache-2.0
#pragma once
// One connection of the server: reads one request's header, answers, lets the client read it,
// closes. Everything on the I/O thread. Protocol: boost::asio::ip::tcp or
// boost::asio::local::stream_protocol. Included by server.cc alone.

#include <array>
#include <chrono>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <utility>  // Boost 1.74's asio uses std::exchange without it

#include <boost/beast/core/basic_stream.hpp>
#include <boost/beast/core/flat_static_buffer.hpp>
#include <boost/beast/http.hpp>

#include "seccompd/http/server.h"

namespace seccompd::http {

template <class Protocol>
class ServerSession : public std::enable_shared_from_this<ServerSession<Protocol>> {
 public:
  ServerSession(typename Protocol::socket socket, std::shared_ptr<const ServerHandler> handler)
      : stream_(std::move(socket)), handler_(std::move(handler)) {}

  void Start() {
    parser_.header_limit(kMaxHeader);
    // No body is ever read, so none is too long. (To Boost 1.74 every body is longer than
    // boost::none.)
    parser_.body_limit(std::numeric_limits<std::uint64_t>::max());
    stream_.expires_after(kRequestTime);  // for all of it: never extended
    boost::beast::http::async_read_header(
        stream_, buffer_, parser_,
        [self = this->shared_from_this()](boost::system::error_code error, std::size_t /*count*/) {
          self->OnHeader(error);
        });
  }

  // Ends the connection as it is; handlers that are under way find it closed.
  void Close() {
    closed_ = true;
    stream_.close();
  }
  bool closed() const { return closed_; }

 private:
  static constexpr std::uint32_t kMaxHeader = 8192;
  static constexpr std::size_t kMaxDrain = 65536;
  static constexpr std::chrono::seconds kRequestTime{5};

  void OnHeader(boost::system::error_code error) {
    namespace http = boost::beast::http;
    if (closed_) return;
    if (error == http::error::header_limit || error == http::error::buffer_overflow)
      return Answer({431, "text/plain; charset=utf-8", "the header is too long\n"}, false);
    if (error == http::error::end_of_stream || error == http::error::partial_message ||
        (error && error.category() != http::make_error_code(http::error::bad_method).category()))
      return Close();
    if (error)
      return Answer({400, "text/plain; charset=utf-8", "this is no HTTP request\n"}, false);
    const auto& request = parser_.get();
    const bool head = request.method() == http::verb::head;
    if (!head && request.method() != http::verb::get)
      return Answer({405, "text/plain; charset=utf-8", "only GET and HEAD are answered\n"}, false);
    const auto target = request.target();
    Answer((*handler_)({target.data(), target.size()}), head);
  }

  void Answer(ServerResponse answer, bool head) {
    namespace http = boost::beast::http;
    response_.result(static_cast<unsigned>(answer.status));
    response_.version(11);
    response_.set(http::field::content_type, answer.content_type);
    response_.set(http::field::connection, "close");
    response_.set("X-Content-Type-Options", "nosniff");
    if (answer.status == 405) response_.set(http::field::allow, "GET, HEAD");
    response_.content_length(answer.body.size());
    if (!head) response_.body() = std::move(answer.body);
    http::async_write(
        stream_, response_,
        [self = this->shared_from_this()](boost::system::error_code error, std::size_t /*count*/) {
          self->OnWritten(error);
        });
  }

  // Closing with unread input would make the kernel reset the connection and take the answer away
  // from the client.
  void OnWritten(boost::system::error_code error) {
    if (closed_) return;
    if (error) return Close();
    stream_.socket().shutdown(boost::asio::socket_base::shutdown_send, error);
    Drain();
  }

  void Drain() {
    stream_.async_read_some(
        boost::asio::buffer(drain_),
        [self = this->shared_from_this()](boost::system::error_code error, std::size_t count) {
          if (self->closed_) return;
          self->drained_ += count;
          if (error || self->drained_ > kMaxDrain) return self->Close();
          self->Drain();
        });
  }

  boost::beast::basic_stream<Protocol> stream_;
  std::shared_ptr<const ServerHandler>
      handler_;  // shared: a session may be in flight when its server goes
  boost::beast::flat_static_buffer<kMaxHeader> buffer_;
  boost::beast::http::request_parser<boost::beast::http::empty_body> parser_;
  boost::beast::http::response<boost::beast::http::string_body> response_;
  std::array<char, 2048> drain_{};
  std::size_t drained_ = 0;
  bool closed_ = false;
};

}  // namespace seccompd::http
