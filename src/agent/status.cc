// SPDX-License-Identifier: Apache-2.0
#include "seccompd/agent/status.h"

#include <array>
#include <deque>

#include <nlohmann/json.hpp>

#include "seccompd/agent/reconciler.h"
#include "seccompd/base/clock.h"
#include "seccompd/base/digest.h"

namespace seccompd::agent {
namespace {

using nlohmann::json;

struct ListLimit {
  std::size_t entries;
  std::size_t bytes;
};
constexpr ListLimit kExceptionsLimit{64, 32'768};
constexpr ListLimit kFullLimit{512, 262'144};

std::string TimeOf(std::int64_t unix_seconds) {
  return FormatRfc3339(std::chrono::system_clock::time_point(std::chrono::seconds(unix_seconds)));
}

bool IsInstalledAtNewest(const node::RecordEntry& entry) {
  return entry.state == StateName(ProfileState::kInstalled) &&
         entry.installed_generation == entry.desired_generation;
}

json ProfileJson(const std::string& key, const node::RecordEntry& entry) {
  const auto slash = key.find('/');
  json row{{"namespace", key.substr(0, slash)},
           {"name", key.substr(slash + 1)},
           {"uid", entry.uid},
           {"desiredGeneration", entry.desired_generation},
           {"state", entry.state},
           {"since", TimeOf(entry.since)}};
  if (entry.installed_generation != 0) row["installedGeneration"] = entry.installed_generation;
  if (!entry.sha256.empty()) {
    row["sha256"] = entry.sha256;
    row["instructions"] = entry.instructions;
  }
  if (!entry.reason.empty()) row["reason"] = entry.reason;
  if (!entry.message.empty()) row["message"] = CleanMessage(entry.message);
  return row;
}

struct Counts {
  std::map<std::string, std::size_t> by_state;
  std::size_t installed = 0;  // with a file at the newest spec
  std::string content_digest;
};

Counts CountAll(const ProfileTable& table) {
  Counts counts;
  for (const ProfileState state : kAllStates) counts.by_state[std::string(StateName(state))] = 0;
  Sha256 content;
  table.ForEach([&](const std::string& key, const node::RecordEntry& entry) {
    ++counts.by_state[entry.state];
    if (entry.sha256.empty()) return;
    content.UpdateField(key);
    content.UpdateField(entry.sha256);
  });
  counts.content_digest = content.FinishHex();
  return counts;
}

// One profile of each namespace in turn, so that a tenant with many faults does not hide another's.
json ListProfiles(const ProfileTable& table, ReportMode mode, bool& truncated) {
  std::map<std::string, std::deque<json>> by_namespace;
  table.ForEach([&](const std::string& key, const node::RecordEntry& entry) {
    if (mode == ReportMode::kExceptions && IsInstalledAtNewest(entry)) return;
    json row = ProfileJson(key, entry);
    by_namespace[row["namespace"].get<std::string>()].push_back(std::move(row));
  });
  const ListLimit limit = mode == ReportMode::kFull ? kFullLimit : kExceptionsLimit;
  json list = json::array();
  std::size_t bytes = 0;
  truncated = false;
  while (!by_namespace.empty()) {
    for (auto it = by_namespace.begin(); it != by_namespace.end();) {
      const std::size_t size = it->second.front().dump().size() + 1;
      if (list.size() >= limit.entries || bytes + size > limit.bytes) {
        truncated = true;
        return list;
      }
      bytes += size;
      list.push_back(std::move(it->second.front()));
      it->second.pop_front();
      it = it->second.empty() ? by_namespace.erase(it) : std::next(it);
    }
  }
  return list;
}

json FactsJson(const NodeFacts& facts) {
  json out{{"architecture", facts.architecture},
           {"kernelVersion", facts.kernel_version},
           {"seccompActions", facts.seccomp_actions}};
  if (!facts.runtime.empty()) out["runtime"] = facts.runtime;
  return out;
}

// Nodes that agree in it (and in intent and rule set) have the same files: what decides them of the
// node, and which profiles do not select it. (Its labels themselves differ on every node.)
std::string FactsDigest(const StatusInput& input, const ProfileTable& table) {
  Sha256 sha;
  sha.UpdateField(input.context);
  table.ForEach([&](const std::string& key, const node::RecordEntry& entry) {
    if (entry.state == StateName(ProfileState::kSkipped)) sha.UpdateField(key);
  });
  return sha.FinishHex();
}

json CommonJson(const StatusInput& input, const ProfileTable& table) {
  const Counts counts = CountAll(table);
  json out{{"agentVersion", input.agent_version},
           {"ruleSet", input.rule_set},
           {"facts", FactsJson(input.facts)},
           {"factsDigest", FactsDigest(input, table)},
           {"desired", input.desired},
           {"intentDigest", input.intent_digest},
           {"contentDigest", counts.content_digest}};
  struct Row {
    const char* field;
    ProfileState state;
  };
  for (const Row& row :
       {Row{"installed", ProfileState::kInstalled}, Row{"invalid", ProfileState::kInvalid},
        Row{"denied", ProfileState::kDenied}, Row{"failed", ProfileState::kFailed},
        Row{"retained", ProfileState::kRetained}, Row{"skipped", ProfileState::kSkipped}}) {
    out[row.field] = counts.by_state.at(std::string(StateName(row.state)));
  }
  if (!input.observed_resource_version.empty())
    out["observedResourceVersion"] = input.observed_resource_version;
  if (!input.last_drift_time.empty()) out["lastDriftTime"] = input.last_drift_time;
  out["driftKinds"] = input.drift_kinds;
  return out;
}

json ConditionsJson(const std::vector<Condition>& conditions, const std::string& now,
                    std::map<std::string, Transition>& transitions) {
  json out = json::array();
  for (const Condition& condition : conditions) {
    auto [it, fresh] = transitions.try_emplace(condition.type, Transition{condition.status, now});
    if (!fresh && it->second.status != condition.status) it->second = {condition.status, now};
    out.push_back({{"type", condition.type},
                   {"status", condition.status ? "True" : "False"},
                   {"reason", condition.reason},
                   {"message", CleanMessage(condition.message)},
                   {"lastTransitionTime", it->second.time}});
  }
  return out;
}

}  // namespace

std::string BuildStatus(const StatusInput& input, const ProfileTable& table, const std::string& now,
                        std::map<std::string, Transition>& transitions) {
  json status = CommonJson(input, table);
  status["conditions"] = ConditionsJson(input.conditions, now, transitions);
  bool truncated = false;
  json profiles = ListProfiles(table, input.mode, truncated);
  // Always there, empty or not: Kubernetes 1.20 forgets who owns a field when the object's metadata
  // are applied, and then an apply that leaves the field out no longer clears it (seen).
  status["profiles"] = std::move(profiles);
  status["truncated"] = truncated;
  return status.dump();
}

std::string WithoutRiders(const std::string& status) {
  json parsed = json::parse(status, nullptr, false);
  if (parsed.is_object()) parsed.erase("observedResourceVersion");
  return parsed.dump();
}

std::string BuildState(const StatusInput& input, const ProfileTable& table, const std::string& now,
                       const StateDetails& details) {
  json state = CommonJson(input, table);
  std::map<std::string, Transition> transitions;
  state["conditions"] = ConditionsJson(input.conditions, now, transitions);
  for (json& condition : state["conditions"]) condition.erase("lastTransitionTime");
  state["time"] = now;
  state["nodeName"] = details.node_name;
  state["libseccompVersion"] = details.libseccomp;
  state["source"] = details.source;
  state["sourceErrors"] = details.source_errors;
  json& checks = state["readyChecks"] = json::object();
  bool ready = true;
  for (const HealthCheck& check : details.checks) {
    checks[check.name] = check.problem.empty() ? "ok" : check.problem;
    ready = ready && check.problem.empty();
  }
  state["ready"] = ready;
  state["watchAgeSeconds"] = details.watch_age_seconds;
  state["queueDepth"] = details.queue_depth;
  state["foreignFiles"] = details.foreign_files;
  if (!details.last_full_sync.empty()) state["lastFullSyncTime"] = details.last_full_sync;
  if (!details.last_report.empty()) state["lastReportTime"] = details.last_report;
  json& profiles = state["profiles"] = json::array();
  table.ForEach([&](const std::string& key, const node::RecordEntry& entry) {
    profiles.push_back(ProfileJson(key, entry));
  });
  // Anything may be in a source's error.
  return state.dump(-1, ' ', false, json::error_handler_t::replace);
}

std::span<const ReasonRow> ReasonTable() {
  static constexpr std::array<ReasonRow, 14> kReasons = {{
      {"Synced", "True", "UpToDate", "every profile that the source has was handled"},
      {"Synced", "False", "NotSynced",
       "the profiles have not been read from the source since the agent started"},
      {"Synced", "False", "SourceRefused",
       "the API server refuses the profiles: a right or the CRD is missing, or its CA is another"},
      {"Healthy", "True", "AllWell", "nothing below holds"},
      {"Healthy", "True", "NotWatched",
       "inotify is refused: changed files are found within 10 s, not at once"},
      {"Healthy", "False", "Contested", "somebody keeps changing the same file"},
      {"Healthy", "False", "DiskFailed", "the seccomp directory cannot be written"},
      {"Healthy", "False", "CompilerFailed", "the compiler is gone or misconfigured"},
      {"Healthy", "False", "MassDeletion", "the mass-deletion guard holds removals back"},
      {"Sandboxed", "True", "InForce",
       "Landlock and the agent's own seccomp filter; message: which"},
      {"Sandboxed", "False", "Partial", "one of the two only; message: what is missing, and why"},
      {"Sandboxed", "False", "NotSupported", "neither: the kernel offers none"},
      {"Sandboxed", "False", "Off", "--sandbox off"},
      {"Sandboxed", "False", "SanitizerBuild", "a build for tests"},
  }};
  return kReasons;
}

}  // namespace seccompd::agent
