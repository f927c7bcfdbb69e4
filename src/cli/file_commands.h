// SPDX-License-Identifier: Apache-2.0
#pragma once
// One function for each command about profile files, and their options. Each answers the exit code.
// Not thread-safe.

#include <string>
#include <vector>

#include "seccompd/cli/commands.h"

#include "input.h"

namespace seccompd::cli {

struct TargetOptions {
  std::string arch;  // empty: this machine's
  std::string kernel;
  std::string runtime = "both";
  std::string ceiling = "none";
  std::vector<std::string> labels;  // "key=value"
};
// kInvalid: an option's value is none; the message names it.
Result<Target> MakeTarget(const TargetOptions& options);

struct LintOptions {
  std::vector<std::string> files;
  std::string output = "text";
  std::string color = "auto";
  bool strict = false;
  bool codes = false;
  TargetOptions target;
};
int Lint(const LintOptions& options, const Console& console);

struct RenderOptions {
  std::string file;
  std::string select;
  std::vector<std::string> bases;  // further files, for spec.bases
  TargetOptions target;
};
int Render(const RenderOptions& options, const Console& console);

struct ExplainOptions {
  std::string file;
  std::string select;
  std::string syscall;
  std::vector<std::string> args;  // "0=0x7e020000"
  bool all = false;
  std::string output = "text";
  TargetOptions target;
};
int Explain(const ExplainOptions& options, const Console& console);

struct ConvertOptions {
  std::string file;
  std::string name;
  std::string name_space;
  TargetOptions target;
};
int Convert(const ConvertOptions& options, const Console& console);

struct DiffOptions {
  std::string a, b;
  std::string select_a, select_b;
  std::string output = "text";
  TargetOptions target;
};
int Diff(const DiffOptions& options, const Console& console);

// "seccompd: MESSAGE" on the error stream; kExitFailed.
int FailWith(const Console& console, const Error& error);
// A value of the command line that cannot be used: the same; kExitUsage.
int RefuseUsage(const Console& console, const Error& error);

}  // namespace seccompd::cli
