// SPDX-License-Identifier: Apache-2.0
#include <ostream>
#include <utility>

#include "file_commands.h"
#include "report.h"

namespace seccompd::cli {

namespace {

bool WithColors(const LintOptions& options, const Console& console) {
  if (options.color != "auto") return options.color == "always";
  return console.out_is_terminal && !console.no_color;
}

void Print(const Report& report, const LintOptions& options, const Console& console) {
  if (options.output == "json") {
    PrintJson(report, console.out);
  } else if (options.output == "sarif") {
    PrintSarif(report, console.out);
  } else {
    PrintText(report, WithColors(options, console), console.out);
  }
}

}  // namespace

int Lint(const LintOptions& options, const Console& console) {
  if (options.codes) {
    PrintCodes(options.output == "json", console.out);
    return kExitFine;
  }
  if (options.files.empty()) {
    return RefuseUsage(console, {ErrorCode::kInvalid, "lint needs a FILE (- for standard input)"});
  }
  const Result<Target> target = MakeTarget(options.target);
  if (!target.ok()) return RefuseUsage(console, target.error());
  const Result<std::vector<std::string>> paths = ExpandPaths(options.files);
  if (!paths.ok()) return FailWith(console, paths.error());
  const auto compiler = console.start_compiler();
  if (!compiler.ok()) return FailWith(console, compiler.error());

  bool has_failed = false;
  std::vector<InputFile> files;
  for (const std::string& path : *paths) {
    Result<InputFile> file = ReadInput(**compiler, path, console.in);
    if (file.ok()) {
      files.push_back(*std::move(file));
    } else {  // the others are judged all the same
      FailWith(console, file.error());
      has_failed = true;
    }
  }
  Report report;
  for (std::size_t i = 0; i < files.size(); ++i) {
    Result<ReportedFile> judged = JudgeFile(**compiler, files, i, *target);
    if (!judged.ok()) return FailWith(console, judged.error());
    report.files.push_back(*std::move(judged));
  }
  if (!report.files.empty()) Print(report, options, console);
  if (has_failed) return kExitFailed;
  const bool is_bad = report.Count(profile::Severity::kError) > 0 ||
                      (options.strict && report.Count(profile::Severity::kWarning) > 0);
  return is_bad ? kExitFindings : kExitFine;
}

}  // namespace seccompd::cli
