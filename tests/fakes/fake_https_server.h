// SPDX-License-Identifier: Apache-2.0
#pragma once
// A real HTTPS server on 127.0.0.1 whose answers a test writes byte by byte if it likes. One thread
// a connection.

#include <atomic>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>

#include "fakes/tls_material.h"

struct ssl_st;
struct ssl_ctx_st;

namespace seccompd::fakes {

struct FakeRequest {
  std::string method;
  std::string target;                          // as it came
  std::string path;                            // without the query
  std::map<std::string, std::string> query;    // decoded
  std::map<std::string, std::string> headers;  // names in lower case
  std::string body;
};

// The way back to the client. Belongs to the handler's thread. After a failed write everything is a
// no-op.
class FakeReply {
 public:
  explicit FakeReply(ssl_st* ssl, int fd) : ssl_(ssl), fd_(fd) {}

  using Headers = std::map<std::string, std::string>;
  // A whole answer, with Content-Length.
  void Send(int status, std::string_view body, Headers headers = {});
  // A chunked answer, piece by piece.
  void Begin(int status, Headers headers = {});
  void Chunk(std::string_view bytes);
  void End();
  // Whatever the test wants on the wire.
  void Raw(std::string_view bytes);
  // Ends the connection here; TLS is not closed properly, as when a server dies.
  void Abort();
  bool ok() const { return !aborted_; }
  // True when the client has gone away; waits at most `milliseconds`.
  bool PeerGone(int milliseconds);
  bool sent_anything() const { return sent_anything_; }

 private:
  ssl_st* const ssl_;
  const int fd_;
  bool aborted_ = false;
  bool sent_anything_ = false;
};

class FakeHttpsServer {
 public:
  // Runs on the connection's own thread; may block as long as the server lives (see stopping()).
  using Handler = std::function<void(const FakeRequest&, FakeReply&)>;
  struct Options {
    Certificate certificate;
    std::string client_ca_pem;  // not empty: a client certificate is demanded
    int port = 0;               // 0: any that is free
  };

  FakeHttpsServer(const Options& options, Handler handler);
  ~FakeHttpsServer();
  FakeHttpsServer(const FakeHttpsServer&) = delete;
  FakeHttpsServer& operator=(const FakeHttpsServer&) = delete;

  int port() const { return port_; }
  std::string origin() const { return "https://127.0.0.1:" + std::to_string(port_); }
  const std::atomic<bool>& stopping() const { return stopping_; }
  int connections() const { return connections_; }
  std::string last_server_name() const;  // SNI of the last handshake
  // Cuts every open connection: the server's death, without its restart.
  void DropConnections();
  // Ends all; called by the destructor too. Whoever blocks in a handler must have been woken.
  void Stop();

 private:
  struct Connection {
    int fd = -1;
    std::jthread thread;
    std::atomic<bool> finished{false};
  };
  void AcceptLoop();
  void Serve(Connection& connection);
  bool ServeOne(ssl_st* ssl, int fd, std::string& input);

  const Handler handler_;
  std::unique_ptr<ssl_ctx_st, void (*)(ssl_ctx_st*)> context_;
  int listener_ = -1;
  int port_ = 0;
  std::atomic<bool> stopping_{false};
  std::atomic<int> connections_{0};
  mutable std::mutex mutex_;  // guards open_ and server_name_
  std::list<Connection> open_;
  std::string server_name_;
  std::jthread acceptor_;
};

// "a%20b+c" -> "a b c".
std::string DecodeQuery(std::string_view text);

}  // namespace seccompd::fakes
