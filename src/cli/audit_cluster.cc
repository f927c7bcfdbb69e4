// SPDX-License-Identifier: Apache-2.0
#include <time.h>

#include <map>
#include <ostream>
#include <set>
#include <tuple>

#include "seccompd/base/digest.h"

#include "cluster_audit.h"
#include "table.h"

namespace seccompd::cli {
namespace {

using nlohmann::json;
using nlohmann::ordered_json;

constexpr std::int64_t kThreeRenewals = 900;  // seconds; a Lease is renewed every 5 minutes
constexpr std::size_t kNodesNamed = 3;

struct NodeRow {
  std::string name;
  json status;
  std::optional<std::int64_t> reported;  // seconds ago
  ContentVerdict content;
};

std::optional<std::int64_t> SecondsSince(const std::string& rfc3339, const Clock& clock) {
  std::tm parts{};
  if (::strptime(rfc3339.c_str(), "%Y-%m-%dT%H:%M:%S", &parts) == nullptr) return std::nullopt;
  const auto now =
      std::chrono::duration_cast<std::chrono::seconds>(clock.Now().time_since_epoch()).count();
  return now - ::timegm(&parts);
}

std::string AgeText(const std::optional<std::int64_t>& seconds) {
  if (!seconds) return "-";
  if (*seconds < 120) return std::to_string(std::max<std::int64_t>(*seconds, 0)) + "s";
  if (*seconds < 7200) return std::to_string(*seconds / 60) + "m";
  return std::to_string(*seconds / 3600) + "h";
}

json ConditionOf(const json& status, std::string_view type) {
  for (const json& condition : status.value("conditions", json::array())) {
    if (TextOf(condition, "type") == type) return condition;
  }
  return {{"status", "Unknown"}, {"message", "no such condition is reported"}};
}

std::string IntentDigest(const ClusterLists& lists) {
  Sha256 sha;
  for (const auto& [key, object] : lists.profiles) {
    sha.UpdateField(key);
    sha.UpdateField(object.uid);
    sha.UpdateField(std::to_string(object.generation));
  }
  return sha.FinishHex();
}

// One row for what many nodes have in common.
class Findings {
 public:
  void Add(AuditCode code, const std::string& where, const std::string& message,
           const std::string& node) {
    nodes_[{code, where, message}].push_back(node);
  }
  std::vector<Finding> All() const {
    std::vector<Finding> all;
    for (const auto& [what, nodes] : nodes_) {
      const auto& [code, where, message] = what;
      all.push_back({code, where.empty() ? Named(nodes) : where,
                     where.empty() ? message : message + " (on " + Named(nodes) + ")", nodes});
    }
    return all;
  }

