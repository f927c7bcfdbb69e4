// SPDX-License-Identifier: Apache-2.0
#include "seccompd/agent/kube_source.h"

#include <nlohmann/json.hpp>

#include "seccompd/kube/object.h"

namespace seccompd::agent {
namespace {

using nlohmann::json;

constexpr char kCrdPath[] =
    "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/tenantseccompprofiles.seccompd.io";

Result<std::string> UidOf(const json& object) {
  const json::json_pointer pointer("/metadata/uid");
  if (object.is_object() && object.contains(pointer) && object.at(pointer).is_string()) {
    return object.at(pointer).get<std::string>();
  }
  return Error{ErrorCode::kTransient, "the API server's answer has no metadata.uid"};
}

}  // namespace

Result<void> KubeSource::Fetch(const std::string& name_space, const std::string& name,
                               const std::function<void(const kube::Object&)>& use,
                               std::stop_token stop) {
  const Result<std::string> body =
      api_.Get("/apis/seccompd.io/v1alpha1/namespaces/" + kube::EscapePath(name_space) +
                   "/tenantseccompprofiles/" + kube::EscapePath(name),
               stop);
  if (!body.ok()) return body.error();
  return kube::UseObject(*body, "TenantSeccompProfile", use);
}

Result<SourceIdentity> KubeSource::Identify(std::stop_token stop) {
  const Result<std::string> name_space = api_.Get("/api/v1/namespaces/kube-system", stop);
  if (!name_space.ok()) return Wrap(name_space.error(), "namespace kube-system");
  const Result<std::string> crd = api_.Get(kCrdPath, stop);
  if (!crd.ok()) {
    Error error = Wrap(crd.error(), "CRD tenantseccompprofiles.seccompd.io");
    if (error.code == ErrorCode::kNotFound)
      error.code = ErrorCode::kTransient;  // never an absence of a profile
    return error;
  }
  const json parsed_crd = json::parse(*crd, nullptr, false);
  Result<std::string> cluster = UidOf(json::parse(*name_space, nullptr, false));
  if (!cluster.ok()) return Wrap(cluster.error(), "namespace kube-system");
  Result<std::string> crd_uid = UidOf(parsed_crd);
  if (!crd_uid.ok()) return Wrap(crd_uid.error(), "CRD tenantseccompprofiles.seccompd.io");
  const bool terminating = parsed_crd.contains(json::json_pointer("/metadata/deletionTimestamp"));
  return SourceIdentity{*std::move(cluster), *std::move(crd_uid), terminating};
}

Result<Labels> KubeSource::NodeLabels(std::stop_token stop) {
  const Result<std::string> node =
      api_.GetMetadata("/api/v1/nodes/" + kube::EscapePath(node_name_), stop);
  if (!node.ok()) {
    return Wrap(node.error(), "node " + node_name_ + " (is --node-name the name of this Node?)");
  }
  const json parsed = json::parse(*node, nullptr, false);
  const json::json_pointer pointer("/metadata/labels");
  Labels labels;
  if (!parsed.contains(pointer)) return labels;
  const json& members = parsed.at(pointer);
  if (!members.is_object()) {
    return Error{ErrorCode::kTransient, "node " + node_name_ + ": its labels are no object"};
  }
  for (const auto& [name, value] : members.items()) {
    if (value.is_string()) labels[name] = value.get<std::string>();
  }
  return labels;
}

}  // namespace seccompd::agent
