// SPDX-License-Identifier: Apache-2.0
#pragma once
// A fake cluster with a node, and a workspace with a kubeconfig for the real executable.

#include <functional>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "fakes/fake_cluster.h"
#include "integration/agent_process.h"

namespace seccompd::integration {

using nlohmann::json;

inline constexpr char kStates[] = "/apis/seccompd.io/v1alpha1/nodeseccompstates";
inline constexpr char kLeases[] = "/apis/coordination.k8s.io/v1/leases";
inline constexpr char kNodes[] = "/api/v1/nodes";
inline constexpr char kNamespaces[] = "/api/v1/namespaces";
inline constexpr char kCrds[] = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
inline const std::string kProfiles(fakes::kProfilesPath);

inline json Profile(const std::string& name, const std::string& denied,
                    const std::string& name_space = "team") {
  return {
      {"apiVersion", "seccompd.io/v1alpha1"},
      {"kind", "TenantSeccompProfile"},
      {"metadata", {{"name", name}, {"namespace", name_space}}},
      {"spec",
       {{"profile",
         {{"defaultAction", "SCMP_ACT_ALLOW"},
          {"syscalls",
           json::array({{{"names", json::array({denied})}, {"action", "SCMP_ACT_ERRNO"}}})}}}}}};
}

class ClusterTest : public ::testing::Test {
 protected:
  ClusterTest() {
    cluster_.Put(kNodes,
                 {{"metadata", {{"name", "node-1"}}},
                  {"status", {{"nodeInfo", {{"containerRuntimeVersion", "containerd://1.7.0"}}}}}});
    cluster_.Put(kNamespaces, {{"metadata", {{"name", "kube-system"}}}});
    cluster_.Put(kCrds, {{"metadata", {{"name", "tenantseccompprofiles.seccompd.io"}}}});
    WriteKubeconfig(cluster_.ca_pem());
  }
  void WriteKubeconfig(const std::string& ca_pem, const std::string& token = "t0ken") {
    space_.WriteFile("ca.pem", ca_pem);
    space_.WriteFile("token", token);
    space_.WriteFile("kubeconfig",
                     "apiVersion: v1\nkind: Config\ncurrent-context: c\ncontexts: [{name: c, "
                     "context: {cluster: c, user: u}}]\n"
                     "clusters: [{name: c, cluster: {server: \"" +
                         cluster_.origin() +
                         "\", certificate-authority: ca.pem}}]\n"
                         "users: [{name: u, user: {tokenFile: token}}]\n");
  }
  std::vector<std::string> Args(std::vector<std::string> more = {}) const {
    std::vector<std::string> args{"--kubeconfig",      space_.path() + "/kubeconfig",
                                  "--node-name",       "node-1",
                                  "--seccomp-root",    space_.seccomp_root(),
                                  "--state-dir",       space_.state_dir(),
                                  "--listen-health",   "",
                                  "--listen-metrics",  "",
                                  "--report-interval", "100ms",
                                  "--ceiling",         "none"};
    args.insert(args.end(), more.begin(), more.end());
    return args;
  }
  bool WaitForProfile(const std::string& key, const std::string& has) const {
    return WaitForFile(space_.profile(key), [&](const std::string& text) {
      return text.find(has) != std::string::npos;
    });
  }
  bool WaitForStatus(const std::function<bool(const json&)>& is_right) const {
    return cluster_.AwaitObject(kStates, "", "node-1", [&](const json& object) {
      return object.contains("status") && is_right(object["status"]);
    });
  }
  Workspace space_;
  fakes::FakeCluster cluster_;
};

}  // namespace seccompd::integration
