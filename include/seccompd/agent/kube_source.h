// SPDX-License-Identifier: Apache-2.0
#pragma once
// The API server as a worker's source of single profiles and of the cluster's identity.
// Thread-safe; calls block.

#include <string>
#include <utility>

#include "seccompd/agent/object_source.h"
#include "seccompd/kube/api_client.h"

namespace seccompd::agent {

inline constexpr char kProfilesPath[] = "/apis/seccompd.io/v1alpha1/tenantseccompprofiles";

class KubeSource final : public ObjectSource {
 public:
  KubeSource(kube::ApiClient& api, std::string node_name)
      : api_(api), node_name_(std::move(node_name)) {}
  Result<void> Fetch(const std::string& name_space, const std::string& name,
                     const std::function<void(const kube::Object&)>& use,
                     std::stop_token stop) override;
  Result<SourceIdentity> Identify(std::stop_token stop) override;
  Result<Labels> NodeLabels(std::stop_token stop) override;

 private:
  kube::ApiClient& api_;
  const std::string node_name_;
};

}  // namespace seccompd::agent
