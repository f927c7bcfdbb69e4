// SPDX-License-Identifier: Apache-2.0
#pragma once
// The files of a command line, read, and taken apart by a compiler child; and the judging of the
// profiles in them. This process parses none of their text. Not thread-safe.

#include <iosfwd>
#include <string>
#include <string_view>
#include <vector>

#include "seccompd/compiler/compiler.h"
#include "seccompd/profile/read_profile.h"
#include "seccompd/profile/request.h"

namespace seccompd::cli {

struct InputFile {
  std::string path;  // as given; "<stdin>"
  std::string text;
  profile::ReadFile content;
};

// "-" is `in`; a directory is its *.json, *.yaml and *.yml, sorted, not those of directories below;
// "builtin/NAME" is what seccompd ships. kNotFound, kDenied: cannot be read; the message names it.
std::vector<std::string> BuiltinNames();
Result<std::vector<std::string>> ExpandPaths(const std::vector<std::string>& arguments);
Result<InputFile> ReadInput(compiler::Compiler& compiler, const std::string& path,
                            std::istream& in);

// What a profile is judged for.
struct Target {
  profile::NodeContext node;
  std::string ceiling = "none";
};

// "x86_64", "amd64", "SCMP_ARCH_X86_64", ... -> "SCMP_ARCH_X86_64"; empty: this machine's.
// kInvalid: none of ours.
Result<std::string> ArchitectureOf(std::string_view name);
// Of this machine: its kernel's release.
std::string KernelRelease();

// Judges as a node would. Profiles that it builds on are looked for in `files`, in its namespace. A
// refusal of the compiler as such (too much time or memory) is a finding. Errors as
// Compiler::Compile, but kInvalid.
Result<profile::Rendered> Judge(compiler::Compiler& compiler, const profile::FoundProfile& found,
                                const Target& target, const std::vector<InputFile>& files);

// "web.yaml", or where a file has several: "web.yaml (team-a/web)".
std::string NameOf(const InputFile& file, const profile::FoundProfile& found);
// "team-a/web", "web", "web, container proxy"; empty: it has no name.
std::string NameOf(const profile::FoundProfile& found);

// The one profile of `file`, or the one that `select` names: by name, namespace/name or container.
// kInvalid: none or several, or findings about the file are in error; the message says what to do.
Result<const profile::FoundProfile*> SelectProfile(const InputFile& file,
                                                   const std::string& select);

}  // namespace seccompd::cli
