// SPDX-License-Identifier: Apache-2.0
#pragma once
// The API server's way of saying no (metav1.Status), turned into an Error.

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "seccompd/base/result.h"

namespace seccompd::kube {

struct Status {
  int code = 0;
  std::string reason;
  std::string message;           // cleaned: printable, at most 512 characters
  bool names_an_object = false;  // details.name: this very object is meant, not its whole resource
  bool resource_version_too_large = false;
  std::optional<std::chrono::seconds> retry_after;
};

// Nothing when the body is no Status object.
std::optional<Status> ParseStatus(std::string_view body);

// As ParseStatus; a body that is none (a proxy's page, the API server's few plain texts) becomes
// the message.
Status StatusOrText(std::string_view body);

// `http_code` and the answer's body as an Error that says what the server said and what to do about
// it.
Error StatusError(int http_code, std::string_view body);
Error StatusError(int http_code, const Status& status);

}  // namespace seccompd::kube
