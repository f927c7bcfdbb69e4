// SPDX-License-Identifier: Apache-2.0
#include <unistd.h>

#include <algorithm>
#include <ostream>
#include <thread>

#include "local_audit.h"
#include "table.h"

namespace seccompd::cli {
namespace {

using nlohmann::ordered_json;

// The record follows the disk by a second at most: what is a fault is one still after this long.
constexpr std::chrono::milliseconds kSecondLook{1500};

struct Looked {
  node::Survey survey;
  JudgedDisk disk;
};

std::int64_t UnixSeconds(const Clock& clock) {
  return std::chrono::duration_cast<std::chrono::seconds>(clock.Now().time_since_epoch()).count();
}

// Of an agent with --manifests: its record knows no cluster.
bool IsStandalone(const node::Survey& survey) {
  return survey.record.ok() && survey.record->cluster.empty() &&
         survey.record->resource_version.empty() && !survey.record->entries.empty();
}

Result<Looked> LookOnce(const LocalAuditOptions& options, const Clock& clock) {
  Result<node::Survey> survey = node::LookAtDisk(
      node::RealFileSystem(),
      {options.seccomp_root, options.state_dir, static_cast<bool>(options.start_compiler)});
  if (!survey.ok()) return survey.error();
  Expected expected;
  expected.now = UnixSeconds(clock);
  if (::geteuid() != 0) {  // an agent of this user's own
    expected.owner = survey->state_dir.found.st_uid;
    expected.group = survey->state_dir.found.st_gid;
  }
  if (options.standalone || IsStandalone(*survey)) {
    expected.directory_mode = 0755;
    expected.file_mode = 0644;
  }
  JudgedDisk disk = JudgeDisk(*survey, expected);
  return Looked{*std::move(survey), std::move(disk)};
}

Result<Looked> LookTwice(const LocalAuditOptions& options, const Clock& clock) {
  Result<Looked> first = LookOnce(options, clock);
  if (!first.ok() || !first->survey.agent || first->disk.findings.empty()) return first;
  std::this_thread::sleep_for(kSecondLook);
  Result<Looked> second = LookOnce(options, clock);
  if (!second.ok()) return second;
  std::vector<Finding> both;
  const auto is_same = [](const Finding& a, const Finding& b) {
    return a.code == b.code && a.where == b.where;
  };
  for (const Finding& finding : second->disk.findings) {
    const bool stays = std::any_of(first->disk.findings.begin(), first->disk.findings.end(),
                                   [&](const Finding& old) { return is_same(old, finding); });
    if (stays) both.push_back(finding);
  }
  second->disk.findings = std::move(both);
  return second;
}

Result<Proof> ProveAll(const LocalAuditOptions& options, Looked& looked, std::string& ceiling) {
  const auto started = options.start_compiler();
  if (!started.ok()) return started.error();
  ceiling = options.ceiling;
  if (ceiling.empty()) {
    ceiling =
        options.standalone || IsStandalone(looked.survey) ? "none" : "builtin/runtime-default-v1";
  }
  return ProveProfiles(*started->compiler,
                       {options.architecture, options.kernel, options.runtime, ceiling},
                       looked.survey, looked.disk);
}

std::string AgeText(std::int64_t seconds) {
  if (seconds < 120) return std::to_string(std::max<std::int64_t>(seconds, 0)) + "s";
  if (seconds < 7200) return std::to_string(seconds / 60) + "m";
  return std::to_string(seconds / 3600) + "h";
}

std::string GenerationOf(const node::RecordEntry& entry) {
  if (entry.installed_generation == entry.desired_generation)
    return std::to_string(entry.desired_generation);
  return (entry.sha256.empty() ? "-" : std::to_string(entry.installed_generation)) + " (wanted " +
         std::to_string(entry.desired_generation) + ")";
}

std::string OrDash(const std::string& text) { return text.empty() ? "-" : text; }

void PrintTable(const Looked& looked, const std::optional<Proof>& proof, std::int64_t now,
                std::ostream& out) {
  const node::Survey& survey = looked.survey;
  out << "agent: "
      << (survey.agent ? "runs (pid " + std::to_string(*survey.agent) + ")" : "does not run")
      << "; record: ";
  if (survey.record.ok())
    out << survey.record->entries.size() << " profiles, saved "
        << AgeText(now - survey.record_saved) << " ago\n\n";
  else
    out << "none that can be used\n\n";
  Table table({"NAMESPACE", "NAME", "STATE", "GENERATION", "FILE", "COMPILED", "SHA256"});
  for (const JudgedProfile& row : looked.disk.profiles) {
    const auto slash = row.key.find('/');
    table.Add({row.key.substr(0, slash), row.key.substr(slash + 1), row.entry.state,
               GenerationOf(row.entry), row.file, OrDash(row.compiled),
               OrDash(row.entry.sha256.substr(0, 12))});
  }
  if (table.is_empty())
    out << "no profiles\n";
  else
    table.Print(out);
  PrintFindings(looked.disk.findings, out);
  out << '\n'
      << looked.disk.profiles.size() << " profiles, " << looked.disk.findings.size() << " findings";
  if (proof) out << ", " << proof->compiled << " contents compiled anew";
  out << '\n';
  if (proof && proof->not_held_against_ceiling > 0) {
    out << proof->not_held_against_ceiling
        << " that log what the ceiling denies were taken for dry runs (mode: Log)\n";
  }
}

ordered_json Document(const Looked& looked, const std::optional<Proof>& proof,
                      const std::string& ceiling) {
  const node::Survey& survey = looked.survey;
  ordered_json document{{"agentRuns", survey.agent.has_value()}};
  if (survey.agent) document["agentPid"] = *survey.agent;
  if (survey.record.ok()) {
    document["recordSaved"] = FormatRfc3339(
        std::chrono::system_clock::time_point(std::chrono::seconds(survey.record_saved)));
  }
  if (proof) {
    document["ceiling"] = ceiling;
    document["contentsCompiled"] = proof->compiled;
    document["takenForDryRuns"] = proof->not_held_against_ceiling;
  }
  ordered_json& rows = document["profiles"] = ordered_json::array();
  for (const JudgedProfile& row : looked.disk.profiles) {
    const auto slash = row.key.find('/');
    ordered_json one{{"namespace", row.key.substr(0, slash)},
                     {"name", row.key.substr(slash + 1)},
                     {"state", row.entry.state},
                     {"desiredGeneration", row.entry.desired_generation},
                     {"installedGeneration", row.entry.installed_generation},
                     {"file", row.file},
                     {"sha256", row.entry.sha256}};
    if (!row.compiled.empty()) one["compiled"] = row.compiled;
    if (!row.entry.reason.empty()) one["reason"] = row.entry.reason;
    if (!row.entry.message.empty()) one["message"] = Printable(row.entry.message);
    rows.push_back(std::move(one));
  }
  document["findings"] = ToJson(looked.disk.findings);
  return document;
}

}  // namespace

Result<bool> AuditLocal(const LocalAuditOptions& options, const Clock& clock, OutputFormat format,
                        std::ostream& out) {
  Result<Looked> looked = LookTwice(options, clock);
  if (!looked.ok()) return looked.error();
  const node::Survey& survey = looked->survey;
  if (survey.state_dir.error == ENOENT && survey.entries.empty()) {
    return Error{ErrorCode::kNotFound,
                 options.state_dir + " and " + options.seccomp_root +
                     "/tenants are not there: has an agent ever run here? (--state-dir and "
                     "--seccomp-root name its directories)"};
  }
  std::optional<Proof> proof;
  std::string ceiling;
  if (options.start_compiler) {
    Result<Proof> proven = ProveAll(options, *looked, ceiling);
    if (!proven.ok()) return Wrap(proven.error(), "compile anew (--no-recompile does without)");
    proof = *proven;
  }
  if (format == OutputFormat::kTable)
    PrintTable(*looked, proof, UnixSeconds(clock), out);
  else
    PrintDocument(Document(*looked, proof, ceiling), format, out);
  return looked->disk.findings.empty();
}

}  // namespace seccompd::cli
