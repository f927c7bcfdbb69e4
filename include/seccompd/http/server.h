// SPDX-License-Identifier: Apache-2.0
#pragma once
// A small GET-only HTTP server for health, metrics and state, on the I/O thread (Boost.Beast).
// Bounded: 8 KiB of header, no body, 5 s a request, 32 connections. Made to stand hostile clients;
// it is no general web server.

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "seccompd/base/result.h"

namespace seccompd::http {

struct ServerResponse {
  int status = 200;
  std::string content_type = "text/plain; charset=utf-8";
  std::string body;
};

// target: path with its query, e.g. "/readyz?verbose". Runs on the I/O thread: must be quick, must
// not throw.
using ServerHandler = std::function<ServerResponse(std::string_view target)>;

class Server {
 public:
  // address: "127.0.0.1:9798", ":9797" (all IPv4 and IPv6 addresses), "[::1]:1234", port 0: any
  // free one.
  static Result<std::unique_ptr<Server>> ListenTcp(const std::string& address,
                                                   ServerHandler handler);
  // A Unix socket, mode 0600; a stale one in its place is replaced.
  static Result<std::unique_ptr<Server>> ListenUnix(const std::string& path, ServerHandler handler);
  // Stops listening and ends open connections; returns when no handler runs any more.
  virtual ~Server() = default;
  virtual int port() const = 0;  // 0 for a Unix socket
};

}  // namespace seccompd::http
