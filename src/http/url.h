// SPDX-License-Identifier: Apache-2.0
#pragma once
// The parts of an origin, and what may stand in a request's head.

#include <string>
#include <string_view>

#include "seccompd/base/result.h"
#include "seccompd/http/transport.h"

namespace seccompd::http {

struct Origin {
  std::string url;        // "https://host:port/prefix", without a trailing slash
  std::string host;       // a DNS name or an IPv4 address
  std::string host_port;  // for messages
  bool host_is_ip = false;
};

Result<Origin> ParseOrigin(const std::string& url);

// kInvalid when a header, the method or the target would let something slip into the request's
// head: cpprestsdk sends them as they are.
Result<void> CheckRequest(const Request& request);

}  // namespace seccompd::http
