// SPDX-License-Identifier: Apache-2.0
#pragma once
// Single requests to the API server: token, Status bodies, error codes. Thread-safe.

#include <functional>
#include <memory>
#include <stop_token>
#include <string>
#include <string_view>

#include "seccompd/base/result.h"
#include "seccompd/http/transport.h"
#include "seccompd/kube/credentials.h"

namespace seccompd::kube {

// Called after each request, for metrics. code: HTTP status, 0 for none. Thread-safe.
using RequestObserver = std::function<void(std::string_view verb, int code)>;

class ApiClient {
 public:
  ApiClient(http::Transport& transport, TokenSource& token, RequestObserver observer = {});

  // The answer's body on 2xx, checked to be a JSON object whose kind is not Status. Otherwise an
  // Error, whose message says what the server said and what to do (401: the credentials; 403: which
  // right is missing): 404 for this very object kNotFound, for a resource that is not served
  // kTransient; 409, 410 kConflict; 429, 5xx and the network kTransient; 401, 403 kDenied; 400, 422
  // kInvalid.
  Result<std::string> Get(const std::string& path, std::stop_token stop);
  // Only its metadata, where the server can (1.15 and newer): a Node's status is long.
  Result<std::string> GetMetadata(const std::string& path, std::stop_token stop);
  // Server-side apply as `field_manager`, force=true.
  Result<std::string> Apply(const std::string& path, const std::string& json,
                            const std::string& field_manager, std::stop_token stop);
  Result<std::string> Create(const std::string& path, const std::string& json,
                             std::stop_token stop);
  Result<std::string> Update(const std::string& path, const std::string& json,
                             std::stop_token stop);

 private:
  Result<std::string> Send(http::Request request, std::string_view verb, std::stop_token stop);
  http::Transport& transport_;
  TokenSource& token_;
  RequestObserver observer_;
};

// Escapes one path component ("a b" -> "a%20b").
std::string EscapePath(std::string_view component);

}  // namespace seccompd::kube
