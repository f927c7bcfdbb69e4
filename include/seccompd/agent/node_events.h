// SPDX-License-Identifier: Apache-2.0
#pragma once
// Events on this node's Node object about drift: at most one per kind and 10 minutes, with the
// count since the last one. Best effort: a failure is tried again later and logged once per 10
// minutes. Belongs to the reporter's thread.

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <stop_token>
#include <string>

#include "seccompd/agent/drift_ledger.h"
#include "seccompd/agent/log.h"
#include "seccompd/base/clock.h"
#include "seccompd/kube/api_client.h"

namespace seccompd::agent {

class NodeEvents {
 public:
  static constexpr std::chrono::minutes kEvery{10};
  static constexpr std::chrono::minutes kRetry{1};

  NodeEvents(kube::ApiClient& api, const Log& log, const Clock& clock, std::string node_name)
      : api_(api), log_(log), clock_(clock), node_name_(std::move(node_name)) {}

  // `drift`: all that was found since the agent started, by kind.
  void Send(const std::string& node_uid, const std::map<std::string, DriftLedger::Kind>& drift,
            std::stop_token abort);

 private:
  using Time = std::chrono::steady_clock::time_point;
  struct Sent {
    std::uint64_t count = 0;
    std::optional<Time> at;
  };
  std::string Body(const std::string& node_uid, const std::string& kind, std::uint64_t count,
                   const std::string& last_entry) const;

  kube::ApiClient& api_;
  const Log& log_;
  const Clock& clock_;
  const std::string node_name_;
  std::map<std::string, Sent> sent_;  // by kind
  Time not_before_;
  std::optional<Time> complained_;
};

}  // namespace seccompd::agent
