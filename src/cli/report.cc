// SPDX-License-Identifier: Apache-2.0
#include "report.h"

#include <algorithm>
#include <array>
#include <ostream>
#include <set>
#include <string_view>
#include <tuple>
#include <utility>

#include <nlohmann/json.hpp>

#include "seccompd/profile/codes.h"

#include "ask.h"
namespace seccompd::cli {
namespace {

using nlohmann::json;
using profile::Severity;

// Findings about a member as such, not about its value.
constexpr std::array<std::string_view, 5> kAboutKeys = {
    "UnknownField", "DuplicateKey", "NotSupported", "ErrnoRetIgnored", "ValueTwoIgnored"};

// Asks where all of them stand, in one request.
Result<void> Place(compiler::Compiler& compiler, const std::string& text,
                   const std::vector<ReportedFinding*>& findings) {
  std::vector<profile::Wanted> wanted;
  for (const ReportedFinding* reported : findings) {
    const bool is_key =
        std::find(kAboutKeys.begin(), kAboutKeys.end(), reported->finding.code) != kAboutKeys.end();
    wanted.push_back({{reported->document, reported->finding.pointer}, is_key});
  }
  const auto positions = LocatePlaces(compiler, text, wanted);
  if (!positions.ok()) return positions.error();
  for (std::size_t i = 0; i < positions->size(); ++i) findings[i]->position = (*positions)[i];
  return {};
}

// Errors before warnings before infos, each in the order of the text.
bool ComesFirst(const ReportedFinding& a, const ReportedFinding& b) {
  return std::tie(b.finding.severity, a.position.line, a.position.column) <
         std::tie(a.finding.severity, b.position.line, b.position.column);
}

ReportedProfile Reported(const profile::FoundProfile& found, profile::Rendered rendered) {
  ReportedProfile reported{found.format, found.name_space,    found.name, found.container,
                           found.line,   std::move(rendered), {}};
  for (const profile::Diagnostic& finding : std::exchange(reported.rendered.findings, {})) {
    profile::Place place = found.PlaceOf(finding.pointer);
    ReportedFinding row{finding, place.document, {found.line, 1}};
    row.finding.pointer = std::move(place.pointer);
    reported.findings.push_back(std::move(row));
  }
  return reported;
}

template <class Visit>
void ForEachFinding(const Report& report, Visit visit) {
  for (const ReportedFile& file : report.files) {
    for (const ReportedFinding& finding : file.findings) visit(file, finding);
    for (const ReportedProfile& profile : file.profiles) {
      for (const ReportedFinding& finding : profile.findings) visit(file, finding);
    }
  }
}

struct ColorRow {
  Severity severity;
  std::string_view color;
};
constexpr std::array<ColorRow, 3> kColors = {{
    {Severity::kError, "\033[1;31m"},
    {Severity::kWarning, "\033[1;35m"},
    {Severity::kInfo, "\033[1;36m"},
}};
constexpr std::string_view kBold = "\033[1m";
constexpr std::string_view kPlain = "\033[0m";

std::string Painted(std::string_view text, std::string_view color, bool with_colors) {
  if (!with_colors) return std::string(text);
  return std::string(color) + std::string(text) + std::string(kPlain);
}

std::string_view ColorOf(Severity severity) {
  for (const ColorRow& row : kColors) {
    if (row.severity == severity) return row.color;
  }
  return kBold;
}

std::string Counted(std::size_t count, std::string_view what) {
  return std::to_string(count) + " " + std::string(what) + (count == 1 ? "" : "s");
}

// What to do, once for each code, the errors' first: a person reads it last, and finds it there.
void PrintAdvice(const Report& report, bool with_colors, std::ostream& out) {
  bool has_any = false;
  for (const Severity severity : {Severity::kError, Severity::kWarning}) {
    std::set<std::string> told;
    ForEachFinding(report, [&](const ReportedFile& /*file*/, const ReportedFinding& reported) {
      const auto* const code = FindCode(reported.finding.code);
      if (code == nullptr || reported.finding.severity != severity) return;
      if (!told.insert(reported.finding.code).second) return;
      if (!std::exchange(has_any, true)) out << "to mend it:\n";
      out << "  " << Painted(code->name, ColorOf(severity), with_colors) << ": " << code->what_to_do
          << '\n';
    });
  }
}

json ToJson(const ReportedFinding& reported) {
  return {{"severity", SeverityName(reported.finding.severity)},
          {"code", reported.finding.code},
          {"document", reported.document},
          {"pointer", reported.finding.pointer},
          {"line", reported.position.line},
          {"column", reported.position.column},
          {"message", reported.finding.message}};
}

json ToJson(const std::vector<ReportedFinding>& findings) {
  json rows = json::array();
  for (const ReportedFinding& reported : findings) rows.push_back(ToJson(reported));
  return rows;
}

}  // namespace

std::size_t Report::Count(Severity severity) const {
  std::size_t count = 0;
  ForEachFinding(*this, [&](const ReportedFile&, const ReportedFinding& reported) {
    if (reported.finding.severity == severity) ++count;
  });
  return count;
}

std::size_t Report::profiles() const {
  std::size_t count = 0;
  for (const ReportedFile& file : files) count += file.profiles.size();
  return count;
}

Result<ReportedFile> JudgeFile(compiler::Compiler& compiler, const std::vector<InputFile>& files,
                               std::size_t index, const Target& target,
                               const profile::FoundProfile* only) {
  const InputFile& input = files[index];
  ReportedFile file{input.path, {}, {}};
  for (const profile::FileFinding& found : input.content.findings) {
    file.findings.push_back(
        {found.finding, found.document, found.position.value_or(profile::Position{})});
  }
  for (const profile::FoundProfile& found : input.content.profiles) {
    if (only != nullptr && only != &found) continue;
    Result<profile::Rendered> rendered = Judge(compiler, found, target, files);
    if (!rendered.ok()) return Wrap(rendered.error(), NameOf(input, found));
    file.profiles.push_back(Reported(found, *std::move(rendered)));
  }
  std::vector<ReportedFinding*> to_place;
  for (std::size_t i = 0; i < file.findings.size(); ++i) {
    if (!input.content.findings[i].position.has_value()) to_place.push_back(&file.findings[i]);
  }
  for (ReportedProfile& profile : file.profiles) {
    for (ReportedFinding& finding : profile.findings) to_place.push_back(&finding);
  }
  if (Result<void> placed = Place(compiler, input.text, to_place); !placed.ok()) {
    return Wrap(placed.error(), input.path);
  }
  std::stable_sort(file.findings.begin(), file.findings.end(), ComesFirst);
  for (ReportedProfile& profile : file.profiles) {
    std::stable_sort(profile.findings.begin(), profile.findings.end(), ComesFirst);
  }
  return file;
}

void PrintFinding(const std::string& path, const ReportedFinding& finding, bool with_colors,
                  std::ostream& out) {
  const profile::Diagnostic& row = finding.finding;
  const std::string place = path + ":" + std::to_string(finding.position.line) + ":" +
                            std::to_string(finding.position.column) + ":";
  out << Painted(place, kBold, with_colors) << ' '
      << Painted(std::string(SeverityName(row.severity)) + ":", ColorOf(row.severity), with_colors)
      << ' ' << row.message << " [" << row.code << "]\n";
  if (!row.pointer.empty()) out << "    at " << row.pointer << '\n';
}

void PrintText(const Report& report, bool with_colors, std::ostream& out) {
  ForEachFinding(report, [&](const ReportedFile& file, const ReportedFinding& finding) {
    PrintFinding(file.path, finding, with_colors, out);
  });
  const std::size_t errors = report.Count(Severity::kError);
  const std::size_t warnings = report.Count(Severity::kWarning);
  const std::size_t infos = report.Count(Severity::kInfo);
  const bool is_clean = errors + warnings + infos == 0;
  if (!is_clean) out << '\n';
  out << Counted(report.profiles(), "profile");
  if (report.files.size() > 1) out << " in " << Counted(report.files.size(), "file");
  out << ": ";
  if (is_clean) {
    out << "no findings\n";
    return;
  }
  out << Painted(Counted(errors, "error"), errors > 0 ? ColorOf(Severity::kError) : kBold,
                 with_colors)
      << ", " << Counted(warnings, "warning");
  if (infos > 0) out << ", " << Counted(infos, "info");
  out << (errors > 0 ? "; no node takes a profile with an error\n" : "\n");
  PrintAdvice(report, with_colors, out);
}

void PrintJson(const Report& report, std::ostream& out) {
  json files = json::array();
  for (const ReportedFile& file : report.files) {
    json profiles = json::array();
    for (const ReportedProfile& profile : file.profiles) {
      profiles.push_back({{"kind", profile.format},
                          {"namespace", profile.name_space},
                          {"name", profile.name},
                          {"container", profile.container},
                          {"line", profile.line},
                          {"instructions", profile.rendered.instructions},
                          {"findings", ToJson(profile.findings)}});
    }
    files.push_back({{"file", file.path},
                     {"findings", ToJson(file.findings)},
                     {"profiles", std::move(profiles)}});
  }
  const json summary = {{"profiles", report.profiles()},
                        {"errors", report.Count(Severity::kError)},
                        {"warnings", report.Count(Severity::kWarning)},
                        {"infos", report.Count(Severity::kInfo)}};
  out << json{{"files", std::move(files)}, {"summary", summary}}.dump(
             2, ' ', false, json::error_handler_t::replace)
      << '\n';
}

}  // namespace seccompd::cli
