// SPDX-License-Identifier: Apache-2.0
#include <array>
#include <ostream>
#include <string_view>

#include <nlohmann/json.hpp>

#include "ask.h"
#include "file_commands.h"

namespace seccompd::cli {
namespace {

using nlohmann::json;

struct ChangeRow {
  std::string_view change;
  std::string_view title;  // of B, beside A
};
constexpr std::array<ChangeRow, 3> kChanges = {{
    {"looser", "looser: B does less against them"},
    {"tighter", "tighter: B does more against them"},
    {"different", "different: the same action with another number"},
}};

std::string CallText(const json& row) {
  std::string name = row.value("syscall", "");
  if (name.empty()) name = "number " + std::to_string(row.value("number", 0U));
  if (row.value("isAnyOther", false)) name = "every call that neither names, as " + name;
  if (!row.contains("args")) return name;
  std::string args;
  for (const json& arg : row["args"]) {
    args += (args.empty() ? "" : ", ") + std::string("a") + arg[0].dump() + "=" + arg[1].dump();
  }
  return name + "(" + args + ")";
}

// What is held against each other: a runtime may still answer by itself.
void PrintSubject(const Target& target, std::ostream& out) {
  out << "A -> B, as their compiled filters decide on a node of " << target.node.architecture
      << " (not compared: runc's own ENOSYS for calls newer than all that a profile names)\n\n";
}

void PrintText(const json& differences, std::ostream& out) {
  if (differences.empty()) {
    out << "no difference: both do the same with every call\n";
    return;
  }
  std::string summary;
  for (const ChangeRow& change : kChanges) {
    std::size_t count = 0;
    std::string architecture;
    for (const json& row : differences) {
      if (row.value("change", "") != change.change) continue;
      if (count++ == 0) out << change.title << '\n';
      const std::string on = row.value("architecture", "all other architectures");
      if (on != architecture) out << "  " << on << '\n';
      architecture = on;
      out << "    " << CallText(row) << ": " << row["a"].value("text", "") << " -> "
          << row["b"].value("text", "") << '\n';
    }
    if (count > 0) out << '\n';
    summary +=
        (summary.empty() ? "" : ", ") + std::to_string(count) + " " + std::string(change.change);
  }
  out << differences.size() << (differences.size() == 1 ? " difference: " : " differences: ")
      << summary << '\n';
}

}  // namespace

int Diff(const DiffOptions& options, const Console& console) {
  const Result<Target> target = MakeTarget(options.target);
  if (!target.ok()) return RefuseUsage(console, target.error());
  if (options.a == "-" && options.b == "-") {
    return RefuseUsage(console, {ErrorCode::kInvalid, "only one of A and B can be standard input"});
  }
  const auto compiler = console.start_compiler();
  if (!compiler.ok()) return FailWith(console, compiler.error());
  const Result<InputFile> a = ReadInput(**compiler, options.a, console.in);
  if (!a.ok()) return FailWith(console, a.error());
  const Result<InputFile> b = ReadInput(**compiler, options.b, console.in);
  if (!b.ok()) return FailWith(console, b.error());
  const auto found_a = SelectProfile(*a, options.select_a);
  if (!found_a.ok()) return FailWith(console, found_a.error());
  const auto found_b = SelectProfile(*b, options.select_b);
  if (!found_b.ok()) return FailWith(console, found_b.error());

  const json request = {{"op", "diff"},
                        {"a", QuestionAbout(**found_a, *target, {*a})},
                        {"b", QuestionAbout(**found_b, *target, {*b})}};
  const Result<std::string> text = (*compiler)->RunTool(request.dump());
  if (!text.ok()) return FailWith(console, text.error());
  const json answer = json::parse(*text);
  if (!answer.contains("differences")) {
    const bool is_b = answer.value("side", "") == "b";
    return FailWith(console, RefusalOf(answer, is_b ? *b : *a, is_b ? **found_b : **found_a));
  }
  const json& differences = answer["differences"];
  if (options.output == "json") {
    console.out
        << json{{"architecture", target->node.architecture}, {"differences", differences}}.dump(2)
        << '\n';
  } else {
    PrintSubject(*target, console.out);
    PrintText(differences, console.out);
  }
  return differences.empty() ? kExitFine : kExitFindings;
}

}  // namespace seccompd::cli
