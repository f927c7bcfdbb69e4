// SPDX-License-Identifier: Apache-2.0
#include <ostream>
#include <utility>

#include "file_commands.h"
#include "report.h"

namespace seccompd::cli {
namespace {

// The file in question first, then those that only help.
Result<std::vector<InputFile>> ReadAll(compiler::Compiler& compiler, const RenderOptions& options,
                                       std::istream& in) {
  Result<std::vector<std::string>> paths = ExpandPaths(options.bases);
  if (!paths.ok()) return paths.error();
  paths->insert(paths->begin(), options.file);
  std::vector<InputFile> files;
  for (const std::string& path : *paths) {
    Result<InputFile> file = ReadInput(compiler, path, in);
    if (!file.ok()) return file.error();
    files.push_back(*std::move(file));
  }
  return files;
}

}  // namespace

int Render(const RenderOptions& options, const Console& console) {
  const Result<Target> target = MakeTarget(options.target);
  if (!target.ok()) return RefuseUsage(console, target.error());
  const auto compiler = console.start_compiler();
  if (!compiler.ok()) return FailWith(console, compiler.error());
  const Result<std::vector<InputFile>> files = ReadAll(**compiler, options, console.in);
  if (!files.ok()) return FailWith(console, files.error());
  const auto found = SelectProfile(files->front(), options.select);
  if (!found.ok()) return FailWith(console, found.error());
  const Result<ReportedFile> report = JudgeFile(**compiler, *files, 0, *target, *found);
  if (!report.ok()) return FailWith(console, report.error());
  const ReportedProfile& judged = report->profiles.front();
  bool has_error = false;
  for (const ReportedFinding& finding : judged.findings) {
    PrintFinding(report->path, finding, false, console.err);
    has_error = has_error || finding.finding.severity == profile::Severity::kError;
  }
  if (judged.rendered.is_skipped) {
    console.err << report->path
                << ": such a node gets no file: nodeSelector does not match its "
                   "labels (--label key=value)\n";
  }
  console.out << judged.rendered.bytes;
  return has_error ? kExitFindings : kExitFine;
}

}  // namespace seccompd::cli
