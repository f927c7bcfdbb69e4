// SPDX-License-Identifier: Apache-2.0
#pragma once
// Findings about files with their places, and the three forms in which they are printed. Not
// thread-safe.

#include <cstddef>
#include <cstdint>
#include <iosfwd>
#include <string>
#include <string_view>
#include <vector>

#include "seccompd/profile/codes.h"

#include "input.h"

namespace seccompd::cli {

struct ReportedFinding {
  profile::Diagnostic finding;  // its pointer is one into the document
  std::size_t document = 0;
  profile::Position position;  // the column in characters
};

struct ReportedProfile {
  std::string format, name_space, name, container;
  std::uint32_t line = 1;
  profile::Rendered rendered;  // its findings are moved out, into these
  std::vector<ReportedFinding> findings;
};

struct ReportedFile {
  std::string path;
  std::vector<ReportedFinding> findings;  // about no profile of it
  std::vector<ReportedProfile> profiles;
};

struct Report {
  std::vector<ReportedFile> files;

  std::size_t Count(profile::Severity severity) const;
  std::size_t profiles() const;
};

// Judges every profile of files[index], or just `only`, and finds the places of the findings.
// Errors as Judge.
Result<ReportedFile> JudgeFile(compiler::Compiler& compiler, const std::vector<InputFile>& files,
                               std::size_t index, const Target& target,
                               const profile::FoundProfile* only = nullptr);

// Like a compiler's: "web.yaml:12:9: error: ... [Code]", errors first; at the end how many there
// are, and what to do.
void PrintText(const Report& report, bool with_colors, std::ostream& out);
// One finding in that form.
void PrintFinding(const std::string& path, const ReportedFinding& finding, bool with_colors,
                  std::ostream& out);
void PrintJson(const Report& report, std::ostream& out);
// SARIF 2.1.0: https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html
void PrintSarif(const Report& report, std::ostream& out);
// Null: no such code.
const profile::CodeRow* FindCode(std::string_view name);
// The table of all codes.
void PrintCodes(bool as_json, std::ostream& out);

}  // namespace seccompd::cli
