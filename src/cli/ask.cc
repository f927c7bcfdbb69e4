// SPDX-License-Identifier: Apache-2.0
#include "ask.h"

#include <algorithm>
#include <cstdint>
#include <string_view>
#include <utility>

namespace seccompd::cli {
namespace {

using nlohmann::json;

// From a column in bytes to one in characters.
std::uint32_t ColumnOf(std::string_view text, const profile::Position& position) {
  for (std::uint32_t line = 1; line < position.line; ++line) {
    const std::size_t end = text.find('\n');
    if (end == std::string_view::npos) return position.column;
    text.remove_prefix(end + 1);
  }
  const std::string_view before = text.substr(0, position.column - 1);
  const auto is_inside = [](char c) { return (static_cast<unsigned char>(c) & 0xc0) == 0x80; };
  return position.column -
         static_cast<std::uint32_t>(std::count_if(before.begin(), before.end(), is_inside));
}

}  // namespace

json QuestionAbout(const profile::FoundProfile& found, const Target& target,
                   const std::vector<InputFile>& files) {
  json bases = json::array();
  for (const InputFile& file : files) {
    for (const profile::FoundProfile& other : file.content.profiles) {
      const bool is_base = other.spec_pointer.has_value() && !other.name.empty() &&
                           other.name_space == found.name_space;
      if (is_base) bases.push_back({{"name", other.name}, {"spec", other.spec}});
    }
  }
  return {{"spec", found.spec},
          {"architecture", target.node.architecture},
          {"kernel", target.node.kernel},
          {"bases", std::move(bases)}};
}

Error RefusalOf(const json& answer, const InputFile& file, const profile::FoundProfile& found) {
  if (answer.contains("error")) {
    return {ErrorCode::kInvalid, answer["error"].get<std::string>()};
  }
  std::string message = NameOf(file, found) + " has errors (seccompd lint shows them all)";
  if (answer.contains("errors") && !answer["errors"].empty()) {
    const json& first = answer["errors"].front();
    message += ": " + first.value("message", "") + " [" + first.value("code", "") + "]";
  }
  return {ErrorCode::kInvalid, std::move(message)};
}

Result<json> Ask(compiler::Compiler& compiler, const json& request, const InputFile& file,
                 const profile::FoundProfile& found) {
  const Result<std::string> answer = compiler.RunTool(request.dump());
  if (!answer.ok()) return Wrap(answer.error(), NameOf(file, found));
  json parsed = json::parse(*answer);
  if (parsed.contains("error") || parsed.contains("errors")) return RefusalOf(parsed, file, found);
  return parsed;
}

Result<std::vector<profile::Position>> LocatePlaces(compiler::Compiler& compiler,
                                                    const std::string& text,
                                                    const std::vector<profile::Wanted>& wanted) {
  std::vector<profile::Position> positions;
  if (wanted.empty()) return positions;
  json rows = json::array();
  for (const profile::Wanted& one : wanted) {
    rows.push_back(
        {{"document", one.place.document}, {"pointer", one.place.pointer}, {"isKey", one.is_key}});
  }
  const Result<std::string> answer =
      compiler.RunTool(json{{"op", "locate"}, {"text", text}, {"wanted", std::move(rows)}}.dump());
  if (!answer.ok()) return answer.error();
  for (const json& row : json::parse(*answer)) {
    const profile::Position position{row.value("line", 1U), row.value("column", 1U)};
    positions.push_back({position.line, ColumnOf(text, position)});
  }
  return positions;
}

Result<std::vector<profile::Position>> LocatePlaces(compiler::Compiler& compiler,
                                                    const std::string& text,
                                                    const std::vector<profile::Place>& places) {
  std::vector<profile::Wanted> wanted;
  wanted.reserve(places.size());
  for (const profile::Place& place : places) wanted.push_back({place, false});
  return LocatePlaces(compiler, text, wanted);
}

}  // namespace seccompd::cli
