// SPDX-License-Identifier: Apache-2.0
#pragma once
// The parts of a cluster's audit: what the API server has, and what each node's files must be by
// it. Not thread-safe.

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "seccompd/profile/request.h"

#include "findings.h"

namespace seccompd::cli {

struct ProfileObject {
  std::string uid;
  std::int64_t generation = 0;
  std::string spec;                                  // raw JSON
  std::map<std::string, std::string> node_selector;  // its matchLabels
};

struct ClusterLists {
  nlohmann::json states = nlohmann::json::array();
  std::map<std::string, ProfileObject> profiles;                     // by "namespace/name"
  std::optional<std::map<std::string, profile::NodeContext>> nodes;  // Linux ones: their labels
  std::optional<std::map<std::string, std::string>> leases;          // renewTime, by node
  std::vector<std::string> notes;  // what could not be looked at, and why
};
// States and profiles must be there to be listed; who may not list nodes or Leases is told so in
// `notes`.
Result<ClusterLists> ReadCluster(kube::ApiClient& api, const std::string& lease_namespace);

// Says of each node whether its contentDigest is what the objects give there.
enum class ContentCheck { kNotDone, kSame, kOther };
struct ContentVerdict {
  ContentCheck check = ContentCheck::kNotDone;
  std::string why;  // not done, or what differs
};
// By node. Renders every profile once for each kind of node (architecture, kernel, runtime,
// ceiling). Error: the compiler failed, which says nothing about a profile.
Result<std::map<std::string, ContentVerdict>> CheckContent(const StartedCompiler& started,
                                                           const ClusterLists& lists);

// A member that is a string, or its JSON; "" where there is none.
std::string TextOf(const nlohmann::json& object, const char* field);

}  // namespace seccompd::cli
