// SPDX-License-Identifier: Apache-2.0
#include "seccompd/kube/reflector.h"

#include <algorithm>
#include <utility>

#include "kube/reflector_impl.h"

namespace seccompd::kube {

Reflector::Impl::Impl(http::Transport& transport, TokenSource& token, const Clock& clock,
                      ObjectSink& sink, ReflectorObserver& observer, ReflectorOptions options)
    : transport_(transport),
      token_(token),
      clock_(clock),
      sink_(sink),
      observer_(observer),
      options_(std::move(options)),
      plan_(options_.resource_version.empty() ? Plan::kListCached : Plan::kWatch),
      backoff_(options_.backoff_min, options_.backoff_max),
      has_list_(options_.jitter_first_list) {
  const auto now = clock_.SteadyNow();
  version_ = options_.resource_version;
  relist_at_ = now + options_.relist_every;
  Heard();
}

// The whole machine: make the planned request, judge how it ended (which changes the plan), wait.
void Reflector::Impl::Run(const std::stop_token& stop) {
  if (plan_ == Plan::kListCached && has_list_)
    Pause(backoff_.Between({}, options_.list_spread), stop);
  while (!stop.stop_requested()) {
    if (TakeRelistRequest()) {
      PlanList(Plan::kListFresh, relist_reason_);
    } else if (plan_ == Plan::kWatch && clock_.SteadyNow() >= relist_at_) {
      PlanList(Plan::kListCached, "the regular relist is due");
    }
    const Outcome outcome = plan_ == Plan::kWatch ? Watch(stop) : List(stop);
    if (stop.stop_requested()) return;
    Pause(Judge(outcome), stop);
  }
}

Reflector::Impl::Duration Reflector::Impl::Judge(const Outcome& outcome) {
  using End = Outcome::End;
  if (outcome.lived) {
    backoff_.Reset();
    gone_in_a_row_ = 0;
  }
  switch (outcome.end) {
    case End::kListed:
      plan_ = Plan::kWatch;
      has_list_ = true;
      return Duration::zero();
    case End::kWatchEnded:
      // At once; a short pause when the server ends each watch as soon as it began.
      return outcome.lived ? Duration::zero()
                           : backoff_.Between(options_.backoff_min / 2, options_.backoff_min);
    case End::kQuiet:
    case End::kInterrupted:
      return Duration::zero();
    case End::kGone:
      if (plan_ != Plan::kWatch || ++gone_in_a_row_ > 1) {
        PlanList(Plan::kListUnpaged, outcome.error.message);
        return backoff_.Next();
      }
      PlanList(Plan::kListCached, outcome.error.message);
      return has_list_ ? backoff_.Between(Duration::zero(), options_.list_spread)
                       : Duration::zero();
    case End::kTooNew:
      PlanList(Plan::kListFresh, outcome.error.message);
      return backoff_.Next();
    case End::kUnreadable:
      PlanList(Plan::kListFresh, outcome.error.message);
      return Tell(outcome.error, outcome.retry_after);
    case End::kFailed:
      return Tell(outcome.error, outcome.retry_after);
  }
  return Duration::zero();
}

void Reflector::Impl::PlanList(Plan plan, std::string_view reason) {
  plan_ = plan;
  observer_.Relisting(reason);
}

Reflector::Impl::Duration Reflector::Impl::Tell(const Error& error,
                                                std::optional<std::chrono::seconds> retry_after) {
  Duration pause = backoff_.Next();
  if (retry_after)
    pause += *retry_after;  // and jitter, or all nodes would be back in the same instant
  connected_ = false;
  observer_.Trouble(error, pause);
  return pause;
}

void Reflector::Impl::Pause(Duration duration, const std::stop_token& stop) {
  if (duration <= Duration::zero()) return;
  std::unique_lock lock(mutex_);
  changed_.wait_for(lock, stop, duration, [this] { return relist_requested_.has_value(); });
}

bool Reflector::Impl::TakeRelistRequest() {
  const std::lock_guard lock(mutex_);
  if (!relist_requested_) return false;
  relist_reason_ = *std::exchange(relist_requested_, std::nullopt);
  return true;
}

void Reflector::Impl::Relist(std::string_view reason) {
  std::unique_lock lock(mutex_);
  relist_requested_ = reason;
  version_.clear();
  changed_.notify_all();
  std::stop_source interrupt = interrupt_;
  lock.unlock();
  interrupt.request_stop();
}

void Reflector::Impl::ObserveServerVersion(std::string_view resource_version,
                                           std::string_view known_before) {
  if (!IsOlderVersion(resource_version, known_before)) return;
  Relist("the API server went back in time: it is at resourceVersion " +
         std::string(resource_version) + ", behind " + std::string(known_before) +
         ", which we had seen before");
}

std::string Reflector::Impl::version() const {
  const std::lock_guard lock(mutex_);
  return version_;
}

// On the I/O thread, while Run's thread waits for the request.
void Reflector::Impl::OnOk() {
  Heard();
  if (!connected_.exchange(true)) observer_.Connected();
}

void Reflector::Impl::OnVersion(std::string_view resource_version) {
  {
    const std::lock_guard lock(mutex_);
    version_ = resource_version;
  }
  sink_.Progress(resource_version);
}

Reflector::Reflector(http::Transport& transport, TokenSource& token, const Clock& clock,
                     ObjectSink& sink, ReflectorObserver& observer, ReflectorOptions options)
    : impl_(std::make_unique<Impl>(transport, token, clock, sink, observer, std::move(options))) {}
Reflector::~Reflector() = default;
// NOLINTNEXTLINE(performance-unnecessary-value-param): as std::jthread hands it on
void Reflector::Run(std::stop_token stop) { impl_->Run(stop); }
void Reflector::Relist(std::string_view reason) { impl_->Relist(reason); }
void Reflector::ObserveServerVersion(std::string_view resource_version,
                                     std::string_view known_before) {
  impl_->ObserveServerVersion(resource_version, known_before);
}
std::string Reflector::version() const { return impl_->version(); }
std::chrono::steady_clock::time_point Reflector::last_heard() const { return impl_->last_heard(); }
bool Reflector::connected() const { return impl_->connected(); }

}  // namespace seccompd::kube
