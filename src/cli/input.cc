// SPDX-License-Identifier: Apache-2.0
#include "input.h"

#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <istream>
#include <iterator>
#include <utility>

#include <nlohmann/json.hpp>

#include "seccompd/profile/builtins.h"
#include "seccompd/profile/codes.h"
#include "seccompd/profile/text.h"
#include "seccompd/profile/types.h"

namespace seccompd::cli {
namespace {

using nlohmann::json;
using profile::FoundProfile;

constexpr std::string_view kBuiltin = "builtin/";

struct MachineRow {
  std::string_view machine;     // as uname tells it
  std::string_view kubernetes;  // as in kubernetes.io/arch
  std::string_view seccomp;
};
constexpr std::array<MachineRow, 7> kMachines = {{
    {"x86_64", "amd64", "SCMP_ARCH_X86_64"},
    {"i686", "386", "SCMP_ARCH_X86"},
    {"aarch64", "arm64", "SCMP_ARCH_AARCH64"},
    {"armv7l", "arm", "SCMP_ARCH_ARM"},
    {"ppc64le", "ppc64le", "SCMP_ARCH_PPC64LE"},
    {"riscv64", "riscv64", "SCMP_ARCH_RISCV64"},
    {"s390x", "s390x", "SCMP_ARCH_S390X"},
}};

// At most one byte more than is taken, so that its length tells.
std::string ReadStream(std::istream& in) {
  std::string text(profile::kMaxProfileFileBytes + 1, '\0');
  in.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(in.gcount()));
  return text;
}

Result<std::string> ReadPath(const std::string& path) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) return ErrnoError(errno, path);
  if (S_ISDIR(status.st_mode)) {
    return Error{ErrorCode::kInvalid, path + " is a directory; give one of its files"};
  }
  std::ifstream in(path, std::ios::binary);
  if (!in.good()) return ErrnoError(errno, path);
  std::string text = ReadStream(in);
  if (in.bad()) return Error{ErrorCode::kTransient, path + ": cannot be read"};
  return text;
}

bool IsBuiltin(std::string_view path) {
  return path.starts_with(kBuiltin) && ::access(std::string(path).c_str(), F_OK) != 0;
}

Result<std::string> BuiltinText(std::string_view path) {
  for (const std::string& name : BuiltinNames()) {
    if (name != path) continue;
    return std::string(profile::FindBuiltin(path)->spec);
  }
  const std::vector<std::string> names = BuiltinNames();
  const std::vector<std::string_view> views(names.begin(), names.end());
  std::string message = "seccompd ships no " + profile::Quote(path);
  for (const std::string& name : names)
    message += (&name == names.data() ? "; there are: " : ", ") + name;
  return Error{ErrorCode::kNotFound, std::move(message)};
}

profile::Diagnostic FindingOf(const json& row) {
  return {static_cast<profile::Severity>(row.value("severity", 2)), row.value("code", ""),
          row.value("pointer", ""), row.value("message", "")};
}

FoundProfile ProfileOf(const json& row) {
  FoundProfile found;
  found.format = row.value("format", "");
  found.document = row.value("document", std::size_t{0});
  found.line = row.value("line", 1U);
  found.name_space = row.value("namespace", "");
  found.name = row.value("name", "");
  found.container = row.value("container", "");
  found.spec = row.value("spec", "");
  if (row.contains("specPointer")) found.spec_pointer = row["specPointer"].get<std::string>();
  found.profile_pointer = row.value("profilePointer", "");
  found.left_out = row.value("leftOut", std::vector<std::string>());
  return found;
}

profile::ReadFile FileOf(const json& answer) {
  profile::ReadFile file;
  for (const json& row : answer.at("profiles")) file.profiles.push_back(ProfileOf(row));
  for (const json& row : answer.at("findings")) {
    profile::FileFinding found{row.value("document", std::size_t{0}), FindingOf(row), std::nullopt};
    if (row.contains("position")) {
      found.position = {row["position"].value("line", 1U), row["position"].value("column", 1U)};
    }
    file.findings.push_back(std::move(found));
  }
  return file;
}

profile::ReadFile Unreadable(profile::Code code, std::string message) {
  return {{}, {{0, MakeFinding(code, "", std::move(message)), std::nullopt}}};
}

// The specs that `names` stand for, as far as the files have them.
std::vector<profile::BaseSpec> FindBases(const std::vector<std::string>& names,
                                         const std::string& name_space,
                                         const std::vector<InputFile>& files) {
  std::vector<profile::BaseSpec> bases;
  for (const std::string& name : names) {
    profile::BaseSpec base{name, std::nullopt};
    for (const InputFile& file : files) {
      for (const FoundProfile& other : file.content.profiles) {
        const bool is_it =
            other.spec_pointer.has_value() && other.name == name && other.name_space == name_space;
        if (is_it) base.spec = other.spec;
      }
    }
    bases.push_back(std::move(base));
  }
  return bases;
}

}  // namespace

std::vector<std::string> BuiltinNames() {
  std::vector<std::string> names;
  for (const profile::Builtin& builtin : profile::AllBuiltins()) {
    names.emplace_back(builtin.name);
  }
  return names;
}

