// SPDX-License-Identifier: Apache-2.0
#include "listeners.h"

namespace seccompd {
namespace {

using agent::Agent;
using agent::AgentConfig;

http::ServerResponse AnswerHealth(const agent::Health& health, std::string_view target) {
  const std::string_view path = target.substr(0, target.find('?'));
  const bool verbose = target.find("verbose") != std::string_view::npos;
  if (path != "/healthz" && path != "/readyz" && path != "/livez") {
    return {404, "text/plain",
            "not found; there are /healthz (or /livez) and /readyz, each with ?verbose\n"};
  }
  const agent::HealthAnswer answer = path == "/readyz" ? health.Ready() : health.Live();
  if (answer.good && !verbose) return {200, "text/plain", "ok\n"};
  return {answer.good ? 200 : 503, "text/plain", answer.text};
}

}  // namespace

Result<Servers> Listen(const AgentConfig& config, Agent& agent, const agent::Log& log) {
  Servers servers;
  const auto add = [&](Result<std::unique_ptr<http::Server>> server,
                       const std::string& what) -> Result<void> {
    if (!server.ok()) return Wrap(server.error(), what);
    if ((*server)->port() != 0) {
      log.Info("listening", {{"for", what.substr(9)}, {"port", std::to_string((*server)->port())}});
    }
    servers.push_back(*std::move(server));
    return {};
  };
  if (!config.listen_health.empty()) {
    const auto handler = [&agent](std::string_view target) {
      return AnswerHealth(agent.health(), target);
    };
    if (auto r = add(http::Server::ListenTcp(config.listen_health, handler), "--listen-health");
        !r.ok())
      return r.error();
  }
  if (!config.listen_metrics.empty()) {
    const auto handler = [&agent](std::string_view target) -> http::ServerResponse {
      if (target.substr(0, target.find('?')) != "/metrics")
        return {404, "text/plain", "not found; try /metrics\n"};
      return {200, "text/plain; version=0.0.4; charset=utf-8", agent.MetricsText()};
    };
    if (auto r = add(http::Server::ListenTcp(config.listen_metrics, handler), "--listen-metrics");
        !r.ok())
      return r.error();
  }
  const auto state = [&agent](std::string_view) -> http::ServerResponse {
    return {200, "application/json", agent.StateJson() + "\n"};
  };
  if (auto r = add(http::Server::ListenUnix(config.state_dir + "/state.sock", state), "state.sock");
      !r.ok())
    return r.error();
  return servers;
}

}  // namespace seccompd
