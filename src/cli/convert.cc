// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <filesystem>
#include <ostream>
#include <sstream>
#include <utility>

#include <nlohmann/json.hpp>

#include "seccompd/profile/text.h"

#include "ask.h"
#include "file_commands.h"
#include "report.h"

namespace seccompd::cli {
namespace {

using nlohmann::json;

constexpr std::size_t kMaxLabel = 63;

// A DNS label of what a person has: "My Profile.v2" -> "my-profile-v2".
std::string LabelOf(std::string_view text) {
  std::string label;
  for (const char c : text) {
    const bool is_upper = c >= 'A' && c <= 'Z';
    const bool is_kept = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
    if (is_kept || is_upper) {
      label.push_back(is_upper ? static_cast<char>(c + 32) : c);
    } else if (!label.empty() && label.back() != '-') {
      label.push_back('-');
    }
  }
  label.resize(std::min(label.size(), kMaxLabel));
  while (!label.empty() && label.back() == '-') label.pop_back();
  return label.empty() ? "profile" : label;
}

std::string ObjectName(const ConvertOptions& options, const profile::FoundProfile& found,
                       bool is_only_one) {
  const std::string stem = options.file == "-" ? "" : std::filesystem::path(options.file).stem();
  std::string name = found.name.empty() ? stem : found.name;
  if (!options.name.empty()) name = options.name;
  const bool has_own = is_only_one || options.name.empty();
  if (!found.container.empty() && (!has_own || options.name.empty())) name += "-" + found.container;
  return LabelOf(name);
}

Result<std::string> ConvertOne(compiler::Compiler& compiler, const ConvertOptions& options,
                               const InputFile& file, const profile::FoundProfile& found,
                               const Console& console) {
  const std::string name_space = options.name_space.empty() ? found.name_space : options.name_space;
  const Result<json> answer =
      Ask(compiler,
          {{"op", "convert"},
           {"spec", found.spec},
           {"name", ObjectName(options, found, file.content.profiles.size() == 1)},
           {"namespace", name_space},
           {"origin", file.path + ", " + found.format}},
          file, found);
  if (!answer.ok()) return answer.error();
  for (const std::string& field : found.left_out) {
    console.err << NameOf(file, found) << ": note: " << field
                << " is left out: it has no counterpart here"
                << (field.starts_with("baseProfileName")
                        ? "; convert that profile too, and name it in spec.bases\n"
                        : "\n");
  }
  for (const json& note : (*answer)["notes"]) {
    console.err << NameOf(file, found) << ": note: " << note.get<std::string>() << '\n';
  }
  return (*answer)["yaml"].get<std::string>();
}

// How a node would judge the result.
Result<bool> JudgeResult(compiler::Compiler& compiler, const std::string& yaml,
                         const Target& target, const Console& console) {
  std::istringstream stream(yaml);
  Result<InputFile> result = ReadInput(compiler, "-", stream);
  if (!result.ok()) return result.error();
  result->path = "<result>";
  const Result<ReportedFile> report =
      JudgeFile(compiler, std::vector<InputFile>{*std::move(result)}, 0, target);
  if (!report.ok()) return report.error();
  bool has_error = false;
  for (const ReportedProfile& judged : report->profiles) {
    for (const ReportedFinding& finding : judged.findings) {
      if (finding.finding.severity != profile::Severity::kError) continue;
      has_error = true;
      PrintFinding(report->path, finding, false, console.err);
    }
  }
  return has_error;
}

}  // namespace

int Convert(const ConvertOptions& options, const Console& console) {
  const Result<Target> target = MakeTarget(options.target);
  if (!target.ok()) return RefuseUsage(console, target.error());
  if (!options.name.empty() && LabelOf(options.name) != options.name) {
    return RefuseUsage(console,
                       {ErrorCode::kInvalid, "--name: " + profile::Quote(options.name) +
                                                 " is no DNS label: at most 63 of a-z, 0-9 and -"});
  }
  const auto compiler = console.start_compiler();
  if (!compiler.ok()) return FailWith(console, compiler.error());
  const Result<InputFile> file = ReadInput(**compiler, options.file, console.in);
  if (!file.ok()) return FailWith(console, file.error());
  if (file->content.profiles.empty()) {
    return FailWith(console, SelectProfile(*file, "").error());
  }
  std::string yaml;
  for (const profile::FoundProfile& found : file->content.profiles) {
    const Result<std::string> one = ConvertOne(**compiler, options, *file, found, console);
    if (!one.ok()) return FailWith(console, one.error());
    yaml += (yaml.empty() ? "" : "---\n") + *one;
  }
  console.out << yaml;
  const Result<bool> has_error = JudgeResult(**compiler, yaml, *target, console);
  if (!has_error.ok()) return FailWith(console, has_error.error());
  return *has_error ? kExitFindings : kExitFine;
}

}  // namespace seccompd::cli
