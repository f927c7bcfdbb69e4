// SPDX-License-Identifier: Apache-2.0
#pragma once
// The body of a WATCH: one JSON event a line. OnHead and OnBytes run on the I/O thread, the rest
// after the request.

#include <chrono>
#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "seccompd/base/result.h"
#include "seccompd/http/transport.h"
#include "seccompd/kube/reflector.h"

#include "kube/envelope.h"
#include "kube/status.h"

namespace seccompd::kube {

class WatchReader final : public http::BodySink {
 public:
  struct Hooks {
    std::function<void()> on_ok;                       // a 200 came
    std::function<void(std::string_view)> on_version;  // everything up to it was delivered
    std::function<void()> on_bytes;                    // the server lives
  };
  WatchReader(ObjectSink& sink, const ReflectorOptions& options, Hooks hooks);

  void OnHead(const http::ResponseHead& head) override;
  bool OnBytes(std::string_view bytes) override;
  // The body ended as it should: a last line may lack its newline.
  void OnEnd();

  // 0: none came.
  int status() const { return head_.status; }
  std::optional<std::chrono::seconds> retry_after() const { return head_.retry_after; }
  const std::string& error_body() const { return error_body_; }
  // The server ended the watch with this ERROR event or Status body.
  const std::optional<Status>& server_error() const { return server_error_; }
  // An event that cannot be understood or is too long: something may have been missed.
  const std::optional<Error>& fault() const { return fault_; }

 private:
  bool OnLine(std::string_view line);
  bool OnEvent(const Envelope& event, std::string_view line);
  bool Fault(const std::string& what);

  ObjectSink& sink_;
  const std::string& expected_kind_;
  const std::size_t max_line_;
  const Hooks hooks_;
  http::ResponseHead head_;
  std::string error_body_;
  std::string line_;  // what earlier pieces held of it
  std::optional<Status> server_error_;
  std::optional<Error> fault_;
};

}  // namespace seccompd::kube
