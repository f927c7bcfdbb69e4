// SPDX-License-Identifier: Apache-2.0
#pragma once
// One HTTP exchange with one server, over TLS. The seam between the API protocol (kube) and the
// HTTP library. Implementations are thread-safe. Calls block; never call from the I/O thread.

#include <chrono>
#include <cstdint>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "seccompd/base/result.h"

namespace seccompd::http {

struct Request {
  std::string method = "GET";
  std::string target;  // path and encoded query: "/api/v1/nodes?limit=1"
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;
  // Without a byte for this long, the exchange ends (kTransient).
  std::chrono::milliseconds idle_timeout = std::chrono::seconds(15);
  // For the status line and headers.
  std::chrono::milliseconds header_timeout = std::chrono::seconds(15);
  // For the whole exchange; 0: none.
  std::chrono::milliseconds total_timeout = std::chrono::seconds(30);
};

struct ResponseHead {
  int status = 0;
  std::string content_type;
  std::optional<std::chrono::seconds> retry_after;
};

struct Response {
  ResponseHead head;
  std::string body;  // at most 4 MiB; a longer one is kInvalid
};

// Receives a body as it comes, on the I/O thread: must not block, must not throw.
class BodySink {
 public:
  virtual ~BodySink() = default;
  // Before the first byte of the body.
  virtual void OnHead(const ResponseHead& head) = 0;
  // False ends the exchange (kInvalid from Stream).
  virtual bool OnBytes(std::string_view bytes) = 0;
};

class Transport {
 public:
  virtual ~Transport() = default;
  // ok whatever the status: reading it is the caller's part. kTransient: connection, timeout, cut
  // body, cancelled. kDenied: TLS (wrong CA, wrong name, refused client certificate): the message
  // says which.
  virtual Result<Response> Do(const Request& request, std::stop_token stop) = 0;
  // As Do, but the body goes to the sink. ok only when the body ended as HTTP says it should.
  virtual Result<ResponseHead> Stream(const Request& request, BodySink& sink,
                                      std::stop_token stop) = 0;
};

}  // namespace seccompd::http
