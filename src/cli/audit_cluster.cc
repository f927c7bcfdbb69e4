// SPDX-License-Identifier: Apache-2.0
#include <map>
#include <ostream>
#include <set>

#include <nlohmann/json.hpp>

#include "seccompd/cli/audit.h"

#include "table.h"

namespace seccompd::cli {
namespace {

using nlohmann::json;

std::string TextOf(const json& object, const char* field) {
  const auto it = object.find(field);
  if (it == object.end()) return "";
  return it->is_string() ? it->get<std::string>() : it->dump();
}

// "True", "False" or "Unknown".
std::string ConditionOf(const json& status, std::string_view type) {
  for (const json& condition : status.value("conditions", json::array())) {
    if (TextOf(condition, "type") == type) return TextOf(condition, "status");
  }
  return "Unknown";
}

struct Finding {
  std::string node, what, message;
};

void FindProfiles(const std::string& node, const json& status, std::vector<Finding>& findings) {
  for (const json& profile : status.value("profiles", json::array())) {
    const std::string state = TextOf(profile, "state");
    if (state == "Installed" || state == "Deleting") continue;
    findings.push_back({node,
                        TextOf(profile, "namespace") + "/" + TextOf(profile, "name") + " " + state,
                        TextOf(profile, "message")});
  }
  for (const char* type : {"Synced", "Healthy"}) {
    if (ConditionOf(status, type) == "True") continue;
    std::string message = "no such condition is reported";
    for (const json& condition : status.value("conditions", json::array())) {
      if (TextOf(condition, "type") == type) message = TextOf(condition, "message");
    }
    findings.push_back({node, std::string("not ") + type, message});
  }
}

// Nodes that know the same objects and have the same facts and rules must hold the same bytes.
void CompareContent(const json& items, std::vector<Finding>& findings) {
  std::map<std::string, std::map<std::string, std::set<std::string>>> by_intent;
  for (const json& item : items) {
    const json status = item.value("status", json::object());
    const std::string same =
        TextOf(status, "intentDigest") + TextOf(status, "factsDigest") + TextOf(status, "ruleSet");
    if (status.empty()) continue;
    by_intent[same][TextOf(status, "contentDigest")].insert(item.at("metadata").value("name", ""));
  }
  for (const auto& [intent, contents] : by_intent) {
    if (contents.size() < 2) continue;
    for (const auto& [content, nodes] : contents) {
      findings.push_back({*nodes.begin(), "content differs",
                          std::to_string(nodes.size()) + " node(s) hold " + content.substr(0, 12) +
                              " for the same profiles; see their logs and profiles[]"});
    }
  }
}

}  // namespace

Result<bool> AuditCluster(kube::ApiClient& api, OutputFormat format, std::ostream& out) {
  const Result<std::string> body = api.Get("/apis/seccompd.io/v1alpha1/nodeseccompstates", {});
  if (!body.ok()) return Wrap(body.error(), "list NodeSeccompStates");
  const json list = json::parse(*body, nullptr, false);
  if (!list.is_object() || !list.contains("items") || !list["items"].is_array()) {
    return Error{ErrorCode::kTransient, "the API server's list of NodeSeccompStates has no items"};
  }
  std::vector<Finding> findings;
  Table table({"NODE", "SYNCED", "HEALTHY", "DESIRED", "INSTALLED", "INVALID", "DENIED", "FAILED",
               "CONTENT"});
  for (const json& item : list["items"]) {
    const std::string node = item.value("metadata", json::object()).value("name", "");
    const json status = item.value("status", json::object());
    table.Add({node, ConditionOf(status, "Synced"), ConditionOf(status, "Healthy"),
               TextOf(status, "desired"), TextOf(status, "installed"), TextOf(status, "invalid"),
               TextOf(status, "denied"), TextOf(status, "failed"),
               TextOf(status, "contentDigest").substr(0, 12)});
    FindProfiles(node, status, findings);
  }
  CompareContent(list["items"], findings);
  if (format == OutputFormat::kJson) {
    json rows = json::array();
    for (const Finding& f : findings)
      rows.push_back({{"node", f.node}, {"what", f.what}, {"message", f.message}});
    out << json{{"nodes", list["items"].size()}, {"findings", rows}}.dump(2) << '\n';
    return findings.empty();
  }
  if (table.is_empty()) {
    out << "no NodeSeccompState: is the agent running on any node?\n";
    return false;
  }
  table.Print(out);
  Table faults({"NODE", "FINDING", "MESSAGE"});
  for (const Finding& finding : findings) faults.Add({finding.node, finding.what, finding.message});
  if (!faults.is_empty()) {
    out << '\n';
    faults.Print(out);
  }
  return findings.empty();
}

}  // namespace seccompd::cli
