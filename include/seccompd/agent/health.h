// SPDX-License-Identifier: Apache-2.0
#pragma once
// What the kubelet asks. /healthz speaks only of the agent's own loops: one that has been at a
// single piece of work for over 60 s is stuck. /readyz speaks of named checks (synced, disk,
// compiler, ...). Thread-safe.

#include <atomic>
#include <chrono>
#include <deque>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "seccompd/base/clock.h"

namespace seccompd::agent {

// One loop's sign of life: Busy() when it takes up a piece of work, Idle() when it waits for the
// next.
class Heartbeat {
 public:
  Heartbeat(std::string name, const Clock& clock) : name_(std::move(name)), clock_(clock) {}
  void Busy() { busy_since_ = clock_.SteadyNow().time_since_epoch().count(); }
  void Idle() { busy_since_ = 0; }
  const std::string& name() const { return name_; }
  // Zero while idle.
  std::chrono::steady_clock::duration busy_for() const;

 private:
  const std::string name_;
  const Clock& clock_;
  std::atomic<std::chrono::steady_clock::rep> busy_since_{0};
};

struct HealthAnswer {
  bool good = false;
  std::string text;  // "[+]disk ok\n[-]synced failed: ...\n"
};

struct HealthCheck {
  std::string name;
  std::string problem;  // empty: all is well
};

class Health {
 public:
  static constexpr std::chrono::seconds kStuck{60};
  explicit Health(const Clock& clock) : clock_(clock) {}

  // Valid as long as this object.
  Heartbeat& AddLoop(const std::string& name);
  // problem: empty when all is well.
  void SetCheck(const std::string& check, const std::string& problem);
  std::string problem(const std::string& check) const;

  HealthAnswer Live() const;
  HealthAnswer Ready() const;
  std::vector<HealthCheck> checks() const;

 private:
  const Clock& clock_;
  mutable std::mutex mutex_;  // guards the members below, not the heartbeats themselves
  std::deque<Heartbeat> loops_;
  std::map<std::string, std::string> checks_;
};

}  // namespace seccompd::agent
