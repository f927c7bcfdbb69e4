// SPDX-License-Identifier: Apache-2.0
#pragma once
// One node's agent without its source of profiles: desired state, work queue, reconcilers,
// installer, health, metrics and the state they add up to. main.cc joins it to a source (API server
// or manifests), a reporter and listeners.

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "seccompd/agent/config.h"
#include "seccompd/agent/desired_state.h"
#include "seccompd/agent/health.h"
#include "seccompd/agent/installer.h"
#include "seccompd/agent/log.h"
#include "seccompd/agent/metrics.h"
#include "seccompd/agent/profile_table.h"
#include "seccompd/agent/reconciler.h"
#include "seccompd/agent/sandbox.h"
#include "seccompd/agent/status.h"
#include "seccompd/agent/work_queue.h"

namespace seccompd::agent {

// What main built before; all of it outlives the agent.
struct AgentParts {
  node::ProfileStore& store;
  node::StateDir& state_dir;
  compiler::Compiler& compiler;
  const Clock& clock;
  const Log& log;
  node::OpenDriftWatch open_watch = node::DriftWatch::Open;
};

struct AgentIdentity {
  std::string version;     // of seccompd
  std::string libseccomp;  // of the compiler
  NodeFacts facts;
  SandboxState sandbox{};  // off
};

class Agent {
 public:
  Agent(const AgentConfig& config, const AgentParts& parts, AgentIdentity identity);
  ~Agent();  // StopWork()

  // Loads the record and seeds the desired state. Before Start and before the source delivers
  // anything.
  void LoadRecord();
  // Starts the installer and the reconcilers.
  void Start(ObjectSource& source, std::function<void()> on_change);
  // The installer finishes what it was given and saves the record. Reconcilers are asked to stop,
  // and waited for only by the destructor: one may be with the compiler.
  void StopWork();
  // After StopWork, when this agent ends because it was told to: see Judge.
  void ForgiveTried();

  DesiredState& desired() { return desired_; }
  ProfileTable& table() { return table_; }
  WorkQueue& queue() { return queue_; }
  Health& health() { return health_; }
  Metrics& metrics() { return metrics_; }
  const Installer& installer() const { return installer_; }
  // What decides a file besides uid and spec.
  const std::string& context() const { return context_; }
  // Added to state.sock and conditions: the source's own errors; the age of the watch. Set before
  // Start.
  void OnSourceErrors(std::function<std::vector<std::string>()> errors) {
    source_errors_ = std::move(errors);
  }
  void OnWatchAge(std::function<std::chrono::duration<double>()> age) {
    watch_age_ = std::move(age);
  }

  // Where profiles come from, for the state. Set before Start.
  void SetSource(std::string source) { source_name_ = std::move(source); }
  // The reporter wrote this node's state, or could not.
  void NoteReport(bool good);

  // Has on_change called although no profile changed.
  void Announce() { installer_.Announce(); }

  StatusInput Snapshot() const;
  std::string StateJson() const;
  std::string MetricsText();
  // Every profile is installed at its newest spec, and the source has nothing to complain of.
  bool AllWell() const;

 private:
  std::vector<Condition> Conditions() const;
  StateDetails Details() const;

  const AgentConfig& config_;
  const AgentParts parts_;
  const AgentIdentity identity_;
  const std::string context_;
  Health health_;
  Metrics metrics_;
  WorkQueue queue_;
  DesiredState desired_;
  ProfileTable table_;
  Installer installer_;
  std::unique_ptr<Reconciler> reconciler_;
  std::function<std::vector<std::string>()> source_errors_;
  std::function<std::chrono::duration<double>()> watch_age_;
  std::string source_name_;
  std::atomic<std::chrono::system_clock::time_point> last_report_{};
  std::vector<std::jthread> workers_;
  std::jthread installer_thread_;
};

}  // namespace seccompd::agent
