// SPDX-License-Identifier: Apache-2.0
// The one user of cpprestsdk's HTTP client, with exchange.cc. Everything that touches the library
// runs on the I/O thread: requests are started there, cancelled there and end there.
#include "seccompd/http/client.h"

#include <netinet/tcp.h>

#include <exception>
#include <memory>
#include <utility>

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl.hpp>

#include "http/exchange.h"
#include "http/io_thread.h"
#include "http/tls.h"
#include "http/url.h"

namespace seccompd::http {
namespace {

using web::http::client::http_client;
using web::http::client::http_client_config;

constexpr std::size_t kMaxBody = std::size_t{4} << 20;

class CollectBody final : public BodySink {
 public:
  void OnHead(const ResponseHead& /*head*/) override {}
  bool OnBytes(std::string_view bytes) override {
    too_long_ = body_.size() + bytes.size() > kMaxBody;
    if (!too_long_) body_.append(bytes);
    return !too_long_;
  }
  bool too_long() const { return too_long_; }
  std::string Take() { return std::move(body_); }

 private:
  std::string body_;
  bool too_long_ = false;
};

// Called before the first connect with a socket that is not open yet, so its options would be lost:
// open it here. (For the second address of a name the library makes another, and does not call.) A
// name's address family is not known before it is resolved, so such a connection goes without
// keepalive until it is reused.
void PrepareSocket(const Origin& origin, web::http::client::native_handle handle) {
  auto* stream = static_cast<boost::asio::ssl::stream<boost::asio::ip::tcp::socket&>*>(handle);
  auto& socket = stream->lowest_layer();
  boost::system::error_code ignored;
  if (!socket.is_open() && origin.host_is_ip) socket.open(boost::asio::ip::tcp::v4(), ignored);
  if (!socket.is_open()) return;
  socket.set_option(boost::asio::ip::tcp::no_delay(true), ignored);
  socket.set_option(boost::asio::socket_base::keep_alive(true), ignored);
  struct Option {
    int name;
    int value;
  };
  for (const Option option : {Option{TCP_KEEPIDLE, 30}, Option{TCP_KEEPINTVL, 10},
                              Option{TCP_KEEPCNT, 3}, Option{TCP_USER_TIMEOUT, 60000}})
    setsockopt(socket.native_handle(), IPPROTO_TCP, option.name, &option.value,
               sizeof option.value);
}

http_client_config MakeConfig(const Origin& origin, const std::shared_ptr<TlsSettings>& tls) {
  http_client_config config;
  config.set_timeout(
      std::chrono::hours(24));  // per step; the exchange's own timer is always sooner
  config.set_max_redirects(0);  // the default would send the token to wherever it is pointed
  config.set_validate_certificates(tls->verifies());
  config.set_tlsext_sni_enabled(
      false);  // it would ask for the URL's host; TlsSettings asks for the right name
  config.set_ssl_context_callback(
      [tls](boost::asio::ssl::context& context) { tls->Apply(context.native_handle()); });
  config.set_nativehandle_options(
      [origin](web::http::client::native_handle handle) { PrepareSocket(origin, handle); });
  return config;
}

class Client final : public Transport {
 public:
  Client(const Origin& origin, std::shared_ptr<TlsSettings> tls,
         std::shared_ptr<http_client> client)
      : host_port_(origin.host_port), tls_(std::move(tls)), client_(std::move(client)) {}
  // The library's client is destroyed where its timers and sockets live.
  ~Client() override {
    IoContext().post([client = std::move(client_)]() mutable { client.reset(); });
  }

  Result<Response> Do(const Request& request, std::stop_token stop) override {
    CollectBody collect;
    auto head = Stream(request, collect, std::move(stop));
    if (collect.too_long())
      return Error{ErrorCode::kInvalid, host_port_ + ": the answer is longer than 4 MiB"};
    if (!head.ok()) return head.error();
    return Response{*head, collect.Take()};
  }

  Result<ResponseHead> Stream(const Request& request, BodySink& sink,
                              std::stop_token stop) override {
    if (auto checked = CheckRequest(request); !checked.ok()) return checked.error();
    if (stop.stop_requested()) return Cancelled();
    const auto exchange = std::make_shared<Exchange>(request, sink, tls_, host_port_);
    IoContext().post([exchange, client = client_] { exchange->Start(client); });
    const std::stop_callback on_stop(
        stop, [exchange] { IoContext().post([exchange] { exchange->Cancel(Cancelled()); }); });
    return exchange->Wait();
  }

 private:
  static Error Cancelled() { return {ErrorCode::kTransient, "cancelled"}; }

  const std::string host_port_;
  const std::shared_ptr<TlsSettings> tls_;
  std::shared_ptr<http_client> client_;  // shared with requests on their way to the I/O thread
};

}  // namespace

Result<std::unique_ptr<Transport>> MakeClient(const std::string& origin, const TlsOptions& tls) {
  auto parsed = ParseOrigin(origin);
  if (!parsed.ok()) return parsed.error();
  auto settings = TlsSettings::Parse(tls, *parsed);
  if (!settings.ok()) return settings.error();
  try {
    auto client = std::make_shared<http_client>(parsed->url, MakeConfig(*parsed, *settings));
    return std::unique_ptr<Transport>(
        std::make_unique<Client>(*parsed, std::move(*settings), std::move(client)));
  } catch (const std::exception& exception) {  // web::uri_exception, std::invalid_argument
    return Error{ErrorCode::kInvalid, "\"" + origin + "\": " + exception.what()};
  }
}

}  // namespace seccompd::http
