// SPDX-License-Identifier: Apache-2.0
#include <utility>

#include "seccompd/kube/credentials.h"

#include "kube/token_source.h"

namespace seccompd::kube {

Result<ClusterAccess> InCluster(const InClusterOptions& options, const Clock& clock) {
  const std::string token_path = options.directory + "/token";
  if (options.service_host.empty())
    return Error{ErrorCode::kNotFound,
                 "not in a cluster ($KUBERNETES_SERVICE_HOST is not set); give a kubeconfig with "
                 "--kubeconfig or $KUBECONFIG"};
  ClusterAccess access;
  access.token = FileToken(token_path, clock);
  access.reread_files = {token_path, options.directory + "/ca.crt"};
  if (auto token = access.token->Token(); !token.ok())
    return Wrap(token.error(), "in-cluster credentials (is a ServiceAccount token mounted?)");
  auto authorities = ReadSmallFile(options.directory + "/ca.crt");
  if (!authorities.ok()) return Wrap(authorities.error(), "in-cluster credentials");
  // Without a CA the system's roots would be trusted.
  if (authorities->empty())
    return Error{
        ErrorCode::kInvalid,
        options.directory + "/ca.crt is empty; without the CA no API server can be trusted"};
  access.tls.ca_pem = std::move(*authorities);
  if (auto name_space = ReadSmallFile(options.directory + "/namespace"); name_space.ok()) {
    access.name_space = *name_space;
    while (access.name_space.ends_with('\n')) access.name_space.pop_back();
  }

  const std::string port = options.service_port.empty() ? "443" : options.service_port;
  std::string host = options.service_host;
  if (host.find(':') != std::string::npos) {
    access.note =
        "the API server's address " + host +
        " is IPv6, which the HTTP library cannot take: it is reached as kubernetes.default.svc";
    host = "kubernetes.default.svc";
  }
  access.origin = "https://" + host + ":" + port;
  return access;
}

}  // namespace seccompd::kube
