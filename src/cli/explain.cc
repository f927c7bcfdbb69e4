// SPDX-License-Identifier: Apache-2.0
#include <charconv>
#include <map>
#include <ostream>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "seccompd/profile/text.h"
#include "seccompd/profile/types.h"

#include "ask.h"
#include "file_commands.h"

namespace seccompd::cli {
namespace {

using nlohmann::json;

constexpr std::size_t kColumns = 100;

// "0=0x7e020000" -> [0, 2114060288].
Result<json> ParseArg(const std::string& text) {
  const Error error{ErrorCode::kInvalid,
                    "--arg: " + profile::Quote(text) +
                        " is no INDEX=VALUE: INDEX is 0 to 5, VALUE decimal or 0x and hexadecimal"};
  const auto equals = text.find('=');
  if (equals != 1 || text[0] < '0' || text[0] > '5') return error;
  std::string_view digits = std::string_view(text).substr(2);
  const bool is_hex = digits.starts_with("0x");
  if (is_hex) digits.remove_prefix(2);
  std::uint64_t value = 0;
  const char* const end = digits.data() + digits.size();
  const auto [stop, code] = std::from_chars(digits.data(), end, value, is_hex ? 16 : 10);
  if (code != std::errc() || stop != end || digits.empty()) return error;
  return json::array({text[0] - '0', value});
}

// The architecture of a node on which calls of `architecture` can be made.
std::string NativeOf(const std::string& architecture) {
  if (architecture == "SCMP_ARCH_X86" || architecture == "SCMP_ARCH_X32") return "SCMP_ARCH_X86_64";
  if (architecture == "SCMP_ARCH_ARM") return "SCMP_ARCH_AARCH64";
  return architecture;
}

// "web.json:12:9 /syscalls/3/names/0", by pointer into the spec.
using PlaceNames = std::map<std::string, std::string>;

void CollectPointers(const json& answer, PlaceNames& places) {
  if (answer.is_object() && answer.contains("pointer")) {
    const std::string pointer = answer["pointer"].get<std::string>();
    if (!pointer.empty()) places.emplace(pointer, "");
  }
  for (const json& child : answer) {
    if (child.is_structured()) CollectPointers(child, places);
  }
}

std::string At(const PlaceNames& places, const json& outcome) {
  const auto found = places.find(outcome.value("pointer", ""));
  return found == places.end() || found->second.empty() ? "" : " (" + found->second + ")";
}

void PrintAnswer(const json& answer, const PlaceNames& places, std::ostream& out) {
  const std::string where = answer.contains("outcome") ? At(places, answer["outcome"]) : "";
  out << "  why: " << answer.value("why", "") << where << '\n';
  for (const json& one : answer.value("cases", json::array())) {
    const std::string condition = one.value("condition", "");
    out << "    " << (condition.empty() ? "otherwise" : condition) << ": "
        << one["outcome"]["verdict"].value("phrase", "") << At(places, one["outcome"]) << '\n';
  }
  if (const std::string note = answer.value("note", ""); !note.empty()) {
    out << "  in the file: " << note << '\n';
  }
  if (const std::string change = answer.value("change", ""); !change.empty()) {
    out << "  to change it: " << change << '\n';
  }
}

// One paragraph where all runtimes do the same.
void PrintAnswers(const json& answers, const PlaceNames& places, std::ostream& out) {
  const bool all_same =
      answers.front().value("sentence", "") == answers.back().value("sentence", "");
  for (const json& answer : answers) {
    out << answer.value("sentence", "")
        << (all_same ? "" : ", under " + answer.value("runtime", "")) << '\n';
    PrintAnswer(answer, places, out);
    if (all_same) return;
  }
}

void PrintGroup(const std::string& title, const std::vector<std::string>& names,
                std::ostream& out) {
  out << title << " (" << names.size() << ")\n";
  std::string line = " ";
  for (const std::string& name : names) {
    if (line.size() + 1 + name.size() > kColumns) {
      out << line << '\n';
      line = " ";
    }
    line += " " + name;
  }
  out << line << '\n';
}

void PrintTables(const json& answers, std::ostream& out) {
  const bool all_same = answers.front()["table"] == answers.back()["table"];
  for (const json& answer : answers) {
    if (!all_same) out << "under " << answer.value("runtime", "") << ":\n\n";
    std::map<std::string, std::vector<std::string>> groups;
    for (const json& row : answer["table"]) {
      const std::string title =
          row.contains("verdict") ? row["verdict"].value("phrase", "") : "depends on arguments";
      groups[title].push_back(row.value("syscall", ""));
    }
    for (const auto& [title, names] : groups) PrintGroup(title, names, out);
    if (all_same) return;
    if (&answer != &answers.back()) out << '\n';
  }
}

Result<PlaceNames> Locate(compiler::Compiler& compiler, const InputFile& file,
                          const profile::FoundProfile& found, const json& answers) {
  PlaceNames places;
  CollectPointers(answers, places);
  std::vector<profile::Place> wanted;
  for (const auto& [pointer, name] : places) wanted.push_back(found.PlaceOf(pointer));
  const auto positions = LocatePlaces(compiler, file.text, wanted);
  if (!positions.ok()) return positions.error();
  std::size_t i = 0;
  for (auto& [pointer, name] : places) {
    name = file.path + ":" + std::to_string((*positions)[i].line) + ":" +
           std::to_string((*positions)[i].column) + " " + wanted[i].pointer;
    ++i;
  }
  return places;
}

}  // namespace

int Explain(const ExplainOptions& options, const Console& console) {
  if (options.all != options.syscall.empty()) {
    return RefuseUsage(console, {ErrorCode::kInvalid,
                                 "explain: give --syscall NAME, or --all for every system call"});
  }
  Result<Target> target = MakeTarget(options.target);
  if (!target.ok()) return RefuseUsage(console, target.error());
  json args = json::array();
  for (const std::string& text : options.args) {
    Result<json> arg = ParseArg(text);
    if (!arg.ok()) return RefuseUsage(console, arg.error());
    args.push_back(*std::move(arg));
  }
  const auto compiler = console.start_compiler();
  if (!compiler.ok()) return FailWith(console, compiler.error());
  const Result<InputFile> file = ReadInput(**compiler, options.file, console.in);
  if (!file.ok()) return FailWith(console, file.error());
  const auto found = SelectProfile(*file, options.select);
  if (!found.ok()) return FailWith(console, found.error());

  const std::string architecture = target->node.architecture;
  target->node.architecture = NativeOf(architecture);
  json request = QuestionAbout(**found, *target, {*file});
  request["op"] = "explain";
  request["callArchitecture"] = architecture;
  request["syscall"] = options.syscall;
  request["args"] = std::move(args);
  request["runtime"] = options.target.runtime;
  const Result<json> answer = Ask(**compiler, request, *file, **found);
  if (!answer.ok()) return FailWith(console, answer.error());
  const json& answers = (*answer)["answers"];
  if (options.output == "json") {
    console.out << answers.dump(2) << '\n';
  } else if (options.all) {
    PrintTables(answers, console.out);
  } else {
    const auto places = Locate(**compiler, *file, **found, answers);
    if (!places.ok()) return FailWith(console, places.error());
    PrintAnswers(answers, *places, console.out);
  }
  return kExitFine;
}

}  // namespace seccompd::cli
