// SPDX-License-Identifier: Apache-2.0
#include "seccompd/http/server.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <condition_variable>
#include <cstdint>
#include <list>
#include <mutex>
#include <utility>  // Boost 1.74's asio uses std::exchange without it

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ip/v6_only.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/steady_timer.hpp>

#include "http/io_thread.h"
#include "http/server_session.h"

namespace seccompd::http {
namespace {

using boost::asio::ip::tcp;
using boost::asio::local::stream_protocol;
using boost::system::error_code;

constexpr std::size_t kMaxSessions = 32;
constexpr std::chrono::milliseconds kAcceptBackoff{200};

Error SystemError(const error_code& error, const std::string& what) {
  return ErrnoError(error.value(), what);
}

// Accepts connections. Lives on the I/O thread; shared with its own pending handlers.
template <class Protocol>
class Listener : public std::enable_shared_from_this<Listener<Protocol>> {
 public:
  Listener(typename Protocol::acceptor acceptor, ServerHandler handler)
      : acceptor_(std::move(acceptor)),
        backoff_(IoContext()),
        handler_(std::make_shared<const ServerHandler>(std::move(handler))) {}

  void Accept() {
    acceptor_.async_accept(
        [self = this->shared_from_this()](error_code error, typename Protocol::socket socket) {
          self->OnAccept(error, std::move(socket));
        });
  }

  void Close() {
    closed_ = true;
    error_code ignored;
    acceptor_.close(ignored);
    backoff_.cancel();
    for (const auto& session : sessions_)
      if (const auto open = session.lock()) open->Close();
    sessions_.clear();
  }

 private:
  using Session = ServerSession<Protocol>;

  void OnAccept(error_code error, typename Protocol::socket socket) {
    if (closed_) return;
    if (error) {
      // No descriptor or no memory left: the listener stays readable, so asking again at once would
      // spin.
      backoff_.expires_after(kAcceptBackoff);
      backoff_.async_wait([self = this->shared_from_this()](error_code cancelled) {
        if (!cancelled && !self->closed_) self->Accept();
      });
      return;
    }
    MakeRoom();
    const auto session = std::make_shared<Session>(std::move(socket), handler_);
    sessions_.push_back(session);
    session->Start();
    Accept();
  }

  // An honest client is served within milliseconds, so the oldest connection is the one that
  // dawdles.
  void MakeRoom() {
    std::erase_if(sessions_, [](const std::weak_ptr<Session>& session) {
      const auto open = session.lock();
      return !open || open->closed();
    });
    if (sessions_.size() < kMaxSessions) return;
    if (const auto oldest = sessions_.front().lock()) oldest->Close();
    sessions_.pop_front();
  }

  typename Protocol::acceptor acceptor_;
  boost::asio::steady_timer backoff_;
  std::shared_ptr<const ServerHandler> handler_;  // shared with sessions in flight
  std::list<std::weak_ptr<Session>> sessions_;    // oldest first
  bool closed_ = false;
};

// The caller's end of a Listener.
template <class Protocol>
class ServerOf final : public Server {
 public:
  ServerOf(typename Protocol::acceptor acceptor, ServerHandler handler, int port)
      : port_(port),
        listener_(std::make_shared<Listener<Protocol>>(std::move(acceptor), std::move(handler))) {
    IoContext().post([listener = listener_] { listener->Accept(); });
  }
  ~ServerOf() override {
    std::mutex mutex;
    std::condition_variable changed;
    bool closed = false;  // guarded by mutex
    IoContext().post([&] {
      listener_->Close();
      const std::lock_guard lock(mutex);
      closed = true;
      changed.notify_one();
    });
    std::unique_lock lock(mutex);
    changed.wait(lock, [&closed] { return closed; });
  }
  int port() const override { return port_; }

