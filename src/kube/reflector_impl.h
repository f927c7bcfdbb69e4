// SPDX-License-Identifier: Apache-2.0
#pragma once
// The reflector's state machine (reflector.cc) and the two requests it makes
// (reflector_requests.cc).

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>

#include "seccompd/kube/reflector.h"

#include "kube/backoff.h"
#include "kube/list_reader.h"
#include "kube/status.h"
#include "kube/version.h"
#include "kube/watch_reader.h"

namespace seccompd::kube {

class Reflector::Impl {
 public:
  using Duration = std::chrono::milliseconds;
  using TimePoint = std::chrono::steady_clock::time_point;

  Impl(http::Transport& transport, TokenSource& token, const Clock& clock, ObjectSink& sink,
       ReflectorObserver& observer, ReflectorOptions options);

  void Run(const std::stop_token& stop);
  void Relist(std::string_view reason);
  void ObserveServerVersion(std::string_view resource_version, std::string_view known_before);
  TimePoint last_heard() const { return TimePoint(TimePoint::duration(last_heard_.load())); }
  std::string version() const;
  bool connected() const { return connected_; }

 private:
  // How one request ended.
  struct Outcome {
    enum class End {
      kListed,       // a whole list
      kWatchEnded,   // by the server, as it should
      kQuiet,        // the watch fell silent
      kGone,         // 410: our resourceVersion is too old
      kTooNew,       // our resourceVersion is newer than what the server has
      kUnreadable,   // an event was not understood: something may have been missed
      kFailed,       // anything else that asking again may cure
      kInterrupted,  // by Relist or stop
    };
    End end = End::kFailed;
    Error error{ErrorCode::kTransient, ""};
    std::optional<std::chrono::seconds> retry_after = std::nullopt;
    bool lived = false;  // the server served us for a while
  };
  // Which request comes next.
  enum class Plan {
    kWatch,        // from version_
    kListCached,   // resourceVersion=0: whatever the server has at hand
    kListFresh,    // resourceVersion unset: the most recent, in pages
    kListUnpaged,  // the same in one piece: no page can expire
  };

  Duration Judge(const Outcome& outcome);
  void PlanList(Plan plan, std::string_view reason);
  Duration Tell(const Error& error, std::optional<std::chrono::seconds> retry_after);
  void Pause(Duration duration, const std::stop_token& stop);
  bool TakeRelistRequest();

  Outcome Watch(const std::stop_token& stop);
  Outcome List(const std::stop_token& stop);
  Outcome ListPages(const std::stop_token& stop, ListProgress& progress, bool& started);
  void FinishList(const ListReader& page, const ListProgress& progress);
  Outcome Refused(int status, const std::string& body,
                  std::optional<std::chrono::seconds> retry_after);
  Outcome ServerError(int code, const Status& status,
                      std::optional<std::chrono::seconds> retry_after);
  Outcome JudgeWatch(const WatchReader& reader, const Result<http::ResponseHead>& head);
  std::string WatchTarget(TimePoint now);
  std::string ListTarget(const std::string& continue_token) const;
  Result<http::ResponseHead> Ask(http::Request request, http::BodySink& body,
                                 const std::stop_token& stop);
  bool IsInterrupted(const std::stop_token& stop) const;
  void Observe(std::string_view verb, int status) const;
  void OnOk();
  void OnVersion(std::string_view resource_version);
  void Heard() { last_heard_ = clock_.SteadyNow().time_since_epoch().count(); }

  http::Transport& transport_;
  TokenSource& token_;
  const Clock& clock_;
  ObjectSink& sink_;
  ReflectorObserver& observer_;
  const ReflectorOptions options_;

  // Run's thread only.
  Plan plan_;
  Backoff backoff_;
  bool has_list_ = false;  // nobody waits for the next one
  int gone_in_a_row_ = 0;  // 410s since the last watch that worked
  std::string relist_reason_;
  TimePoint relist_at_;
  std::string token_sent_;  // with the newest request

  std::atomic<TimePoint::rep> last_heard_{0};
  std::atomic<bool> connected_{false};

  mutable std::mutex mutex_;  // guards all below
  std::condition_variable_any changed_;
  std::string version_;                          // everything up to it was delivered
  std::optional<std::string> relist_requested_;  // why
  std::stop_source interrupt_;                   // of the request under way
};

}  // namespace seccompd::kube
