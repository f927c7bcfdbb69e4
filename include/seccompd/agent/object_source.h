// SPDX-License-Identifier: Apache-2.0
#pragma once
// The questions a worker asks the source of profiles outside the stream of events: one object as it
// is now, who the source is, and this node's labels. The API server and a directory of manifests
// answer them. Thread-safe; calls block.

#include <functional>
#include <map>
#include <stop_token>
#include <string>

#include "seccompd/base/result.h"
#include "seccompd/kube/reflector.h"

namespace seccompd::agent {

// Who answers: two sources that differ in it are not the same, and what one lacks is no reason to
// remove what the other gave.
struct SourceIdentity {
  std::string cluster;       // uid of namespace kube-system; empty: standalone
  std::string crd_uid;       // uid of the TenantSeccompProfile CRD; empty: standalone
  bool terminating = false;  // the CRD is being deleted
  bool operator==(const SourceIdentity&) const = default;
};

using Labels = std::map<std::string, std::string>;

class ObjectSource {
 public:
  virtual ~ObjectSource() = default;
  // Calls `use` with the object; its views are valid during the call. kNotFound only when the
  // source is sure that this very name is absent: anything less sure is another error.
  virtual Result<void> Fetch(const std::string& name_space, const std::string& name,
                             const std::function<void(const kube::Object&)>& use,
                             std::stop_token stop) = 0;
  virtual Result<SourceIdentity> Identify(std::stop_token stop) = 0;
  // Of this node; empty where nobody gives it any (standalone).
  virtual Result<Labels> NodeLabels(std::stop_token stop) = 0;
};

}  // namespace seccompd::agent
