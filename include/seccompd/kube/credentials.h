// SPDX-License-Identifier: Apache-2.0
#pragma once
// Where the API server is and who we are to it. Read at start, by one thread; tokens by any.

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "seccompd/base/clock.h"
#include "seccompd/base/result.h"
#include "seccompd/http/client.h"

namespace seccompd::kube {

// The bearer token of the moment. Thread-safe.
class TokenSource {
 public:
  virtual ~TokenSource() = default;
  // Empty: no token (client certificates). Re-read from its file when older than 60 s.
  virtual Result<std::string> Token() = 0;
  // After a 401, with the token that was sent: if it is still the one of the moment, it is read
  // anew at each call until it is another.
  virtual void Refused(std::string_view token) = 0;
};

struct ClusterAccess {
  std::string origin;  // "https://host:port"
  http::TlsOptions tls;
  std::shared_ptr<TokenSource>
      token;  // shared: the two clients of one access use one token; never null
  std::vector<std::string> reread_files;  // read again while it is in use, if only by `token`
  std::string name_space;                 // the pod's or the context's own; may be empty
  std::string note;  // for the log, e.g. that an IPv6 address is reached by name; may be empty
};

struct InClusterOptions {
  std::string service_host;  // $KUBERNETES_SERVICE_HOST
  std::string service_port;  // $KUBERNETES_SERVICE_PORT
  std::string directory = "/var/run/secrets/kubernetes.io/serviceaccount";
};
// kNotFound: not in a cluster (no host, no token file).
Result<ClusterAccess> InCluster(const InClusterOptions& options, const Clock& clock);

struct KubeconfigOptions {
  std::string context;          // empty: current-context
  std::string directory;        // relative file names are relative to it
  bool allow_insecure = false;  // insecure-skip-tls-verify is refused otherwise
  bool allow_exec = false;      // exec plugins: for the command line only
};
// `json`: the kubeconfig, turned from YAML into JSON by the caller (profile/yaml.h).
Result<ClusterAccess> FromKubeconfig(std::string_view json, const KubeconfigOptions& options,
                                     const Clock& clock);

}  // namespace seccompd::kube
