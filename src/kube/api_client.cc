// SPDX-License-Identifier: Apache-2.0
#include "seccompd/kube/api_client.h"

#include <algorithm>
#include <utility>

#include "kube/json.h"
#include "kube/status.h"

namespace seccompd::kube {
namespace {

// The first levels only: an answer may be 4 MiB, and only its kind is wanted.
std::string KindOf(const std::string& body) {
  const auto keep = [](int depth, nlohmann::json::parse_event_t /*event*/,
                       nlohmann::json& /*parsed*/) { return depth < 2; };
  const auto json = nlohmann::json::parse(body, keep, /*allow_exceptions=*/false);
  return StringMember(json, "kind");
}

}  // namespace

ApiClient::ApiClient(http::Transport& transport, TokenSource& token, RequestObserver observer)
    : transport_(transport), token_(token), observer_(std::move(observer)) {}

Result<std::string> ApiClient::Get(const std::string& path, std::stop_token stop) {
  http::Request request;
  request.target = path;
  return Send(std::move(request), "get", std::move(stop));
}

Result<std::string> ApiClient::GetMetadata(const std::string& path, std::stop_token stop) {
  http::Request request;
  request.target = path;
  request.headers.emplace_back(
      "Accept", "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1,application/json");
  return Send(std::move(request), "get", std::move(stop));
}

Result<std::string> ApiClient::Apply(const std::string& path, const std::string& json,
                                     const std::string& field_manager, std::stop_token stop) {
  http::Request request;
  request.method = "PATCH";
  request.target = path + "?fieldManager=" + EscapePath(field_manager) + "&force=true";
  request.headers.emplace_back("Content-Type", "application/apply-patch+yaml");  // JSON is YAML
  request.body = json;
  return Send(std::move(request), "apply", std::move(stop));
}

Result<std::string> ApiClient::Create(const std::string& path, const std::string& json,
                                      std::stop_token stop) {
  http::Request request;
  request.method = "POST";
  request.target = path;
  request.headers.emplace_back("Content-Type", "application/json");
  request.body = json;
  return Send(std::move(request), "create", std::move(stop));
}

Result<std::string> ApiClient::Update(const std::string& path, const std::string& json,
                                      std::stop_token stop) {
  http::Request request;
  request.method = "PUT";
  request.target = path;
  request.headers.emplace_back("Content-Type", "application/json");
  request.body = json;
  return Send(std::move(request), "update", std::move(stop));
}

Result<std::string> ApiClient::Send(http::Request request, std::string_view verb,
                                    std::stop_token stop) {
  const std::string what =
      request.method + " " + request.target.substr(0, request.target.find('?'));
  auto token = token_.Token();
  if (!token.ok()) return Wrap(token.error(), what);
  if (!token->empty()) request.headers.emplace_back("Authorization", "Bearer " + *token);
  const bool has_accept = std::any_of(request.headers.begin(), request.headers.end(),
                                      [](const auto& header) { return header.first == "Accept"; });
  if (!has_accept) request.headers.emplace_back("Accept", "application/json");

  auto response = transport_.Do(request, std::move(stop));
  const int code = response.ok() ? response->head.status : 0;
  if (observer_) observer_(verb, code);
  if (!response.ok()) return Wrap(response.error(), what);
  if (code == 401) token_.Refused(*token);
  if (code < 200 || code > 299) return Wrap(StatusError(code, response->body), what);

  // A 200 is not believed by itself: proxies and login pages answer 200 too.
  const std::string kind = KindOf(response->body);
  if (kind.empty())
    return Error{ErrorCode::kTransient,
                 what + ": the answer is no Kubernetes object (a proxy's page?)"};
  if (kind == "Status") return Wrap(StatusError(code, response->body), what);
  return std::move(response->body);
}

std::string EscapePath(std::string_view component) {
  constexpr std::string_view kUnreserved =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";
  constexpr std::string_view kHex = "0123456789ABCDEF";
  std::string escaped;
  for (const char c : component) {
    if (kUnreserved.find(c) != std::string_view::npos) {
      escaped += c;
      continue;
    }
    const auto byte = static_cast<unsigned char>(c);
    escaped += {'%', kHex[byte >> 4], kHex[byte & 15]};
  }
  return escaped;
}

}  // namespace seccompd::kube
