// SPDX-License-Identifier: Apache-2.0
#include "http/url.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <algorithm>
#include <charconv>

namespace seccompd::http {
namespace {

bool IsPrintable(char c) { return c >= 0x21 && c <= 0x7e; }

bool IsTokenChar(char c) {
  return IsPrintable(c) &&
         std::string_view("()<>@,;:\\\"/[]?={}").find(c) == std::string_view::npos;
}

bool IsValueChar(char c) { return c == '\t' || c == ' ' || IsPrintable(c); }

bool IsHostChar(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
         c == '.' || c == '_';
}

bool IsPort(std::string_view text) {
  int port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  return error == std::errc() && end == text.data() + text.size() && port > 0 && port < 65536;
}

}  // namespace

Result<Origin> ParseOrigin(const std::string& url) {
  constexpr std::string_view kScheme = "https://";
  const auto bad = [&url](const char* why) {
    return Error{ErrorCode::kInvalid, "\"" + url + "\": " + why};
  };
  if (url.starts_with("http://")) return bad("plain http is refused, use https");
  if (!url.starts_with(kScheme)) return bad("the URL must begin with https://");
  std::string_view rest = std::string_view(url).substr(kScheme.size());
  while (rest.ends_with('/')) rest.remove_suffix(1);
  const std::string_view authority = rest.substr(0, rest.find('/'));
  const std::string_view prefix = rest.substr(authority.size());
  if (authority.starts_with('['))
    return bad("IPv6 addresses cannot be used here, give the server's DNS name instead");
  const std::size_t colon = authority.find(':');
  const std::string_view host = authority.substr(0, colon);
  const std::string_view port =
      colon == std::string_view::npos ? "443" : authority.substr(colon + 1);
  if (host.empty() || !std::all_of(host.begin(), host.end(), IsHostChar))
    return bad("unusable host name");
  if (!IsPort(port)) return bad("unusable port");
  if (!std::all_of(prefix.begin(), prefix.end(), IsPrintable) ||
      prefix.find_first_of("?#") != std::string_view::npos)
    return bad("unusable path");

  Origin origin;
  origin.host = host;
  origin.host_port = origin.host + ":" + std::string(port);
  origin.url = std::string(kScheme) + origin.host_port + std::string(prefix);
  in_addr ignored{};
  origin.host_is_ip = inet_pton(AF_INET, origin.host.c_str(), &ignored) == 1;
  return origin;
}

Result<void> CheckRequest(const Request& request) {
  const auto bad = [](const std::string& what) {
    return Error{ErrorCode::kInvalid, what + " holds a character that may not stand in a request"};
  };
  if (request.method.empty() ||
      !std::all_of(request.method.begin(), request.method.end(), IsTokenChar))
    return bad("the method");
  if (!request.target.starts_with('/') ||
      !std::all_of(request.target.begin(), request.target.end(), IsPrintable))
    return bad("the path");
  for (const auto& [name, value] : request.headers) {
    if (name.empty() || !std::all_of(name.begin(), name.end(), IsTokenChar))
      return bad("a header's name");
    // The value is not shown: it may be a token.
    if (!std::all_of(value.begin(), value.end(), IsValueChar)) return bad("the header " + name);
  }
  return {};
}

}  // namespace seccompd::http
