// SPDX-License-Identifier: Apache-2.0
#include "seccompd/agent/agent.h"

#include "seccompd/profile/rule_set.h"

namespace seccompd::agent {
namespace {

std::string RuleSet(const AgentIdentity& identity) { return profile::RuleSet(identity.libseccomp); }

// One request with a compiler child each: some wait for a pipe or a fork while others compute, and
// a slow profile does not stop the others. No more: the chart's memory limit holds so many children
// (those that wait for more included: see compiler/conversations.cc).
constexpr int kWorkers = 4;

// Drift that was put right is no fault; that it comes again and again is one.
Condition DriftCondition(const DriftLedger::Contents& drift) {
  if (!drift.contested.empty()) {
    return {"Healthy", false, "Contested",
            "somebody else keeps changing " + std::to_string(drift.contested.size()) +
                " file(s), one is tenants/" + drift.contested.front() +
                "; find out who writes there"};
  }
  if (!drift.unwatched.empty()) {
    return {"Healthy", true, "NotWatched",
            "changes of files are found within 10 s, not at once: " + drift.unwatched};
  }
  return {"Healthy", true, "AllWell", ""};
}

}  // namespace

Agent::Agent(const AgentConfig& config, const AgentParts& parts, AgentIdentity identity)
    : config_(config),
      parts_(parts),
      identity_(std::move(identity)),
      context_(profile::ContextOf(
          RuleSet(identity_),
          {identity_.facts.seccomp_arch, identity_.facts.kernel_version, {}, config.runtime},
          config.ceiling)),
      health_(parts.clock),
      metrics_(identity_.version, identity_.libseccomp),
      queue_(parts.clock),
      desired_(queue_, parts.clock, context_),
      installer_(
          parts.store, parts.state_dir, table_, desired_, queue_, health_, metrics_, parts.log,
          parts.clock,
          {config.resync, config.standalone(), config.quarantine_foreign, parts.open_watch}) {}

Agent::~Agent() { StopWork(); }

void Agent::LoadRecord() {
  Result<node::Record> record = parts_.state_dir.LoadRecord();
  if (!record.ok()) {
    if (record.error().code != ErrorCode::kNotFound) {
      parts_.log.Warn("the record is not usable; all profiles are judged anew and no file is lost",
                      {{"error", record.error().message}});
    }
    return;
  }
  desired_.Seed(*record, !config_.once);
  parts_.log.Info("record loaded", {{"profiles", std::to_string(record->entries.size())},
                                    {"resource_version", record->resource_version}});
  table_.Load(*std::move(record));
}

void Agent::Start(ObjectSource& source, std::function<void()> on_change) {
  reconciler_ = std::make_unique<Reconciler>(
      queue_, desired_, table_, installer_, source, parts_.compiler, parts_.state_dir, health_,
      metrics_, parts_.log, parts_.clock,
      ReconcilerOptions{
          {{identity_.facts.seccomp_arch, identity_.facts.kernel_version, {}, config_.runtime},
           config_.ceiling,
           context_},
          config_.delete_grace});
  if (auto tried = parts_.state_dir.TakeTried(); tried.ok())
    reconciler_->Distrust(*std::move(tried));
  reconciler_->CheckLabels();
  reconciler_->CheckTreesLater();
  installer_.OnChange(std::move(on_change));
  desired_.OnDelivered([this] { installer_.Poke(); });
  installer_thread_ = std::jthread([this](std::stop_token stop) { installer_.Run(stop); });
  for (int i = 0; i < kWorkers; ++i) {
    workers_.emplace_back([this](std::stop_token stop) { reconciler_->Run(stop); });
  }
}

void Agent::StopWork() {
  for (std::jthread& worker : workers_) worker.request_stop();
  if (!installer_thread_.joinable()) return;
  installer_thread_.request_stop();
  installer_thread_.join();
}

void Agent::ForgiveTried() {
  if (reconciler_) reconciler_->ForgiveTried();
}

std::vector<Condition> Agent::Conditions() const {
  std::vector<Condition> all;
  const std::string refusal = desired_.source_refusal();
  if (!refusal.empty()) {
    all.push_back({"Synced", false, "SourceRefused", refusal});
  } else if (installer_.first_pass_done() && desired_.synced()) {
    all.push_back({"Synced", true, "UpToDate", "every profile that the source has was handled"});
  } else {
    all.push_back({"Synced", false, "NotSynced",
                   "the profiles have not been read from the source since the agent started"});
  }
  Condition healthy = DriftCondition(installer_.drift());
  const std::string disk = health_.problem("disk");
  const std::string compiler = health_.problem("compiler");
  const std::string held = reconciler_ ? reconciler_->removal_held() : "";
  if (!held.empty()) healthy = {"Healthy", false, "MassDeletion", held};
  if (!compiler.empty()) healthy = {"Healthy", false, "CompilerFailed", compiler};
  if (!disk.empty()) healthy = {"Healthy", false, "DiskFailed", disk};
  all.push_back(std::move(healthy));
  const SandboxState& sandbox = identity_.sandbox;
  all.push_back({"Sandboxed", sandbox.in_force, sandbox.reason, sandbox.message});
  return all;
}

StatusInput Agent::Snapshot() const {
  StatusInput input;
  input.agent_version = identity_.version;
  input.rule_set = RuleSet(identity_);
  input.facts = identity_.facts;
  input.context = context_;
  input.observed_resource_version = installer_.handled_version();
  input.intent_digest = desired_.IntentDigest();
  input.desired = desired_.size();
  input.conditions = Conditions();
  const DriftLedger::Contents drift = installer_.drift();
  if (!drift.kinds.empty()) input.last_drift_time = FormatRfc3339(drift.last);
  for (const auto& [kind, found] : drift.kinds) input.drift_kinds.push_back(kind);
  input.drift = drift.kinds;
  input.mode = config_.report;
  return input;
}

std::string Agent::StateJson() const {
  return BuildState(Snapshot(), table_, FormatRfc3339(parts_.clock.Now()), Details());
}

StateDetails Agent::Details() const {
  const auto text = [](std::chrono::system_clock::time_point time) {
    return time == std::chrono::system_clock::time_point() ? "" : FormatRfc3339(time);
  };
  StateDetails details;
  details.node_name = config_.node_name;
  details.libseccomp = identity_.libseccomp;
  details.source = source_name_;
  if (source_errors_) details.source_errors = source_errors_();
  details.checks = health_.checks();
  details.watch_age_seconds = watch_age_ ? watch_age_().count() : 0;
  details.queue_depth = queue_.depth();
  details.foreign_files = installer_.foreign_files();
  details.last_full_sync = text(installer_.last_full_sync());
  details.last_report = text(last_report_);
  return details;
}

void Agent::NoteReport(bool good) {
  metrics_.Reported(good);
  if (good) last_report_ = parts_.clock.Now();
}

std::string Agent::MetricsText() {
  Gauges gauges;
  for (const ProfileState state : kAllStates)
    gauges.profiles[std::string(StateName(state))] = table_.CountOf(state);
  gauges.queue_depth = queue_.depth();
  gauges.foreign_files = installer_.foreign_files();
  gauges.watch_age_seconds = watch_age_ ? watch_age_().count() : 0;
  gauges.last_full_sync =
      std::chrono::duration<double>(installer_.last_full_sync().time_since_epoch()).count();
  gauges.ready = health_.Ready().good;
  gauges.removal_held = reconciler_ && !reconciler_->removal_held().empty();
  return metrics_.Text(gauges);
}

bool Agent::AllWell() const {
  bool well = !source_errors_ || source_errors_().empty();
  table_.ForEach([&](const std::string&, const node::RecordEntry& entry) {
    const bool good = entry.state == StateName(ProfileState::kDeleting) ||
                      entry.state == StateName(ProfileState::kSkipped) ||
                      (entry.state == StateName(ProfileState::kInstalled) &&
                       entry.installed_generation == entry.desired_generation);
    well = well && good;
  });
  return well;
}

}  // namespace seccompd::agent
