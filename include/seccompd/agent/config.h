// SPDX-License-Identifier: Apache-2.0
#pragma once
// What `seccompd agent` was told: a plain struct, made once (flags.h) and read only.

#include <chrono>
#include <string>

namespace seccompd::agent {

enum class ReportMode { kExceptions, kFull };

struct AgentConfig {
  std::string node_name;
  std::string kubeconfig;  // empty: in-cluster
  std::string seccomp_root = "/var/lib/kubelet/seccomp";
  std::string state_dir = "/var/lib/seccompd";
  std::string manifests;                         // not empty: standalone
  std::string listen_health = "127.0.0.1:9798";  // empty: off
  std::string listen_metrics = ":9797";          // empty: off
  std::string log_format = "text";
  std::string log_level = "info";
  std::string lease_namespace = "seccompd-system";
  std::chrono::milliseconds resync = std::chrono::minutes(10);
  std::chrono::milliseconds report_interval = std::chrono::seconds(1);
  std::chrono::milliseconds report_spread{0};
  std::chrono::milliseconds delete_grace = std::chrono::seconds(60);
  ReportMode report = ReportMode::kExceptions;
  std::string ceiling = "none";     // or "builtin/<name>-v<N>"
  std::string runtime = "both";     // "runc", "crun": what a profile must let start
  bool quarantine_foreign = false;  // else foreign files are reported and left alone
  std::string sandbox = "try";      // "off", "try", "require"
  bool insecure_skip_tls_verify = false;
  bool once = false;

  bool standalone() const { return !manifests.empty(); }
};

}  // namespace seccompd::agent