 private:
  static std::string Named(const std::vector<std::string>& nodes) {
    std::string text;
    for (std::size_t i = 0; i < nodes.size() && i < kNodesNamed; ++i)
      text += (i == 0 ? "" : ", ") + nodes[i];
    if (nodes.size() > kNodesNamed)
      text += " and " + std::to_string(nodes.size() - kNodesNamed) + " more";
    return text;
  }
  std::map<std::tuple<AuditCode, std::string, std::string>, std::vector<std::string>> nodes_;
};

void JudgeNode(const NodeRow& row, const ClusterLists& lists, const std::string& intent,
               Findings& findings) {
  const json& status = row.status;
  if (lists.leases && !row.reported)
    findings.Add(AuditCode::kNotReporting, "", "it has no Lease", row.name);
  else if (lists.leases && *row.reported > kThreeRenewals)
    findings.Add(AuditCode::kNotReporting, "", "last heard " + AgeText(row.reported) + " ago",
                 row.name);
  const json synced = ConditionOf(status, "Synced");
  if (synced["status"] != "True")
    findings.Add(AuditCode::kNotSynced, "", TextOf(synced, "message"), row.name);
  const json healthy = ConditionOf(status, "Healthy");
  if (healthy["status"] != "True")
    findings.Add(AuditCode::kNotHealthy, "", TextOf(healthy, "message"), row.name);
  if (TextOf(status, "intentDigest") != intent)
    findings.Add(AuditCode::kOtherIntent, "",
                 "it knows " + TextOf(status, "desired") + " profiles, the API server has " +
                     std::to_string(lists.profiles.size()) + ", and not the same ones",
                 row.name);
  else if (row.content.check == ContentCheck::kOther)
    findings.Add(AuditCode::kOtherContent, "", row.content.why, row.name);
  if (status.value("truncated", false))
    findings.Add(AuditCode::kListCut, "", "its profiles[] is cut", row.name);
  for (const json& profile : status.value("profiles", json::array())) {
    const std::string state = TextOf(profile, "state");
    const bool is_newest =
        TextOf(profile, "installedGeneration") == TextOf(profile, "desiredGeneration");
    if (state == "Deleting" || state == "Skipped" || (state == "Installed" && is_newest)) continue;
    findings.Add(AuditCode::kNotInstalled,
                 TextOf(profile, "namespace") + "/" + TextOf(profile, "name"),
                 state + ": " + TextOf(profile, "message"), row.name);
  }
}

// Nodes that know the same objects and have the same facts and rules must hold the same bytes. For
// those whose content could not be recomputed.
void HoldAgainstEachOther(const std::vector<NodeRow>& rows, Findings& findings) {
  std::map<std::string, std::map<std::string, std::vector<const NodeRow*>>> alike;
  for (const NodeRow& row : rows) {
    if (row.content.check != ContentCheck::kNotDone || row.status.empty()) continue;
    const std::string same = TextOf(row.status, "intentDigest") +
                             TextOf(row.status, "factsDigest") + TextOf(row.status, "ruleSet");
    // Files of old versions differ by each node's history.
    if (!row.status.value("profiles", json::array()).empty()) continue;
    alike[same][TextOf(row.status, "contentDigest")].push_back(&row);
  }
  for (const auto& [same, contents] : alike) {
    if (contents.size() < 2) continue;
    std::size_t most = 0;
    for (const auto& [content, nodes] : contents) most = std::max(most, nodes.size());
    for (const auto& [content, nodes] : contents) {
      if (nodes.size() == most && most > 1) continue;
      for (const NodeRow* row : nodes)
        findings.Add(
            AuditCode::kOtherContent, "",
            "its contentDigest is " + content.substr(0, 12) + ", another than on nodes like it",
            row->name);
    }
  }
}

std::string CheckedText(const ContentVerdict& content) {
  if (content.check == ContentCheck::kSame) return "same";
  return content.check == ContentCheck::kOther ? "other" : "-";
}

void PrintTable(const std::vector<NodeRow>& rows, const ClusterLists& lists,
                const std::vector<Finding>& findings, std::ostream& out) {
  if (rows.empty()) {
    out << "no NodeSeccompState: is the agent running on any node?\n";
  } else {
    Table table({"NODE", "SYNCED", "HEALTHY", "DESIRED", "INSTALLED", "INVALID", "DENIED", "FAILED",
                 "HEARD", "CONTENT", "CHECKED"});
    for (const NodeRow& row : rows) {
      const json& status = row.status;
      table.Add({row.name, TextOf(ConditionOf(status, "Synced"), "status"),
                 TextOf(ConditionOf(status, "Healthy"), "status"), TextOf(status, "desired"),
                 TextOf(status, "installed"), TextOf(status, "invalid"), TextOf(status, "denied"),
                 TextOf(status, "failed"), AgeText(row.reported),
                 TextOf(status, "contentDigest").substr(0, 12), CheckedText(row.content)});
    }
    table.Print(out);
  }
  PrintFindings(findings, out);
  std::set<std::string> notes(lists.notes.begin(), lists.notes.end());
  for (const NodeRow& row : rows) {
    if (!row.content.why.empty() && row.content.check == ContentCheck::kNotDone)
      notes.insert("content not recomputed: " + row.content.why);
  }
  if (!notes.empty()) out << "\nNOT LOOKED AT\n";
  for (const std::string& note : notes) out << Printable(note) << '\n';
}

ordered_json Document(const std::vector<NodeRow>& rows, const ClusterLists& lists,
                      const std::vector<Finding>& findings) {
  ordered_json nodes = ordered_json::array();
  for (const NodeRow& row : rows) {
    ordered_json one{{"name", row.name},
                     {"synced", TextOf(ConditionOf(row.status, "Synced"), "status")},
                     {"healthy", TextOf(ConditionOf(row.status, "Healthy"), "status")}};
    for (const char* count : {"desired", "installed", "invalid", "denied", "failed"})
      one[count] = row.status.value(count, 0);
    if (row.reported) one["heardSecondsAgo"] = *row.reported;
    one["contentDigest"] = TextOf(row.status, "contentDigest");
    one["contentChecked"] = CheckedText(row.content);
    nodes.push_back(std::move(one));
  }
  return {{"profiles", lists.profiles.size()},
          {"nodes", std::move(nodes)},
          {"findings", ToJson(findings)},
          {"notLookedAt", lists.notes}};
}

Result<std::vector<NodeRow>> MakeRows(const ClusterAuditOptions& options, const Clock& clock,
                                      const ClusterLists& lists) {
  std::map<std::string, ContentVerdict> contents;
  if (options.start_compiler && !lists.states.empty()) {
    const auto started = options.start_compiler();
    if (!started.ok()) return started.error();
    auto checked = CheckContent(*started, lists);
    if (!checked.ok()) return Wrap(checked.error(), "compile anew (--no-recompile does without)");
    contents = *std::move(checked);
  }
  std::vector<NodeRow> rows;
  for (const json& state : lists.states) {
    NodeRow row;
    row.name = state.value("metadata", json::object()).value("name", "");
    row.status = state.value("status", json::object());
    row.content = contents[row.name];
    if (lists.leases) {
      if (const auto lease = lists.leases->find(row.name); lease != lists.leases->end())
        row.reported = SecondsSince(lease->second, clock);
    }
    rows.push_back(std::move(row));
  }
  return rows;
}

}  // namespace

Result<bool> AuditCluster(kube::ApiClient& api, const ClusterAuditOptions& options,
                          const Clock& clock, OutputFormat format, std::ostream& out) {
  const Result<ClusterLists> lists = ReadCluster(api, options.lease_namespace);
  if (!lists.ok()) return lists.error();
  const Result<std::vector<NodeRow>> rows = MakeRows(options, clock, *lists);
  if (!rows.ok()) return rows.error();
  Findings findings;
  const std::string intent = IntentDigest(*lists);
  for (const NodeRow& row : *rows) JudgeNode(row, *lists, intent, findings);
  HoldAgainstEachOther(*rows, findings);
  std::set<std::string> have_state;
  for (const NodeRow& row : *rows) have_state.insert(row.name);
  if (lists->nodes) {
    for (const auto& [name, node] : *lists->nodes) {
      if (!have_state.contains(name))
        findings.Add(AuditCode::kNoState, "", "nothing is known of it", name);
    }
  }
  const std::vector<Finding> all = findings.All();
  if (format == OutputFormat::kTable)
    PrintTable(*rows, *lists, all, out);
  else
    PrintDocument(Document(*rows, *lists, all), format, out);
  return all.empty() && !rows->empty();
}

}  // namespace seccompd::cli
