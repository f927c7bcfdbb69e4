// SPDX-License-Identifier: Apache-2.0
// contentDigest, recomputed: SHA-256 over sorted (namespace/name, sha256 of the file). What a node
// says of a profile that is not installed at its newest version is believed; every other file must
// be what its object gives on such a node. With which --runtime and --ceiling an agent judges is
// not in its report, but its factsDigest is over both, and there are few.
#include <algorithm>
#include <mutex>
#include <set>

#include "seccompd/base/digest.h"
#include "seccompd/profile/builtins.h"
#include "seccompd/profile/rule_set.h"

#include "cluster_audit.h"
#include "input.h"
#include "parallel.h"

namespace seccompd::cli {
namespace {

using nlohmann::json;

constexpr int kMostRounds = 6;  // as the agent: four levels of bases

struct Settings {
  profile::NodeContext node;
  std::string ceiling;
  std::string context;
};

std::vector<std::string> Ceilings() {
  std::vector<std::string> names{"none"};
  for (const profile::Builtin& builtin : profile::AllBuiltins()) names.emplace_back(builtin.name);
  return names;
}

// What a node's report lists, by key.
std::map<std::string, json> ListedProfiles(const json& status) {
  std::map<std::string, json> listed;
  for (const json& row : status.value("profiles", json::array()))
    listed[TextOf(row, "namespace") + "/" + TextOf(row, "name")] = row;
  return listed;
}

std::string FactsDigest(const std::string& context, const std::map<std::string, json>& listed) {
  Sha256 sha;
  sha.UpdateField(context);
  for (const auto& [key, row] : listed) {
    if (TextOf(row, "state") == "Skipped") sha.UpdateField(key);
  }
  return sha.FinishHex();
}

// The settings whose digest the node reports. Nothing: none that this program knows.
std::optional<Settings> SettingsOf(const json& status, const std::string& rule_set,
                                   const std::map<std::string, json>& listed) {
  const json facts = status.value("facts", json::object());
  const Result<std::string> architecture = ArchitectureOf(TextOf(facts, "architecture"));
  if (!architecture.ok() || TextOf(facts, "architecture").empty()) return std::nullopt;
  for (const char* runtime : {"both", "runc", "crun"}) {
    for (const std::string& ceiling : Ceilings()) {
      Settings settings{{*architecture, TextOf(facts, "kernelVersion"), {}, runtime}, ceiling, ""};
      settings.context = profile::ContextOf(rule_set, settings.node, ceiling);
      if (FactsDigest(settings.context, listed) == TextOf(status, "factsDigest")) return settings;
    }
  }
  return std::nullopt;
}

class Renderer {
 public:
  Renderer(compiler::Compiler& compiler, const ClusterLists& lists)
      : compiler_(compiler), lists_(lists) {}

  // The file of every profile under these settings, by key; "" where it is refused.
  Result<std::map<std::string, std::string>> RenderAll(const Settings& settings) {
    std::vector<const std::pair<const std::string, ProfileObject>*> rows;
    for (const auto& row : lists_.profiles) rows.push_back(&row);
    std::mutex mutex;
    std::map<std::string, std::string> digests;  // guarded by mutex
    const Result<void> done = InParallel(rows.size(), [&](std::size_t at) -> Result<void> {
      const Result<std::string> bytes = Render(rows[at]->first, rows[at]->second, settings);
      if (!bytes.ok()) return Wrap(bytes.error(), rows[at]->first);
      const std::lock_guard lock(mutex);
      digests[rows[at]->first] = bytes->empty() ? "" : Sha256Hex(*bytes);
      return {};
    });
    if (!done.ok()) return done.error();
    return digests;
  }

