// SPDX-License-Identifier: Apache-2.0
#include "kube/status.h"

#include <utility>

#include "kube/json.h"

namespace seccompd::kube {
namespace {

constexpr std::size_t kMaxMessage = 512;
constexpr std::size_t kMaxStatus = std::size_t{1} << 20;

// The text goes into logs and conditions: one line, no control characters, bounded, never half a
// UTF-8 character.
std::string Clean(std::string_view text) {
  std::string clean;
  for (const char c : text.substr(0, kMaxMessage)) {
    const bool is_control = static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
    clean += is_control ? ' ' : c;
  }
  if (text.size() > kMaxMessage) {
    while (!clean.empty() && (static_cast<unsigned char>(clean.back()) & 0xC0) == 0x80)
      clean.pop_back();
    if (!clean.empty() && static_cast<unsigned char>(clean.back()) >= 0xC0) clean.pop_back();
    clean += "...";
  }
  return clean;
}

bool HasTooLargeCause(const nlohmann::json& status) {
  const auto& causes = Member(Member(status, "details"), "causes");
  if (!causes.is_array()) return false;
  for (const auto& cause : causes)
    if (StringMember(cause, "reason") == "ResourceVersionTooLarge") return true;
  return false;
}

struct Advice {
  int code;
  ErrorCode error;
  const char* what_to_do;
};
constexpr Advice kAdvice[] = {
    {400, ErrorCode::kInvalid, ""},
    {401, ErrorCode::kDenied,
     "the API server does not accept our credentials: is the token expired, or its ServiceAccount "
     "gone?"},
    {403, ErrorCode::kDenied,
     "a right is missing: grant it to seccompd's ServiceAccount (the chart's ClusterRole has it)"},
    {409, ErrorCode::kConflict, ""},
    {410, ErrorCode::kConflict, ""},
    {413, ErrorCode::kInvalid, ""},
    {415, ErrorCode::kInvalid, ""},
    {422, ErrorCode::kInvalid, ""},
    {429, ErrorCode::kTransient, "the API server is busy"},
};

}  // namespace

std::optional<Status> ParseStatus(std::string_view body) {
  if (body.size() > kMaxStatus) return std::nullopt;
  const auto json = ParseJson(body);
  if (StringMember(json, "kind") != "Status") return std::nullopt;
  Status status;
  status.code = static_cast<int>(IntegerMember(json, "code").value_or(0));
  status.reason = Clean(StringMember(json, "reason"));
  const std::string message = StringMember(json, "message");
  status.message = Clean(message);
  status.names_an_object = !StringMember(Member(json, "details"), "name").empty();
  status.resource_version_too_large =
      HasTooLargeCause(json) || message.starts_with("Too large resource version");
  if (const auto after = IntegerMember(Member(json, "details"), "retryAfterSeconds");
      after && *after > 0 && *after <= 3600)
    status.retry_after = std::chrono::seconds(*after);
  return status;
}

Error StatusError(int http_code, const Status& status) {
  Advice advice{http_code, http_code >= 500 ? ErrorCode::kTransient : ErrorCode::kInvalid, ""};
  for (const Advice& row : kAdvice)
    if (row.code == http_code) advice = row;
  // "No such object" is an answer; "no such resource" (a CRD that is missing or not served yet) is
  // a fault.
  if (http_code == 404) {
    advice = status.names_an_object ? Advice{404, ErrorCode::kNotFound, ""}
                                    : Advice{404, ErrorCode::kTransient,
                                             "the API server does not serve this resource: are the "
                                             "seccompd CRDs installed? (helm install, or "
                                             "kubectl apply -f deploy/crds.yaml)"};
  }
  std::string message = "HTTP " + std::to_string(http_code);
  if (!status.message.empty()) message += ": " + status.message;
  if (*advice.what_to_do != '\0') message += std::string("; ") + advice.what_to_do;
  return {advice.error, message};
}

Status StatusOrText(std::string_view body) {
  if (auto status = ParseStatus(body)) return std::move(*status);
  Status plain;
  while (body.ends_with('\n')) body.remove_suffix(1);
  plain.message = Clean(body.substr(0, 200));
  return plain;
}

Error StatusError(int http_code, std::string_view body) {
  return StatusError(http_code, StatusOrText(body));
}

}  // namespace seccompd::kube
