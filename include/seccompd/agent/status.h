// SPDX-License-Identifier: Apache-2.0
#pragma once
// The body of NodeSeccompState (design section 7), made from what is known at one moment. Pure
// functions.

#include <chrono>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "seccompd/agent/config.h"
#include "seccompd/agent/drift_ledger.h"
#include "seccompd/agent/health.h"
#include "seccompd/agent/profile_table.h"

namespace seccompd::agent {

struct NodeFacts {
  std::string architecture;                  // as Kubernetes names it: "amd64"
  std::string seccomp_arch;                  // "SCMP_ARCH_X86_64"
  std::string kernel_version;                // "6.1.0-18-amd64"
  std::vector<std::string> seccomp_actions;  // /proc/sys/kernel/seccomp/actions_avail
  std::string runtime;  // "containerd://1.6.20"; from the Node object, may be empty
};

struct Condition {
  std::string type;  // "Synced", "Healthy", "Sandboxed"
  bool status = false;
  std::string reason;  // CamelCase
  std::string message;
};

struct StatusInput {
  std::string agent_version;
  std::string rule_set;
  NodeFacts facts;
  std::string context;  // what of the node and its settings decides files (see InputDigest)
  std::string observed_resource_version;
  std::string intent_digest;
  std::size_t desired = 0;
  std::vector<Condition> conditions;
  std::string last_drift_time;  // RFC 3339; empty: never
  std::vector<std::string> drift_kinds;
  std::map<std::string, DriftLedger::Kind> drift;  // for Events; not in the status
  ReportMode mode = ReportMode::kExceptions;
};

// The status as compact JSON. Conditions keep their transition time from `transitions` (by type:
// status and time), which is brought up to date.
struct Transition {
  bool status = false;
  std::string time;
};
std::string BuildStatus(const StatusInput& input, const ProfileTable& table, const std::string& now,
                        std::map<std::string, Transition>& transitions);

// The same without what rides along (observedResourceVersion): equal means there is no news to
// report.
std::string WithoutRiders(const std::string& status);

// What only this host is told. Times: RFC 3339; empty: never.
struct StateDetails {
  std::string node_name;
  std::string libseccomp;  // the compiler's version
  std::string source;      // where profiles come from
  std::vector<std::string> source_errors;
  std::vector<HealthCheck> checks;  // of /readyz
  double watch_age_seconds = 0;
  std::size_t queue_depth = 0;
  std::size_t foreign_files = 0;
  std::string last_full_sync, last_report;
};
// Every profile, for state.sock and state.json.
std::string BuildState(const StatusInput& input, const ProfileTable& table, const std::string& now,
                       const StateDetails& details);

// Every reason of every condition, and what it means; the README's list is checked against it.
struct ReasonRow {
  std::string_view type;
  std::string_view status;  // "True" or "False"
  std::string_view reason;
  std::string_view meaning;
};
std::span<const ReasonRow> ReasonTable();

}  // namespace seccompd::agent
