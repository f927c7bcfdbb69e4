// SPDX-License-Identifier: Apache-2.0
#include "findings.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <ostream>
#include <set>

#include "table.h"

namespace seccompd::cli {
namespace {

using nlohmann::ordered_json;

constexpr std::array<AuditCodeRow, 30> kCodes = {{
    {AuditCode::kRecordMissing, "RecordMissing", "There are files and no record of what they are",
     "start the agent: it makes the record anew from the disk and the API; or name another "
     "--state-dir"},
    {AuditCode::kRecordDamaged, "RecordDamaged", "The record cannot be read",
     "restart the agent: it makes the record anew; no file is lost"},
    {AuditCode::kStateDirUnsafe, "StateDirUnsafe",
     "The state directory is not the agent's alone (owner root, mode 0700, no symlink)",
     "find out who changed it; then chown root:root and chmod 0700"},
    {AuditCode::kRootUnsafe, "RootUnsafe",
     "The seccomp directory is not root's alone to write, is a symlink or is not there",
     "find out who changed it; the agent writes nothing there until it is root's directory"},
    {AuditCode::kDirectoryMissing, "DirectoryMissing", "A directory of profiles is not there",
     "a running agent makes it anew at once; start it"},
    {AuditCode::kDirectoryType, "DirectoryType", "Something else is in a directory's place",
     "find out who put it there; a running agent replaces it"},
    {AuditCode::kDirectoryOwner, "DirectoryOwner", "A directory is not root's",
     "find out who changed it; a running agent replaces it"},
    {AuditCode::kDirectoryMode, "DirectoryMode", "A directory has another mode than it was given",
     "find out who changed it; a running agent replaces it"},
    {AuditCode::kFileMissing, "FileMissing", "An installed profile's file is not there",
     "a running agent restores it from its copy; containers that name it do not start until then"},
    {AuditCode::kFileType, "FileType", "Something else is in a profile's place",
     "find out who put it there; a running agent replaces it"},
    {AuditCode::kFileOwner, "FileOwner", "A profile is not root's",
     "find out who changed it; a running agent replaces it"},
    {AuditCode::kFileMode, "FileMode", "A profile has another mode than it was given",
     "find out who changed it; a running agent replaces it"},
    {AuditCode::kFileLinks, "FileLinks", "A profile has a second name (hard link) somewhere",
     "find it (find -xdev -samefile FILE): who writes there writes the profile"},
    {AuditCode::kFileContent, "FileContent", "A profile has other bytes than were written",
     "find out who wrote it, and which containers started since; a running agent restores it"},
    {AuditCode::kFileUnreadable, "FileUnreadable", "A file could not be read",
     "see the message; an I/O error is the disk's"},
    {AuditCode::kForeignEntry, "ForeignEntry", "Nobody accounts for an entry below tenants/",
     "remove it if no pod names it; the agent leaves it alone"},
    {AuditCode::kTemporaryLeft, "TemporaryLeft", "A temporary file was left by a crash",
     "nothing: the next agent removes it"},
    {AuditCode::kCopyMissing, "CopyMissing", "The cache has no copy of a profile's bytes",
     "nothing: repair then compiles the profile again, which needs the API server"},
    {AuditCode::kCopyDamaged, "CopyDamaged", "The cache's copy of a profile has other bytes",
     "find out who writes in the state directory; the copy is never used"},
    {AuditCode::kDoesNotCompile, "DoesNotCompile", "An installed profile does not compile any more",
     "see the message: libseccomp, the kernel or this seccompd differs from the one that wrote it"},
    {AuditCode::kOtherBytes, "OtherBytes", "Compiled anew, an installed profile gives other bytes",
     "restart the agent: another version of seccompd wrote it"},
    {AuditCode::kAboveCeiling, "AboveCeiling",
     "An installed profile lets through what the ceiling "
     "denies",
     "give the agent's own --ceiling; if it is that one, another setting was in force when it was "
     "written: restart the agent"},
    {AuditCode::kNotInstalled, "NotInstalled", "A profile is not on the node at its newest version",
     "see its state and message; mend the object"},
    {AuditCode::kNoState, "NoState", "A node has no NodeSeccompState",
     "is an agent running there? kubectl -n seccompd-system get pods -o wide"},
    {AuditCode::kNotReporting, "NotReporting", "A node's Lease was not renewed for three renewals",
     "what its state says is old: see that node's agent and its log"},
    {AuditCode::kNotSynced, "NotSynced", "The condition Synced is not True",
     "see its message and that agent's log: the API server, or a right that is missing"},
    {AuditCode::kNotHealthy, "NotHealthy", "The condition Healthy is not True",
     "see its message: disk, compiler or the mass-deletion guard"},
    {AuditCode::kOtherIntent, "OtherIntent", "A node knows other objects than the API server has",
     "run it again: reports follow changes by seconds, many changes by a minute; if it stays, see "
     "that agent's log"},
    {AuditCode::kOtherContent, "OtherContent",
     "A node's files are others than the objects say for such a node",
     "on that node: seccompd audit --local"},
    {AuditCode::kListCut, "ListCut", "A node's report lists not all that is wrong there",
     "mend what is listed; on that node: seccompd audit --local lists all"},
}};

bool IsPlainYaml(const std::string& text) {
  constexpr std::string_view kPlain =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/._-";
  static constexpr std::array<std::string_view, 10> kWords = {
      "true", "false", "null", "yes", "no", "on", "off", "y", "n", "nan"};
  if (text.empty() || text.find_first_not_of(kPlain) != std::string::npos) return false;
  const char first = text.front();
  const bool is_letter = (first >= 'a' && first <= 'z') || (first >= 'A' && first <= 'Z');
  if (!is_letter && first != '/') return false;
  std::string lower = text;
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  return std::find(kWords.begin(), kWords.end(), lower) == kWords.end();
}

std::string Scalar(const ordered_json& value) {
  if (value.is_string() && IsPlainYaml(value.get<std::string>())) return value.get<std::string>();
  return value.dump(-1, ' ', false, ordered_json::error_handler_t::replace);
}

// `lead`: what the first line already has before it.
void PrintYaml(const ordered_json& value, const std::string& indent, const std::string& lead,
               std::ostream& out) {
  if (value.empty() || value.is_primitive()) {
    out << lead << ' ' << Scalar(value) << '\n';
    return;
  }
  std::string before = indent;
  if (lead.ends_with(':')) {
    out << lead << '\n';
  } else if (!lead.empty()) {
    before = lead + ' ';  // the first line of a list's element
  }
  if (value.is_array()) {
    for (const ordered_json& element : value) PrintYaml(element, indent + "  ", indent + "-", out);
    return;
  }
  for (const auto& [key, member] : value.items()) {
    const std::string below = member.is_array() ? indent : indent + "  ";
    PrintYaml(member, below, before + Scalar(ordered_json(key)) + ":", out);
    before = indent;
  }
}

}  // namespace

std::span<const AuditCodeRow> AuditCodeTable() { return kCodes; }

const AuditCodeRow& RowOf(AuditCode code) {
  for (const AuditCodeRow& row : kCodes) {
    if (row.code == code) return row;
  }
  std::abort();
}

std::string Printable(const std::string& text) {
  std::string clean =
      ordered_json(text).dump(-1, ' ', false, ordered_json::error_handler_t::replace);
  clean = ordered_json::parse(clean).get<std::string>();
  for (char& c : clean) {
    if ((c >= 0 && c < 0x20) || c == 0x7f) c = '?';
  }
  return clean;
}

void PrintFindings(const std::vector<Finding>& findings, std::ostream& out) {
  if (findings.empty()) return;
  Table table({"FINDING", "WHERE", "MESSAGE"});
  std::set<AuditCode> kinds;
  for (const Finding& finding : findings) {
    table.Add({std::string(RowOf(finding.code).name), Printable(finding.where),
               Printable(finding.message)});
    kinds.insert(finding.code);
  }
  out << '\n';
  table.Print(out);
  out << "\nTO DO\n";
  for (const AuditCode kind : kinds) {
    out << RowOf(kind).name << ": " << RowOf(kind).what_to_do << '\n';
  }
}

ordered_json ToJson(const std::vector<Finding>& findings) {
  ordered_json rows = ordered_json::array();
  for (const Finding& finding : findings) {
    rows.push_back({{"code", RowOf(finding.code).name},
                    {"where", Printable(finding.where)},
                    {"message", Printable(finding.message)},
                    {"toDo", RowOf(finding.code).what_to_do}});
    if (!finding.nodes.empty()) rows.back()["nodes"] = finding.nodes;
  }
  return rows;
}

void PrintDocument(const ordered_json& document, OutputFormat format, std::ostream& out) {
  if (format == OutputFormat::kYaml) return PrintYaml(document, "", "", out);
  out << document.dump(2, ' ', false, ordered_json::error_handler_t::replace) << '\n';
}

}  // namespace seccompd::cli
