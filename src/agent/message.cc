// SPDX-License-Identifier: Apache-2.0
// Sentences for the report, made from what a compiler child said.
#include <nlohmann/json.hpp>

#include "seccompd/agent/reconciler.h"
#include "seccompd/profile/text.h"

namespace seccompd::agent {

namespace {

// The JSON library knows UTF-8: dump with `replace`, and read back, gives valid text.
std::string Repair(std::string_view text) {
  const std::string dumped = nlohmann::json(std::string(text))
                                 .dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  return nlohmann::json::parse(dumped, nullptr, false).get<std::string>();
}

}  // namespace

std::string CleanMessage(std::string_view text, std::size_t max_bytes) {
  std::string clean = profile::IsUtf8(text) ? std::string(text) : Repair(text);
  for (char& c : clean) {
    if ((c >= 0 && c < 0x20) || c == 0x7f) c = ' ';
  }
  if (clean.size() <= max_bytes) return clean;
  std::size_t end = max_bytes - 3;
  while (end > 0 && (static_cast<unsigned char>(clean[end]) & 0xc0) == 0x80) --end;
  return clean.substr(0, end) + "...";
}

std::string Summarize(const std::vector<profile::Diagnostic>& findings, profile::Severity least) {
  std::string text;
  for (const profile::Diagnostic& finding : findings) {
    if (finding.severity < least) continue;
    if (!text.empty()) text += "; ";
    if (!finding.pointer.empty()) text += finding.pointer + ": ";
    text += finding.message;
  }
  return CleanMessage(text);
}

}  // namespace seccompd::agent
