// SPDX-License-Identifier: Apache-2.0
// The reflector's two requests: how they are asked, and what their end means.
#include <algorithm>
#include <utility>

#include "kube/reflector_impl.h"

namespace seccompd::kube {
namespace {

using std::chrono::seconds;

constexpr seconds kHeaderTimeout{30};
// A watch that served us this long was no accident: the next trouble starts with a short pause
// again.
constexpr seconds kLived{5};
// A list that could not be read as a whole is asked for again sooner than the usual relist.
constexpr seconds kIncompleteRelist{600};

// +-10 %.
std::chrono::milliseconds Jittered(Backoff& random, std::chrono::milliseconds duration) {
  return random.Between(duration * 9 / 10, duration * 11 / 10);
}

}  // namespace

Reflector::Impl::Outcome Reflector::Impl::Watch(const std::stop_token& stop) {
  WatchReader reader(sink_, options_,
                     {.on_ok = [this] { OnOk(); },
                      .on_version = [this](std::string_view version) { OnVersion(version); },
                      .on_bytes = [this] { Heard(); }});
  http::Request request;
  const TimePoint begun = clock_.SteadyNow();
  request.target = WatchTarget(begun);
  request.header_timeout = kHeaderTimeout;
  request.idle_timeout = options_.watch_idle;
  request.total_timeout = Duration::zero();
  const auto head = Ask(std::move(request), reader, stop);
  if (head.ok()) reader.OnEnd();
  Observe("watch", reader.status());
  Outcome outcome =
      IsInterrupted(stop) ? Outcome{Outcome::End::kInterrupted} : JudgeWatch(reader, head);
  outcome.lived = reader.status() == 200 && clock_.SteadyNow() - begun >= kLived;
  return outcome;
}

Reflector::Impl::Outcome Reflector::Impl::JudgeWatch(const WatchReader& reader,
                                                     const Result<http::ResponseHead>& head) {
  using End = Outcome::End;
  if (const auto& status = reader.server_error())
    return ServerError(status->code != 0 ? status->code : 500, *status, reader.retry_after());
  if (reader.fault()) return {End::kUnreadable, *reader.fault()};
  if (reader.status() != 0 && reader.status() != 200)
    return Refused(reader.status(), reader.error_body(), reader.retry_after());
  if (head.ok()) return {End::kWatchEnded};
  const auto silence = clock_.SteadyNow() - last_heard();
  if (reader.status() == 200 && silence >= options_.watch_idle * 9 / 10) return {End::kQuiet};
  return {End::kFailed, Wrap(head.error(), "watch " + options_.path)};
}

Reflector::Impl::Outcome Reflector::Impl::List(const std::stop_token& stop) {
  ListProgress progress;
  bool started = false;
  Outcome outcome = ListPages(stop, progress, started);
  if (started && outcome.end != Outcome::End::kListed) sink_.ListAborted();
  return outcome;
}

Reflector::Impl::Outcome Reflector::Impl::ListPages(const std::stop_token& stop,
                                                    ListProgress& progress, bool& started) {
  using End = Outcome::End;
  std::string continue_token;
  for (;;) {
    ListReader page(sink_, options_, progress, [this, &started] {
      OnOk();
      if (!std::exchange(started, true)) sink_.ListStarted();
    });
    http::Request request;
    request.target = ListTarget(continue_token);
    // The server writes a large list in one chunk, which cpprestsdk would hold as a whole;
    // compressed, as client-go asks for it too, it comes in small pieces.
    request.headers.emplace_back("Accept-Encoding", "gzip");
    request.header_timeout = std::max<Duration>(kHeaderTimeout, options_.list_idle);
    request.idle_timeout = options_.list_idle;
    request.total_timeout = Duration::zero();
    const auto head = Ask(std::move(request), page, stop);
    Observe("list", page.status());
    if (IsInterrupted(stop)) return {End::kInterrupted};
    if (page.whole() && page.continue_token().empty()) {
      FinishList(page, progress);
      return {End::kListed};
    }
    if (page.whole()) {
      continue_token = page.continue_token();
      continue;
    }
    if (page.status() != 0 && page.status() != 200)
      return Refused(page.status(), page.error_body(), page.retry_after());
    if (page.fault()) return {End::kFailed, Wrap(*page.fault(), "list " + options_.path)};
    if (!head.ok()) return {End::kFailed, Wrap(head.error(), "list " + options_.path)};
    return {End::kFailed,
            {ErrorCode::kTransient, "list " + options_.path + ": the answer is cut short"}};
  }
}

void Reflector::Impl::FinishList(const ListReader& page, const ListProgress& progress) {
  const bool complete = progress.unreadable == 0;
  const Duration next =
      Jittered(backoff_, complete ? options_.relist_every
                                  : std::min(options_.relist_every, kIncompleteRelist));
  relist_at_ = clock_.SteadyNow() + next;
  sink_.ListFinished(page.resource_version(), complete);
  if (complete) return OnVersion(page.resource_version());
  // Not Progress: not everything was delivered.
  {
    const std::lock_guard lock(mutex_);
    version_ = page.resource_version();
  }
  observer_.Trouble({ErrorCode::kInvalid,
                     "list " + options_.path + ": " + std::to_string(progress.unreadable) +
                         " objects could not be read, the first because " + progress.example},
                    next);
}

Result<http::ResponseHead> Reflector::Impl::Ask(http::Request request, http::BodySink& body,
                                                const std::stop_token& stop) {
  auto token = token_.Token();
  if (!token.ok()) return token.error();
  if (!token->empty()) request.headers.emplace_back("Authorization", "Bearer " + *token);
  token_sent_ = *std::move(token);
  request.headers.emplace_back("Accept", "application/json");
  std::stop_source interrupt;
  {
    const std::lock_guard lock(mutex_);
    if (relist_requested_) return Error{ErrorCode::kTransient, "interrupted"};
    interrupt_ = interrupt;
  }
  const std::stop_callback forward(stop, [&interrupt] { interrupt.request_stop(); });
  return transport_.Stream(request, body, interrupt.get_token());
}

bool Reflector::Impl::IsInterrupted(const std::stop_token& stop) const {
  if (stop.stop_requested()) return true;
  const std::lock_guard lock(mutex_);
  return relist_requested_.has_value();
}

void Reflector::Impl::Observe(std::string_view verb, int status) const {
  if (options_.request_observer) options_.request_observer(verb, status);
}

Reflector::Impl::Outcome Reflector::Impl::Refused(int status, const std::string& body,
                                                  std::optional<seconds> retry_after) {
  return ServerError(status, StatusOrText(body), retry_after);
}

Reflector::Impl::Outcome Reflector::Impl::ServerError(int code, const Status& status,
                                                      std::optional<seconds> retry_after) {
  using End = Outcome::End;
  Error error = Wrap(StatusError(code, status), options_.path);
  if (status.resource_version_too_large) return {End::kTooNew, error};
  if (code == 410) return {End::kGone, error};
  if (code == 401) token_.Refused(token_sent_);
  if (code == 404)
    error.message =
        "the " + options_.expected_kind + " CRD is not installed (" + error.message + ")";
  return {End::kFailed, error, retry_after ? retry_after : status.retry_after};
}

std::string Reflector::Impl::WatchTarget(TimePoint now) {
  const auto until_relist = std::chrono::duration_cast<seconds>(relist_at_ - now) + seconds(1);
  const auto drawn =
      std::chrono::duration_cast<seconds>(backoff_.Between(options_.watch_min, options_.watch_max));
  const auto timeout = std::max(seconds(1), std::min(drawn, until_relist));
  return options_.path +
         "?watch=true&allowWatchBookmarks=true&timeoutSeconds=" + std::to_string(timeout.count()) +
         "&resourceVersion=" + EscapePath(version());
}

std::string Reflector::Impl::ListTarget(const std::string& continue_token) const {
  if (!continue_token.empty())
    return options_.path + "?limit=500&continue=" + EscapePath(continue_token);
  switch (plan_) {
    case Plan::kListUnpaged:
      return options_.path;
    case Plan::kListFresh:
      return options_.path + "?limit=500";
    case Plan::kWatch:
    case Plan::kListCached:
      break;
  }
  return options_.path + "?limit=500&resourceVersion=0";
}

}  // namespace seccompd::kube
