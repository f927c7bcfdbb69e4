// SPDX-License-Identifier: Apache-2.0
#include "http/exchange.h"

#include <algorithm>
#include <charconv>
#include <exception>
#include <utility>

#include "http/body_stream.h"

namespace seccompd::http {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;
using web::http::http_exception;
using web::http::http_request;
using web::http::http_response;

constexpr std::chrono::hours kMaxRetryAfter{1};

std::string Seconds(milliseconds duration) {
  const auto count = duration.count();
  if (count % 1000 == 0) return std::to_string(count / 1000) + " s";
  return std::to_string(count) + " ms";
}

ResponseHead HeadOf(const http_response& response) {
  ResponseHead head;
  head.status = response.status_code();
  const auto& headers = response.headers();
  if (const auto type = headers.find("Content-Type"); type != headers.end())
    head.content_type = type->second;
  if (const auto after = headers.find("Retry-After"); after != headers.end()) {
    // A date, which HTTP allows too, is not sent by an API server.
    std::int64_t seconds = 0;
    const std::string& text = after->second;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), seconds);
    if (error == std::errc() && end == text.data() + text.size() && seconds >= 0)
      head.retry_after =
          std::min<std::chrono::seconds>(std::chrono::seconds(seconds), kMaxRetryAfter);
  }
  return head;
}

http_request BuildRequest(const Request& request) {
  http_request built(request.method);
  built.set_request_uri(request.target);
  std::string content_type = "application/json";
  for (const auto& [name, value] : request.headers) {
    if (name == "Content-Type") {
      content_type = value;
    } else {
      built.headers().add(name, value);
    }
  }
  if (!request.body.empty()) built.set_body(request.body, content_type);
  return built;
}

}  // namespace

void Exchange::Start(const std::shared_ptr<web::http::client::http_client>& client) {
  if (finished_) return;
  started_ = last_byte_ = steady_clock::now();
  ArmTimer();
  const auto self = shared_from_this();
  tls_->TakeFailure();
  try {
    http_request request = BuildRequest(request_);
    request.set_response_stream(concurrency::streams::ostream(
        concurrency::streams::streambuf<std::uint8_t>(std::make_shared<BodyStream>(
            [self](std::string_view bytes) { return self->OnBytes(bytes); }))));
    client->request(request, cancel_.get_token())
        .then([self](const http_response& response) {
          self->OnHead(response);
          return response.content_ready();
        })
        .then([self](const pplx::task<http_response>& task) { self->OnEnd(task); });
  } catch (
      const std::exception& exception) {  // web::uri_exception, http_exception, std::system_error
    Finish(Error{ErrorCode::kInvalid, host_port_ + ": " + exception.what()});
  }
}

void Exchange::OnHead(const http_response& response) {
  if (finished_) return;
  last_byte_ = steady_clock::now();
  head_ = HeadOf(response);
  ArmTimer();
  if (const auto encoding = response.headers().find("Content-Encoding");
      encoding != response.headers().end() && encoding->second != "identity") {
    if (encoding->second != "gzip")
      return Cancel(
          {ErrorCode::kInvalid, host_port_ + ": the answer is compressed as it was not asked for"});
    unpacker_.emplace();
  }
  sink_->OnHead(*head_);
  if (early_.empty()) return;
  if (auto refused = HandOn(std::exchange(early_, {}))) Cancel(std::move(*refused));
}

bool Exchange::OnBytes(std::string_view bytes) {
  if (finished_) return false;
  last_byte_ = steady_clock::now();
  if (!head_) {
    early_.append(bytes);
    return true;
  }
  auto refused = HandOn(bytes);
  if (!refused) return true;
  Finish(std::move(*refused));  // false makes the library close the connection
  return false;
}

std::optional<Error> Exchange::HandOn(std::string_view bytes) {
  bool taken = true;
  const auto hand_on = [this, &taken](std::string_view piece) {
    return taken = sink_->OnBytes(piece);
  };
  if (unpacker_ ? unpacker_->Feed(bytes, hand_on) : hand_on(bytes)) return std::nullopt;
  if (!taken) return Error{ErrorCode::kInvalid, "the answer's body was not taken"};
  return Error{ErrorCode::kTransient, host_port_ + ": the answer's gzip is broken"};
}

void Exchange::OnEnd(const pplx::task<http_response>& task) {
  try {
    task.get();
    if (unpacker_ && unpacker_->unfinished())
      return Finish(Error{ErrorCode::kTransient, host_port_ + ": the answer's gzip is cut short"});
    if (head_) return Finish(*head_);
    Finish(Error{ErrorCode::kTransient, host_port_ + ": no answer"});
  } catch (const http_exception& exception) {
    Finish(Translate(exception));
  } catch (const std::exception& exception) {  // pplx::task_canceled, what a stream reported
    Finish(Error{ErrorCode::kTransient, host_port_ + ": " + exception.what()});
  }
}

Error Exchange::Translate(const http_exception& exception) {
  if (std::string failure = tls_->TakeFailure(); !failure.empty() && !head_)
    return {ErrorCode::kDenied,
            "TLS with " + host_port_ + ": certificate verify failed: " + failure};
  const int value = exception.error_code().value();
  if (value > 0xFFFFFF) return TlsError(static_cast<unsigned>(value), host_port_);
  std::string text = exception.what();
  // The library reports every failed connect as "No route to host", whatever the reason was.
  if (text.starts_with("Failed to connect"))
    return {ErrorCode::kTransient, host_port_ + ": cannot connect: refused or unreachable"};
  if (value != 0) {
    if (const std::string reason = exception.error_code().message();
        text.find(reason) == std::string::npos)
      text += " (" + reason + ")";
  }
  return {ErrorCode::kTransient, host_port_ + ": " + text};
}

// The first result counts. The sink is not touched afterwards: its owner may go as soon as Wait()
// returns.
void Exchange::Finish(Result<ResponseHead> result) {
  if (std::exchange(finished_, true)) return;
  sink_ = nullptr;
  timer_.cancel();
  const std::lock_guard lock(mutex_);
  result_.emplace(std::move(result));
  done_.notify_all();
}

// One timer for three deadlines. A byte does not move it: when it fires it looks how long the
// silence really was.
void Exchange::ArmTimer() {
  auto next = head_ ? last_byte_ + request_.idle_timeout : started_ + request_.header_timeout;
  if (request_.total_timeout.count() > 0) next = std::min(next, started_ + request_.total_timeout);
  timer_.expires_at(next);
  timer_.async_wait([self = shared_from_this()](const boost::system::error_code& error) {
    if (!error) self->OnTimer();
  });
}

void Exchange::OnTimer() {
  const auto now = steady_clock::now();
  const auto transient = [this](const std::string& what) {
    return Error{ErrorCode::kTransient, host_port_ + ": " + what};
  };
  if (finished_) return;
  if (request_.total_timeout.count() > 0 && now >= started_ + request_.total_timeout) {
    Cancel(transient("the request took longer than " + Seconds(request_.total_timeout)));
  } else if (!head_ && now >= started_ + request_.header_timeout) {
    Cancel(transient("no answer within " + Seconds(request_.header_timeout)));
  } else if (head_ && now >= last_byte_ + request_.idle_timeout) {
    Cancel(transient("silent for " + Seconds(request_.idle_timeout)));
  } else {
    ArmTimer();
  }
}

}  // namespace seccompd::http
