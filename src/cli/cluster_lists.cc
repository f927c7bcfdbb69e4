// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <functional>

#include "cluster_audit.h"

namespace seccompd::cli {
namespace {

using nlohmann::json;

// Nodes and states of 20 KB each make a page of 2 MiB, half of what an answer may have.
constexpr std::size_t kPage = 100;

std::string Member(const json& object, const char* pointer) {
  const json::json_pointer place{std::string(pointer)};
  return object.contains(place) && object.at(place).is_string()
             ? object.at(place).get<std::string>()
             : "";
}

std::map<std::string, std::string> Labels(const json& object, const char* pointer) {
  std::map<std::string, std::string> labels;
  const json::json_pointer place{std::string(pointer)};
  if (!object.contains(place) || !object.at(place).is_object()) return labels;
  for (const auto& [key, value] : object.at(place).items()) {
    if (value.is_string()) labels[key] = value.get<std::string>();
  }
  return labels;
}

// Every item of a collection, page by page. A page that is too long is asked for in smaller ones.
Result<void> ForEachItem(kube::ApiClient& api, const std::string& path,
                         const std::function<void(const json&)>& use) {
  std::string next;
  std::size_t limit = kPage;
  do {
    std::string query = path + "?limit=" + std::to_string(limit);
    if (!next.empty()) query += "&continue=" + kube::EscapePath(next);
    const Result<std::string> body = api.Get(query, {});
    if (!body.ok()) {
      if (body.error().code != ErrorCode::kInvalid || limit == 1) return body.error();
      limit /= 2;
      continue;
    }
    const json list = json::parse(*body, nullptr, false);
    if (!list.is_object() || !list.contains("items") || !list["items"].is_array())
      return Error{ErrorCode::kTransient, "the API server's answer has no items"};
    for (const json& item : list["items"]) use(item);
    next = Member(list, "/metadata/continue");
    if (next.empty()) return {};
  } while (true);
}

void AddProfile(const json& item, ClusterLists& lists) {
  ProfileObject object;
  object.uid = Member(item, "/metadata/uid");
  const json::json_pointer generation("/metadata/generation");
  if (item.contains(generation) && item.at(generation).is_number_integer())
    object.generation = item.at(generation).get<std::int64_t>();
  object.spec =
      item.value("spec", json::object()).dump(-1, ' ', false, json::error_handler_t::replace);
  object.node_selector = Labels(item, "/spec/nodeSelector/matchLabels");
  lists.profiles[Member(item, "/metadata/namespace") + "/" + Member(item, "/metadata/name")] =
      std::move(object);
}

}  // namespace

std::string TextOf(const json& object, const char* field) {
  const auto it = object.find(field);
  if (it == object.end()) return "";
  return it->is_string() ? it->get<std::string>() : it->dump();
}

Result<ClusterLists> ReadCluster(kube::ApiClient& api, const std::string& lease_namespace) {
  ClusterLists lists;
  Result<void> done = ForEachItem(api, "/apis/seccompd.io/v1alpha1/nodeseccompstates",
                                  [&](const json& item) { lists.states.push_back(item); });
  if (!done.ok()) return Wrap(done.error(), "list NodeSeccompStates");
  done = ForEachItem(api, "/apis/seccompd.io/v1alpha1/tenantseccompprofiles",
                     [&](const json& item) { AddProfile(item, lists); });
  if (!done.ok()) return Wrap(done.error(), "list TenantSeccompProfiles");
  std::map<std::string, profile::NodeContext> nodes;
  done = ForEachItem(api, "/api/v1/nodes", [&](const json& item) {
    profile::NodeContext node;
    node.labels = Labels(item, "/metadata/labels");
    const auto os = node.labels.find("kubernetes.io/os");
    if (os != node.labels.end() && os->second != "linux") return;
    nodes[Member(item, "/metadata/name")] = std::move(node);
  });
  if (done.ok())
    lists.nodes = std::move(nodes);
  else
    lists.notes.push_back("nodes that have no state are not told: " + done.error().message);
  std::map<std::string, std::string> leases;
  done = ForEachItem(
      api,
      "/apis/coordination.k8s.io/v1/namespaces/" + kube::EscapePath(lease_namespace) + "/leases",
      [&](const json& item) {
        leases[Member(item, "/metadata/name")] = Member(item, "/spec/renewTime");
      });
  if (done.ok())
    lists.leases = std::move(leases);
  else
    lists.notes.push_back("nodes that do not report are not told: " + done.error().message);
  return lists;
}

}  // namespace seccompd::cli
