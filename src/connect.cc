// SPDX-License-Identifier: Apache-2.0
#include "connect.h"

#include <unistd.h>

#include "seccompd/node/directory_watch.h"
#include "seccompd/profile/yaml.h"

namespace seccompd {
namespace {

constexpr std::size_t kMaxKubeconfigBytes = std::size_t{1} << 20;

std::string Variable(const agent::Environment& environment, const std::string& name) {
  const auto it = environment.find(name);
  return it == environment.end() ? std::string() : it->second;
}

Result<kube::ClusterAccess> ReadKubeconfig(const std::string& path, const ConnectOptions& options,
                                           const Clock& clock) {
  const auto text = node::ReadSmallFile(path, kMaxKubeconfigBytes, true);
  if (!text.ok()) return Wrap(text.error(), "kubeconfig");
  const auto documents = profile::YamlToJson(*text, kMaxKubeconfigBytes);
  if (!documents.ok()) return Wrap(documents.error(), "kubeconfig " + path);
  if (documents->size() != 1)
    return Error{ErrorCode::kInvalid, "kubeconfig " + path + ": must be one YAML document"};
  kube::KubeconfigOptions how;
  const auto slash = path.rfind('/');
  how.directory = slash == std::string::npos ? "." : path.substr(0, slash);
  how.allow_insecure = options.allow_insecure;
  how.allow_exec = options.allow_exec;
  auto access = kube::FromKubeconfig(documents->front().json, how, clock);
  if (!access.ok()) return Wrap(access.error(), "kubeconfig " + path);
  access->reread_files.push_back(path);
  return access;
}

}  // namespace

bool HasOtherAccess(const Connection& connection, const std::string& kubeconfig,
                    const agent::Environment& environment, const ConnectOptions& options) {
  const auto now = ReadAccess(kubeconfig, environment, options);
  if (!now.ok()) return false;  // half written, or gone: what we have may still do
  const kube::ClusterAccess& used = connection.access;
  return now->origin != used.origin || now->tls.ca_pem != used.tls.ca_pem ||
         now->tls.certificate_pem != used.tls.certificate_pem ||
         now->tls.private_key_pem != used.tls.private_key_pem;
}

std::string DefaultKubeconfig(const agent::Environment& environment) {
  if (std::string named = Variable(environment, "KUBECONFIG"); !named.empty()) return named;
  if (!Variable(environment, "KUBERNETES_SERVICE_HOST").empty()) return "";
  const std::string home = Variable(environment, "HOME") + "/.kube/config";
  return ::access(home.c_str(), R_OK) == 0 ? home : "";
}

Result<kube::ClusterAccess> ReadAccess(const std::string& kubeconfig,
                                       const agent::Environment& environment,
                                       const ConnectOptions& options) {
  static const RealClock clock;
  kube::InClusterOptions in_cluster;
  in_cluster.service_host = Variable(environment, "KUBERNETES_SERVICE_HOST");
  in_cluster.service_port = Variable(environment, "KUBERNETES_SERVICE_PORT");
  auto access = kubeconfig.empty() ? kube::InCluster(in_cluster, clock)
                                   : ReadKubeconfig(kubeconfig, options, clock);
  if (!access.ok() && kubeconfig.empty() && access.error().code == ErrorCode::kNotFound) {
    return Wrap(access.error(),
                "no API server (give --kubeconfig FILE, or --manifests DIR to do without one)");
  }
  return access;
}

Result<std::unique_ptr<Connection>> Connect(kube::ClusterAccess access,
                                            kube::RequestObserver observer) {
  auto requests = http::MakeClient(access.origin, access.tls);
  if (!requests.ok()) return requests.error();
  auto watch = http::MakeClient(access.origin, access.tls);
  if (!watch.ok()) return watch.error();
  return std::make_unique<Connection>(std::move(access), *std::move(requests), *std::move(watch),
                                      std::move(observer));
}

Result<std::unique_ptr<Connection>> Connect(const std::string& kubeconfig,
                                            const agent::Environment& environment,
                                            ConnectOptions options) {
  auto access = ReadAccess(kubeconfig, environment, options);
  if (!access.ok()) return access.error();
  return Connect(*std::move(access), std::move(options.observer));
}

}  // namespace seccompd
