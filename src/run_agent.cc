// SPDX-License-Identifier: Apache-2.0
// The agent's life: Prepare, then one of two sources of profiles, then the wait for a signal, then
// the end.
#include "run_agent.h"

#include <malloc.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <random>
#include <thread>

#include "seccompd/agent/agent.h"
#include "seccompd/agent/kube_source.h"
#include "seccompd/agent/manifest_source.h"
#include "seccompd/agent/reporter.h"
#include "seccompd/agent/watch_log.h"
#include "seccompd/http/client.h"
#include "seccompd/kube/reflector.h"
#include "seccompd/version.h"

#include "connect.h"
#include "listeners.h"
#include "prepare.h"
#include "state_file.h"

namespace seccompd {
namespace {

using agent::Agent;
using agent::AgentConfig;
using agent::Log;

constexpr int kExitFailed = 3;
constexpr std::chrono::seconds kTick{5};
constexpr std::chrono::milliseconds kLastReport{1200};  // SIGTERM to end: 2 s in all
constexpr std::chrono::seconds kOnceLimit{120};
constexpr std::chrono::seconds kIoThreadLimit{30};

// Wakes main's WaitForSignal from any thread.
void NudgeMain() { (void)::kill(::getpid(), SIGUSR1); }

// Waits until the agent is told to end (0), the zygote died, the I/O thread hangs or `tick` says
// that it must start anew (3), or with --once all is done.
int Wait(const AgentConfig& config, const Base& base, Agent& agent, const Log& log,
         const std::function<bool()>& reported, const std::function<bool()>& tick) {
  const auto begin = std::chrono::steady_clock::now();
  while (true) {
    const int signal = WaitForSignal(kTick);
    if (signal == SIGTERM || signal == SIGINT) {
      log.Info("told to end; files stay", {{"signal", signal == SIGTERM ? "SIGTERM" : "SIGINT"}});
      return 0;
    }
    siginfo_t info{};
    const auto zygote = static_cast<id_t>(base.zygote->pid());
    if (::waitid(P_PID, zygote, &info, WEXITED | WNOHANG | WNOWAIT) != 0 || info.si_pid != 0) {
      log.Error("the compiler process died; ending, to be started anew");
      return kExitFailed;
    }
    // The sandbox was made for the directory that was there: a new agent gets one for the new.
    if (base.sandbox.rules_files && Identify(config.seccomp_root + "/tenants") != base.tenants) {
      log.Error("tenants/ was replaced or removed; ending, to be started anew on what is there now",
                {{"seccomp_root", config.seccomp_root}});
      return kExitFailed;
    }
    if (!http::IoThreadAlive(kIoThreadLimit)) {
      log.Error("the HTTP library's thread has hung for 30 s; ending, to be started anew");
      return kExitFailed;
    }
    if (config.once) {
      if (agent.desired().synced() && agent.installer().first_pass_done() && agent.queue().idle() &&
          reported()) {
        return agent.AllWell() ? 0 : 1;
      }
      if (std::chrono::steady_clock::now() - begin > kOnceLimit) {
        log.Error("--once: not done within 120 s; the lines above say what it waits for");
        return kExitFailed;
      }
    }
    // What a list or a burst took goes back: on most nodes nothing happens for hours after.
    (void)::malloc_trim(0);
    if (!tick()) return kExitFailed;
  }
}

// ---- standalone: a directory of manifests

int RunStandalone(const AgentConfig& config, Base& base, Agent& agent, const Log& log) {
  agent::ManifestSource source(*base.zygote, agent.desired(), agent.table(), log,
                               {config.manifests, agent.context(), config.resync});
  agent.SetSource(config.manifests);
  agent.OnSourceErrors([&source] { return source.errors(); });
  source.OnErrors([&agent] { agent.Announce(); });
  auto servers = Listen(config, agent, log);
  if (!servers.ok()) {
    log.Error("cannot listen", {{"error", servers.error().message}});
    return kExitFailed;
  }
  StateFile state_file([&agent] { return agent.StateJson(); }, *base.state_dir, log);
  source.Scan();  // before the workers: one who asks for a text finds it
  agent.Start(source, [&] {
    state_file.Changed();
    if (config.once) NudgeMain();
  });
  std::jthread manifests([&](std::stop_token stop) { source.Run(stop); });
  const int code = Wait(
      config, base, agent, log, [] { return true; }, [] { return true; });
  manifests.request_stop();
  agent.StopWork();
  if (code != kExitFailed) agent.ForgiveTried();
  state_file.Finish();
  servers->clear();
  ::_exit(code);  // the manifests' thread may be with the compiler
}

// ---- in a cluster: the API server

// A record is trusted at start, and proven within 10 minutes: one list judges every profile again.
class BackgroundProof {
 public:
  explicit BackgroundProof(bool wanted) : wanted_(wanted) {
    due_ += std::chrono::seconds(std::uniform_int_distribution<int>(60, 540)(random_));
  }
  void Tick(Agent& agent, kube::Reflector& reflector) {
    if (!wanted_ || std::chrono::steady_clock::now() < due_) return;
    wanted_ = false;
    agent.desired().VerifyAllAtNextList();
    reflector.Relist("proving the record that the agent started from");
  }

