// SPDX-License-Identifier: Apache-2.0
#include "agent/sandbox_needs.h"

#include <charconv>
#include <filesystem>
#include <optional>

namespace seccompd::agent {
namespace {

namespace fs = std::filesystem;

// What getaddrinfo reads anew, and never more of /etc: there are secrets beside them.
constexpr const char* kResolverFiles[] = {"/etc/resolv.conf", "/etc/hosts", "/etc/nsswitch.conf",
                                          "/etc/host.conf", "/etc/gai.conf"};
// The own descriptors and mounts; random numbers where the processor has none; how many files may
// be watched.
constexpr const char* kAlways[] = {"/proc/self", "/dev/urandom",
                                   "/proc/sys/fs/inotify/max_user_watches"};
constexpr std::uint16_t kDnsPort = 53;  // a DNS answer too long for UDP
constexpr std::uint16_t kHttpsPort = 443;

// The port behind the last colon of "host:port", "[::1]:port", ":port".
std::optional<std::uint16_t> PortOf(std::string_view address) {
  const auto colon = address.rfind(':');
  if (colon == std::string_view::npos) return std::nullopt;
  const std::string_view digits = address.substr(colon + 1);
  std::uint16_t port = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
  if (error != std::errc() || end != digits.data() + digits.size()) return std::nullopt;
  return port;
}

std::uint16_t ApiPort(std::string_view origin) {
  constexpr std::string_view kScheme = "://";
  if (const auto at = origin.find(kScheme); at != std::string_view::npos)
    origin.remove_prefix(at + kScheme.size());
  return PortOf(origin.substr(0, origin.find('/'))).value_or(kHttpsPort);
}

// A file that is a symlink elsewhere is one that somebody there replaces (systemd-resolved): its
// new inode is found by the directory. /etc itself stays closed.
void AddResolverFile(const std::string& path, LandlockRules& rules) {
  std::error_code error;
  const fs::path real = fs::canonical(path, error);
  if (error) return;
  const fs::path directory = real.parent_path();
  const bool is_elsewhere = directory != "/etc" && directory != "/" && real != path;
  rules.read.push_back(is_elsewhere ? directory.string() : real.string());
}

// The directory, because a kubelet swaps a symlink in it, and others rename a new file over it.
void AddRereadFile(const std::string& path, LandlockRules& rules) {
  std::error_code error;
  const fs::path directory = fs::absolute(path, error).parent_path();
  if (!error && directory != "/" && directory != "/etc") rules.read.push_back(directory.string());
  const fs::path real = fs::canonical(path, error);
  if (!error) rules.read.push_back(real.string());
}

}  // namespace

LandlockRules RulesFor(const AgentConfig& config, const SandboxNeeds& needs) {
  LandlockRules rules;
  for (const char* path : kAlways) rules.read.emplace_back(path);
  rules.write = {config.seccomp_root + "/tenants", config.state_dir};
  if (config.standalone()) rules.read.push_back(config.manifests);
  for (const std::string& path : needs.reread_files) AddRereadFile(path, rules);
  if (!needs.api_origin.empty()) {
    for (const char* path : kResolverFiles) AddResolverFile(path, rules);
    rules.connect_ports = {ApiPort(needs.api_origin), kDnsPort};
  }
  for (const std::string& address : {config.listen_health, config.listen_metrics}) {
    if (const auto port = PortOf(address); port.has_value()) rules.bind_ports.push_back(*port);
  }
  return rules;
}

}  // namespace seccompd::agent
