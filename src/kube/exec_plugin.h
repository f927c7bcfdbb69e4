// SPDX-License-Identifier: Apache-2.0
#pragma once
// A kubeconfig user's `exec` plugin: a command that prints an ExecCredential. For the command line
// only.

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "seccompd/base/result.h"
#include "seccompd/kube/credentials.h"

namespace seccompd::kube {

struct ExecPlugin {
  std::string command;  // a name to look up in PATH, or a path
  std::vector<std::string> args;
  std::vector<std::pair<std::string, std::string>> env;
  std::string api_version;
  std::string cluster_json;  // ExecCredential's spec.cluster; empty: not wanted
  std::string install_hint;
};

struct ExecCredential {
  std::string token;
  std::string certificate_pem;
  std::string private_key_pem;
};

// Waits for the command, at most 60 s.
Result<ExecCredential> RunExecPlugin(const ExecPlugin& plugin);

// Hands out `token`, and runs the plugin anew once the server refused what it gave.
std::shared_ptr<TokenSource> ExecToken(ExecPlugin plugin, std::string token);

}  // namespace seccompd::kube
