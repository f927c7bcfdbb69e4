// SPDX-License-Identifier: Apache-2.0
#pragma once
// Transport over cpprestsdk: HTTPS, a pinned CA, one I/O thread, prompt cancels. Thread-safe.

#include <memory>
#include <string>

#include "seccompd/base/result.h"
#include "seccompd/http/transport.h"

namespace seccompd::http {

struct TlsOptions {
  std::string ca_pem;           // empty: the system's roots
  std::string certificate_pem;  // client certificate chain and key; both or neither
  std::string private_key_pem;
  std::string server_name;  // verified in place of the URL's host when not empty
  bool insecure_skip_verify = false;
};

// Starts the library's one I/O thread. Call once, before any client or server, after signals are
// blocked and the sandbox is in force.
void StartIoThread();
// True while the I/O thread answered its last heartbeat less than `limit` ago. Any thread.
bool IoThreadAlive(std::chrono::milliseconds limit);

// `origin`: "https://10.0.0.1:443". kInvalid: bad URL, an IPv6 literal (which cpprestsdk cannot
// take), unusable PEM. http:// is refused.
Result<std::unique_ptr<Transport>> MakeClient(const std::string& origin, const TlsOptions& tls);

}  // namespace seccompd::http