 private:
  Result<std::string> Render(const std::string& key, const ProfileObject& object,
                             const Settings& settings) {
    compiler::CompileRequest request{object.spec, settings.node, {}, settings.ceiling, false};
    request.node.labels = object.node_selector;  // as on a node that it selects
    const std::string name_space = key.substr(0, key.find('/') + 1);
    for (int round = 0; round < kMostRounds; ++round) {
      const Result<compiler::CompileAnswer> answer = compiler_.Compile(request);
      if (!answer.ok() && answer.error().code == ErrorCode::kInvalid) return std::string();
      if (!answer.ok()) return answer.error();
      if (!answer->needs_bases) return answer->bytes;
      for (const std::string& name : answer->bases) {
        const bool has = std::any_of(request.bases.begin(), request.bases.end(),
                                     [&](const auto& base) { return base.name == name; });
        if (has) continue;
        const auto base = lists_.profiles.find(name_space + name);
        request.bases.push_back({name, std::nullopt});
        if (base != lists_.profiles.end()) request.bases.back().spec = base->second.spec;
      }
    }
    return std::string();
  }

  compiler::Compiler& compiler_;
  const ClusterLists& lists_;
};

bool Selects(const ProfileObject& object, const profile::NodeContext& node) {
  return std::all_of(object.node_selector.begin(), object.node_selector.end(),
                     [&](const auto& wanted) {
                       const auto label = node.labels.find(wanted.first);
                       return label != node.labels.end() && label->second == wanted.second;
                     });
}

// The digest that a node must report, and by the way which of the files that it names is another.
ContentVerdict Compare(const ClusterLists& lists, const std::string& node, const json& status,
                       const std::map<std::string, json>& listed,
                       const std::map<std::string, std::string>& rendered) {
  std::map<std::string, std::string> files;
  std::set<std::string> others;
  for (const auto& [key, digest] : rendered) {
    const bool knows = lists.nodes && lists.nodes->contains(node);
    if (!knows || Selects(lists.profiles.at(key), lists.nodes->at(node))) files[key] = digest;
    if (files.contains(key) && digest.empty() && !listed.contains(key)) others.insert(key);
  }
  for (const auto& [key, row] : listed) {
    const auto object = lists.profiles.find(key);
    const bool is_newest =
        object != lists.profiles.end() && TextOf(row, "state") == "Installed" &&
        TextOf(row, "installedGeneration") == std::to_string(object->second.generation);
    if (is_newest && files.contains(key)) {
      if (files.at(key) != TextOf(row, "sha256")) others.insert(key);
    } else if (TextOf(row, "sha256").empty()) {
      files.erase(key);
    } else {
      files[key] = TextOf(row, "sha256");
    }
  }
  Sha256 sha;
  for (const auto& [key, digest] : files) {
    if (digest.empty()) continue;
    sha.UpdateField(key);
    sha.UpdateField(digest);
  }
  const std::string expected = sha.FinishHex();
  if (expected == TextOf(status, "contentDigest")) return {ContentCheck::kSame, ""};
  std::string why = "its contentDigest is " + TextOf(status, "contentDigest").substr(0, 12) +
                    ", the objects give " + expected.substr(0, 12);
  if (!others.empty()) why += "; " + *others.begin() + " differs";
  return {ContentCheck::kOther, why};
}

}  // namespace

Result<std::map<std::string, ContentVerdict>> CheckContent(const StartedCompiler& started,
                                                           const ClusterLists& lists) {
  const std::string rule_set = profile::RuleSet(started.libseccomp);
  std::map<std::string, ContentVerdict> verdicts;
  std::map<std::string, std::map<std::string, std::string>> rendered;  // by context
  Renderer renderer(*started.compiler, lists);
  for (const json& state : lists.states) {
    const std::string node = state.value("metadata", json::object()).value("name", "");
    const json status = state.value("status", json::object());
    ContentVerdict& verdict = verdicts[node];
    if (TextOf(status, "ruleSet") != rule_set) {
      verdict.why = "its rule set is " + TextOf(status, "ruleSet") + ", this program's " + rule_set;
      continue;
    }
    if (status.value("truncated", false)) {
      verdict.why = "its list is cut";
      continue;
    }
    const std::map<std::string, json> listed = ListedProfiles(status);
    const auto settings = SettingsOf(status, rule_set, listed);
    if (!settings) {
      verdict.why = "its settings are none that this program knows";
      continue;
    }
    if (!rendered.contains(settings->context)) {
      auto all = renderer.RenderAll(*settings);
      if (!all.ok()) return all.error();
      rendered[settings->context] = *std::move(all);
    }
    verdict = Compare(lists, node, status, listed, rendered.at(settings->context));
  }
  return verdicts;
}

}  // namespace seccompd::cli
