// SPDX-License-Identifier: Apache-2.0
#include "seccompd/agent/health.h"

namespace seccompd::agent {
namespace {

void AddLine(HealthAnswer& answer, const std::string& name, const std::string& problem) {
  if (problem.empty()) {
    answer.text += "[+]" + name + " ok\n";
    return;
  }
  answer.text += "[-]" + name + " failed: " + problem + "\n";
  answer.good = false;
}

}  // namespace

std::chrono::steady_clock::duration Heartbeat::busy_for() const {
  const auto since = busy_since_.load();
  if (since == 0) return {};
  return clock_.SteadyNow().time_since_epoch() - std::chrono::steady_clock::duration(since);
}

Heartbeat& Health::AddLoop(const std::string& name) {
  const std::lock_guard lock(mutex_);
  return loops_.emplace_back(name, clock_);
}

void Health::SetCheck(const std::string& check, const std::string& problem) {
  const std::lock_guard lock(mutex_);
  checks_[check] = problem;
}

std::string Health::problem(const std::string& check) const {
  const std::lock_guard lock(mutex_);
  const auto it = checks_.find(check);
  return it == checks_.end() ? "" : it->second;
}

HealthAnswer Health::Live() const {
  const std::lock_guard lock(mutex_);
  HealthAnswer answer{true, ""};
  for (const Heartbeat& loop : loops_) {
    const auto busy = std::chrono::duration_cast<std::chrono::seconds>(loop.busy_for());
    const bool stuck = busy > kStuck;
    AddLine(
        answer, loop.name(),
        stuck ? "at one piece of work for " + std::to_string(busy.count()) + " s" : std::string());
  }
  return answer;
}

HealthAnswer Health::Ready() const {
  const std::lock_guard lock(mutex_);
  HealthAnswer answer{true, ""};
  for (const auto& [check, problem] : checks_) AddLine(answer, check, problem);
  return answer;
}

std::vector<HealthCheck> Health::checks() const {
  const std::lock_guard lock(mutex_);
  std::vector<HealthCheck> all;
  for (const auto& [name, problem] : checks_) all.push_back({name, problem});
  return all;
}

}  // namespace seccompd::agent
