// SPDX-License-Identifier: Apache-2.0
#pragma once
// One HTTP request over cpprestsdk, from start to end. Included by client.cc and exchange.cc alone:
// cpprestsdk's headers take 20 s to compile.

#include <utility>  // Boost 1.74's asio uses std::exchange without it

#define _TURN_OFF_PLATFORM_STRING  // NOLINT: cpprestsdk's U() macro breaks other headers
#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include <boost/asio/steady_timer.hpp>
#include <cpprest/http_client.h>

#include "seccompd/base/result.h"
#include "seccompd/http/transport.h"

#include "http/gzip.h"
#include "http/io_thread.h"
#include "http/tls.h"

namespace seccompd::http {

// One request, from start to end. All but Wait() belongs to the I/O thread. The library's tasks and
// the timer share it, since a cancelled request's callbacks may come after its caller has gone:
// after Finish() they find nothing to do.
class Exchange : public std::enable_shared_from_this<Exchange> {
 public:
  Exchange(Request request, BodySink& sink, std::shared_ptr<TlsSettings> tls, std::string host_port)
      : request_(std::move(request)),
        sink_(&sink),
        tls_(std::move(tls)),
        host_port_(std::move(host_port)),
        timer_(IoContext()) {}

  void Start(const std::shared_ptr<web::http::client::http_client>& client);
  void Cancel(Error why) {
    if (finished_) return;
    Finish(std::move(why));
    cancel_.cancel();  // closes the socket here and now
  }
  Result<ResponseHead> Wait() {
    std::unique_lock lock(mutex_);
    done_.wait(lock, [this] { return result_.has_value(); });
    return *result_;
  }

 private:
  void OnHead(const web::http::http_response& response);
  bool OnBytes(std::string_view bytes);
  std::optional<Error> HandOn(std::string_view bytes);
  void OnEnd(const pplx::task<web::http::http_response>& task);
  Error Translate(const web::http::http_exception& exception);
  void Finish(Result<ResponseHead> result);
  void ArmTimer();
  void OnTimer();

  const Request request_;
  BodySink* sink_;
  const std::shared_ptr<TlsSettings>
      tls_;  // its callbacks run as long as the connection's handshake
  const std::string host_port_;
  boost::asio::steady_timer timer_;
  pplx::cancellation_token_source cancel_;
  std::chrono::steady_clock::time_point started_, last_byte_;
  std::optional<ResponseHead> head_;
  std::string early_;  // body that overtook the head
  std::optional<GzipReader> unpacker_;
  bool finished_ = false;

  std::mutex mutex_;  // guards result_
  std::condition_variable done_;
  std::optional<Result<ResponseHead>> result_;
};

}  // namespace seccompd::http
