// SPDX-License-Identifier: Apache-2.0
#pragma once
// The only writer to the API: this node's NodeSeccompState, its Lease and Events about it. Nothing
// is written when nothing changed; report_pace.h says how soon a change is told. Run() blocks its
// own thread; Notify() may come from any.

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <map>
#include <mutex>
#include <stop_token>
#include <string>

#include "seccompd/agent/health.h"
#include "seccompd/agent/log.h"
#include "seccompd/agent/node_events.h"
#include "seccompd/agent/object_source.h"
#include "seccompd/agent/report_pace.h"
#include "seccompd/agent/status.h"
#include "seccompd/kube/api_client.h"

namespace seccompd::agent {

struct ReporterOptions {
  std::string node_name;
  std::string lease_namespace;
  ReportPace::Options pace;
  std::chrono::seconds lease_every = std::chrono::minutes(5);
};

class Reporter {
 public:
  Reporter(kube::ApiClient& api, ProfileTable& table, ObjectSource& source,
           std::function<StatusInput()> snapshot, Health& health, const Log& log,
           const Clock& clock, ReporterOptions options);

  // Until stop; then one last report if there is news. Requests under way end early when `abort` is
  // requested.
  void Run(std::stop_token stop, std::stop_token abort);
  void Notify();
  // The watch works again, from any thread: report without what is left of a pause, and renew the
  // Lease, whose answer tells whether this is still the server that we knew.
  void SourceCameBack();
  // With the resourceVersion that each renewal of our Lease was given, and what `known` said before
  // it was sent.
  void OnServerVersion(std::function<std::string()> known,
                       std::function<void(const std::string&, const std::string&)> callback) {
    known_version_ = std::move(known);
    on_version_ = std::move(callback);
  }
  // After each attempt that wrote the state or failed.
  void OnOutcome(std::function<void(bool good)> callback) { on_outcome_ = std::move(callback); }
  // The newest state was written at least once. Any thread.
  bool reported() const { return reported_; }

 private:
  using Time = std::chrono::steady_clock::time_point;
  Result<void> Identify(std::stop_token abort);
  Result<void> EnsureState(std::stop_token abort);
  Result<void> Report(std::stop_token abort);
  Result<void> RenewLease(std::stop_token abort);
  Result<std::string> SendLease(bool create, std::stop_token abort);
  Time NextAttempt();
  void Attempt(bool reports, std::stop_token abort);
  void TakeComeback();
  void Failed(std::string_view what, const Error& error);

  kube::ApiClient& api_;
  ProfileTable& table_;
  ObjectSource& source_;
  const std::function<StatusInput()> snapshot_;
  Health& health_;
  const Log& log_;
  const Clock& clock_;
  const ReporterOptions options_;
  std::function<std::string()> known_version_;
  std::function<void(const std::string&, const std::string&)> on_version_;
  std::function<void(bool good)> on_outcome_;

  std::mutex mutex_;  // guards dirty_ and came_back_
  std::condition_variable_any wake_;
  bool dirty_ = true;
  bool came_back_ = false;
  std::atomic<bool> reported_{false};

  // The rest belongs to Run's thread.
  bool identified_ = false;
  std::string node_uid_, runtime_;
  std::map<std::string, DriftLedger::Kind> drift_;  // as of the newest report
  NodeEvents events_;
  bool state_exists_ = false;
  std::string last_status_;  // without riders
  std::map<std::string, Transition> transitions_;
  ReportPace pace_;
  Time next_lease_;
  std::string lease_version_, last_trouble_;
  std::string lease_acquired_;
};

}  // namespace seccompd::agent