Result<std::vector<std::string>> ExpandPaths(const std::vector<std::string>& arguments) {
  std::vector<std::string> paths;
  for (const std::string& argument : arguments) {
    std::error_code error;
    if (argument == "-" || !std::filesystem::is_directory(argument, error)) {
      paths.push_back(argument);
      continue;
    }
    std::vector<std::string> found;
    for (const auto& entry : std::filesystem::directory_iterator(argument, error)) {
      const std::string extension = entry.path().extension();
      const bool is_ours = extension == ".json" || extension == ".yaml" || extension == ".yml";
      if (is_ours && !entry.is_directory(error)) found.push_back(entry.path());
    }
    if (error) return ErrnoError(error.value(), argument);
    if (found.empty()) {
      return Error{ErrorCode::kNotFound,
                   argument +
                       ": no *.json, *.yaml or *.yml in this directory (those of "
                       "directories below it are not read)"};
    }
    std::sort(found.begin(), found.end());
    paths.insert(paths.end(), found.begin(), found.end());
  }
  return paths;
}

Result<InputFile> ReadInput(compiler::Compiler& compiler, const std::string& path,
                            std::istream& in) {
  InputFile file{path == "-" ? "<stdin>" : path, {}, {}};
  Result<std::string> text =
      path == "-" ? ReadStream(in) : (IsBuiltin(path) ? BuiltinText(path) : ReadPath(path));
  if (!text.ok()) return text.error();
  file.text = *std::move(text);
  if (file.text.size() > profile::kMaxProfileFileBytes) {
    file.text.clear();
    file.content = Unreadable(profile::Code::kTooLarge, "the file is longer than 1 MiB; split it");
    return file;
  }
  if (!profile::IsUtf8(file.text)) {
    file.text.clear();  // no places can be found in it
    file.content = Unreadable(profile::Code::kInvalidYaml, "this is no text in UTF-8");
    return file;
  }
  const Result<std::string> answer =
      compiler.RunTool(json{{"op", "read"}, {"text", file.text}}.dump());
  if (!answer.ok()) {
    if (answer.error().code != ErrorCode::kInvalid) return Wrap(answer.error(), file.path);
    file.content = Unreadable(profile::Code::kTooLarge, answer.error().message);
    return file;
  }
  file.content = FileOf(json::parse(*answer));
  return file;
}

Result<std::string> ArchitectureOf(std::string_view name) {
  utsname machine{};
  if (name.empty() && ::uname(&machine) == 0) name = machine.machine;
  for (const MachineRow& row : kMachines) {
    if (row.machine == name || row.kubernetes == name) return std::string(row.seccomp);
  }
  std::vector<std::string_view> names;
  for (const profile::ArchitectureRow& row : profile::ArchitectureTable()) {
    std::string short_name(row.name.substr(std::string_view("SCMP_ARCH_").size()));
    std::transform(short_name.begin(), short_name.end(), short_name.begin(),
                   [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
    if (row.name == name || short_name == name) return std::string(row.name);
    names.push_back(row.name);
  }
  return Error{ErrorCode::kInvalid, "no architecture " + profile::Quote(name) +
                                        profile::DidYouMean(name, names) +
                                        "; write it as x86_64, amd64 or SCMP_ARCH_X86_64"};
}

std::string KernelRelease() {
  utsname machine{};
  return ::uname(&machine) == 0 ? machine.release : "";
}

Result<profile::Rendered> Judge(compiler::Compiler& compiler, const FoundProfile& found,
                                const Target& target, const std::vector<InputFile>& files) {
  profile::RenderRequest request{found.spec, target.node, {}, target.ceiling};
  constexpr int kMostRounds = 8;  // design: 4 levels of bases
  for (int round = 0; round < kMostRounds; ++round) {
    Result<profile::Rendered> rendered = compiler.Compile(request);
    if (!rendered.ok() && rendered.error().code == ErrorCode::kInvalid) {
      profile::Rendered refused;
      refused.findings.push_back(
          MakeFinding(profile::Code::kCompileFailed, "", rendered.error().message));
      return refused;
    }
    if (!rendered.ok() || !rendered->needs_bases) return rendered;
    request.bases = FindBases(rendered->bases, found.name_space, files);
  }
  return Error{ErrorCode::kTransient, "the compiler asks for bases again and again"};
}

std::string NameOf(const FoundProfile& found) {
  std::string name = found.name_space.empty() ? found.name : found.name_space + "/" + found.name;
  if (!found.container.empty()) name += ", container " + found.container;
  return profile::CleanText(name);
}

std::string NameOf(const InputFile& file, const FoundProfile& found) {
  const std::string name = NameOf(found);
  if (file.content.profiles.size() < 2 || name.empty()) return file.path;
  return file.path + " (" + name + ")";
}

Result<const FoundProfile*> SelectProfile(const InputFile& file, const std::string& select) {
  std::vector<const FoundProfile*> chosen;
  std::string names;
  for (const FoundProfile& found : file.content.profiles) {
    const bool is_it = select.empty() || select == found.name || select == found.container ||
                       select == found.name_space + "/" + found.name;
    if (is_it) chosen.push_back(&found);
    names += (names.empty() ? "" : ", ") + NameOf(found);
  }
  if (chosen.size() == 1) return chosen.front();
  for (const profile::FileFinding& found : file.content.findings) {
    if (found.finding.severity != profile::Severity::kError) continue;
    const std::string line =
        found.position.has_value() ? ":" + std::to_string(found.position->line) : "";
    return Error{ErrorCode::kInvalid, file.path + line + ": " + found.finding.message};
  }
  if (chosen.empty()) {
    return Error{ErrorCode::kInvalid,
                 file.path + ": no profile " + profile::Quote(select) + "; there are: " + names};
  }
  return Error{ErrorCode::kInvalid, file.path + " holds " + std::to_string(chosen.size()) +
                                        " profiles; choose one with --select: " + names};
}

}  // namespace seccompd::cli