 private:
  bool wanted_;
  std::random_device random_;
  std::chrono::steady_clock::time_point due_ = std::chrono::steady_clock::now();
};

int RunInCluster(const AgentConfig& config, Base& base, Agent& agent, const Log& log,
                 const agent::Environment& environment) {
  static const RealClock clock;
  const ConnectOptions how{
      .allow_exec = false, .allow_insecure = config.insecure_skip_tls_verify, .observer = nullptr};
  auto connected = Connect(*std::move(base.access), [&](std::string_view verb, int code) {
    agent.metrics().ApiRequest(verb, code);
  });
  if (!connected.ok()) {
    log.Error("no way to the API server", {{"error", connected.error().message}});
    return kExitFailed;
  }
  Connection& connection = **connected;
  log.Info("API server", {{"origin", connection.access.origin}});
  if (!connection.access.note.empty()) log.Warn(connection.access.note);

  agent::KubeSource source(connection.api, config.node_name);
  agent::Reporter reporter(connection.api, agent.table(), source, [&] { return agent.Snapshot(); },
                           agent.health(), log, clock,
                           {.node_name = config.node_name,
                            .lease_namespace = config.lease_namespace,
                            .pace = {config.report_interval, config.report_spread}});
  agent::WatchLog watch_log(
      log, agent.metrics(),
      [&agent, &reporter] {
        agent.desired().SourceAnswered();
        agent.Announce();  // the condition Synced may have changed
        reporter.SourceCameBack();
      },
      [&agent](const std::string& why) {
        agent.desired().SourceRefused(why);
        agent.Announce();
      });
  kube::ReflectorOptions options;
  options.path = agent::kProfilesPath;
  // --once must know all there is now; a watch that goes on from the record only hears of it later.
  if (!config.once) options.resource_version = agent.desired().delivered_version();
  options.jitter_first_list = agent.table().files() > 0 && !config.once;
  options.request_observer = [&](std::string_view verb, int code) {
    agent.metrics().ApiRequest(verb, code);
  };
  BackgroundProof proof(!options.resource_version.empty() && !config.once);
  kube::Reflector reflector(*connection.watch, *connection.access.token, clock, agent.desired(),
                            watch_log, options);
  agent.SetSource(connection.access.origin);
  reporter.OnOutcome([&](bool good) {
    agent.NoteReport(good);
    if (config.once) NudgeMain();
  });
  reporter.OnServerVersion([&] { return reflector.version(); },
                           [&](const std::string& version, const std::string& known) {
                             reflector.ObserveServerVersion(version, known);
                           });
  agent.OnWatchAge([&] { return clock.SteadyNow() - reflector.last_heard(); });

  auto servers = Listen(config, agent, log);
  if (!servers.ok()) {
    log.Error("cannot listen", {{"error", servers.error().message}});
    return kExitFailed;
  }
  agent.Start(source, [&] {
    reporter.Notify();
    if (config.once) NudgeMain();
  });
  std::jthread watching([&](std::stop_token stop) { reflector.Run(stop); });
  std::stop_source abort;
  std::jthread reporting([&](std::stop_token stop) {
    reporter.Run(stop, abort.get_token());
    NudgeMain();
  });
  const int code = Wait(
      config, base, agent, log, [&] { return reporter.reported(); },
      [&] {
        proof.Tick(agent, reflector);
        if (reflector.connected() ||
            !HasOtherAccess(connection, config.kubeconfig, environment, how)) {
          return true;
        }
        log.Warn(
            "the CA or the client certificate on the disk is another now; ending, to be started "
            "anew with it");
        return false;
      });

  // The end: nothing new, the disk and the record, the last report, and no wait for what may take
  // longer.
  watching.request_stop();
  agent.StopWork();
  if (code != kExitFailed) agent.ForgiveTried();
  reporting.request_stop();
  std::thread([abort]() mutable {
    std::this_thread::sleep_for(kLastReport);
    abort.request_stop();
  }).detach();
  reporting.join();
  ::_exit(code);
}

}  // namespace

int RunAgent(const AgentConfig& config, const std::string& compiler_path,
             const agent::Environment& environment) {
  const Log log =
      Log::ToStderr(config.log_format == "json" ? agent::LogFormat::kJson : agent::LogFormat::kText,
                    config.log_level);
  log.Info("seccompd starts", {{"version", kVersion},
                               {"node", config.node_name},
                               {"seccomp_root", config.seccomp_root},
                               {"source", config.standalone() ? config.manifests : "API server"}});
  auto base = Prepare(config, compiler_path, environment, log);
  if (!base.ok()) {
    log.Error("cannot start", {{"error", base.error().message}});
    return kExitFailed;
  }
  if (!base->has_value()) return 0;
  Base& built = **base;
  http::StartIoThread();  // the first thread
  const RealClock clock;
  Agent agent(config, {*built.store, *built.state_dir, *built.zygote, clock, log},
              {kVersion, built.zygote->libseccomp_version(), built.facts, built.sandbox});
  agent.LoadRecord();
  return config.standalone() ? RunStandalone(config, built, agent, log)
                             : RunInCluster(config, built, agent, log, environment);
}

}  // namespace seccompd