 private:
  const int port_;
  std::shared_ptr<Listener<Protocol>> listener_;
};

Result<std::pair<std::string, std::uint16_t>> SplitAddress(const std::string& address) {
  const Error bad{
      ErrorCode::kInvalid,
      "\"" + address + "\" is no address to listen on: give ADDRESS:PORT, [IPV6]:PORT or :PORT"};
  const std::size_t colon = address.rfind(':');
  if (colon == std::string::npos) return bad;
  std::string host = address.substr(0, colon);
  const std::string port_text = address.substr(colon + 1);
  std::uint16_t port = 0;
  const char* last = port_text.data() + port_text.size();
  const auto [end, error] = std::from_chars(port_text.data(), last, port);
  if (error != std::errc() || end != last) return bad;
  if (host.starts_with('[') && host.ends_with(']')) {
    host = host.substr(1, host.size() - 2);
    if (host.find(':') == std::string::npos) return bad;
  } else if (host.find(':') != std::string::npos) {
    return bad;
  }
  error_code unparsable;
  if (!host.empty()) boost::asio::ip::make_address(host, unparsable);
  if (unparsable) return bad;
  return std::make_pair(host, port);
}

error_code Listen(tcp::acceptor& acceptor, const tcp::endpoint& endpoint, bool dual_stack) {
  error_code error;
  acceptor.open(endpoint.protocol(), error);
  if (error) return error;
  acceptor.set_option(tcp::acceptor::reuse_address(true), error);
  if (!error && endpoint.protocol() == tcp::v6())
    acceptor.set_option(boost::asio::ip::v6_only(!dual_stack), error);
  if (!error) acceptor.bind(endpoint, error);
  if (!error) acceptor.listen(boost::asio::socket_base::max_listen_connections, error);
  error_code ignored;
  if (error) acceptor.close(ignored);
  return error;
}

}  // namespace

Result<std::unique_ptr<Server>> Server::ListenTcp(const std::string& address,
                                                  ServerHandler handler) {
  auto split = SplitAddress(address);
  if (!split.ok()) return split.error();
  const auto& [host, port] = *split;
  tcp::acceptor acceptor(IoContext());
  error_code error;
  if (!host.empty()) {
    error = Listen(acceptor, {boost::asio::ip::make_address(host, error), port}, false);
  } else {
    error = Listen(acceptor, {tcp::v6(), port}, true);
    // A host without IPv6.
    if (error.value() == EAFNOSUPPORT || error.value() == EADDRNOTAVAIL)
      error = Listen(acceptor, {tcp::v4(), port}, false);
  }
  if (error) return SystemError(error, "listen on " + address);
  const int bound = acceptor.local_endpoint(error).port();
  if (error) return SystemError(error, "listen on " + address);
  return std::unique_ptr<Server>(
      std::make_unique<ServerOf<tcp>>(std::move(acceptor), std::move(handler), bound));
}

Result<std::unique_ptr<Server>> Server::ListenUnix(const std::string& path, ServerHandler handler) {
  const std::string what = "listen on " + path;
  if (path.empty() || path.size() > 107)
    return Error{ErrorCode::kInvalid, what + ": a socket's path has 1 to 107 characters"};
  struct stat status {};
  if (::lstat(path.c_str(), &status) == 0) {
    if (!S_ISSOCK(status.st_mode))
      return Error{ErrorCode::kInvalid, what + ": there is something else in its place"};
    if (::unlink(path.c_str()) != 0) return ErrnoError(errno, what);
  }
  stream_protocol::acceptor acceptor(IoContext());
  error_code error;
  acceptor.open(stream_protocol(), error);
  // Linux gives the name the mode of the descriptor, so there is no moment at which others may
  // connect.
  if (!error && ::fchmod(acceptor.native_handle(), 0600) != 0)
    error.assign(errno, boost::system::system_category());
  if (!error) acceptor.bind(stream_protocol::endpoint(path), error);
  if (!error) acceptor.listen(boost::asio::socket_base::max_listen_connections, error);
  if (error) return SystemError(error, what);
  return std::unique_ptr<Server>(
      std::make_unique<ServerOf<stream_protocol>>(std::move(acceptor), std::move(handler), 0));
}

}  // namespace seccompd::http
