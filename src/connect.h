// SPDX-License-Identifier: Apache-2.0
#pragma once
// How the executable finds and reaches the API server: the one place where a kubeconfig, the
// environment and a pod's service account become credentials and connections.

#include <memory>
#include <string>

#include "seccompd/agent/flags.h"
#include "seccompd/kube/api_client.h"

namespace seccompd {

// A way to the API server: credentials, two connections (the watch keeps one) and the client of
// single requests.
struct Connection {
  Connection(kube::ClusterAccess cluster, std::unique_ptr<http::Transport> for_requests,
             std::unique_ptr<http::Transport> for_watch, kube::RequestObserver observer)
      : access(std::move(cluster)),
        requests(std::move(for_requests)),
        watch(std::move(for_watch)),
        api(*requests, *access.token, std::move(observer)) {}
  kube::ClusterAccess access;
  std::unique_ptr<http::Transport> requests, watch;
  kube::ApiClient api;
};
struct ConnectOptions {
  bool allow_exec = false;
  bool allow_insecure = false;
  kube::RequestObserver observer;
};
// Reads the credentials. kubeconfig empty: in-cluster. Starts no thread, connects to nothing.
Result<kube::ClusterAccess> ReadAccess(const std::string& kubeconfig,
                                       const agent::Environment& environment,
                                       const ConnectOptions& options);
// The I/O thread runs already.
Result<std::unique_ptr<Connection>> Connect(kube::ClusterAccess access,
                                            kube::RequestObserver observer);
// Both.
Result<std::unique_ptr<Connection>> Connect(const std::string& kubeconfig,
                                            const agent::Environment& environment,
                                            ConnectOptions options);
// True when there is another CA, client certificate or address now than the connection was made
// with (tokens are read anew all the time).
bool HasOtherAccess(const Connection& connection, const std::string& kubeconfig,
                    const agent::Environment& environment, const ConnectOptions& options);
// $KUBECONFIG, else ~/.kube/config where it exists and we are in no cluster; else empty.
std::string DefaultKubeconfig(const agent::Environment& environment);

}  // namespace seccompd
