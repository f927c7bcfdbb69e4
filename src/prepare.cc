// SPDX-License-Identifier: Apache-2.0
#include "prepare.h"

#include <malloc.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <csignal>

#include "connect.h"

namespace seccompd {
namespace {

using agent::AgentConfig;
using agent::Log;

sigset_t AllSignals() {
  sigset_t signals;
  ::sigemptyset(&signals);
  for (const int signal : {SIGTERM, SIGINT, SIGCHLD, SIGUSR1}) ::sigaddset(&signals, signal);
  return signals;
}

// Waits for another agent's lock to go, unready. False: told to end meanwhile.
Result<bool> TakeLock(node::StateDir& state_dir, const Log& log) {
  bool said = false;
  while (true) {
    const Result<void> taken = state_dir.TakeLock();
    if (taken.ok()) return true;
    if (taken.error().code != ErrorCode::kConflict) return taken.error();
    if (!said)
      log.Warn("another agent runs on this node; waiting for it to end",
               {{"error", taken.error().message}});
    said = true;
    const int signal = WaitForSignal(std::chrono::seconds(1));
    if (signal == SIGTERM || signal == SIGINT) return false;
  }
}

void HardenProcess() {
  (void)::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);  // no debugger of the same user, no core file
  const rlimit no_core{0, 0};
  (void)::setrlimit(RLIMIT_CORE, &no_core);
  (void)::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  (void)::mallopt(M_ARENA_MAX, 2);  // eight threads that hardly allocate at once need no arena each
}

// What is read once is read before; what remains open to the agent is what it needs from now on.
Result<void> Sandbox(const AgentConfig& config, const agent::Environment& environment, Base& base,
                     const Log& log) {
  agent::SandboxNeeds needs;
  if (!config.standalone()) {
    auto access = ReadAccess(config.kubeconfig, environment,
                             {false, config.insecure_skip_tls_verify, nullptr});
    if (!access.ok()) return Wrap(access.error(), "no way to the API server");
    base.access = *std::move(access);
    needs = {base.access->origin, base.access->reread_files};
  }
  const Result<std::string> filter =
      config.sandbox == "off" ? std::string()
                              : agent::AskForAgentFilter(*base.zygote, base.facts.seccomp_arch);
  auto state = agent::EnterSandbox(config, needs, filter);
  if (!state.ok()) return state.error();
  base.sandbox = *std::move(state);
  base.tenants = Identify(config.seccomp_root + "/tenants");
  if (base.sandbox.in_force || config.sandbox == "off") {
    log.Info("sandbox", {{"in_force", base.sandbox.message}});
  } else {
    log.Warn("the agent is not sandboxed in full", {{"in_force", base.sandbox.message}});
  }
  return {};
}

}  // namespace

FileId Identify(const std::string& path) {
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0) return {};
  return {info.st_dev, info.st_ino};
}

int WaitForSignal(std::chrono::milliseconds limit) {
  const sigset_t signals = AllSignals();
  const timespec time{limit.count() / 1000, (limit.count() % 1000) * 1'000'000};
  const int signal = ::sigtimedwait(&signals, nullptr, &time);
  return signal > 0 ? signal : 0;
}

Result<std::optional<Base>> Prepare(const AgentConfig& config, const std::string& compiler_path,
                                    const agent::Environment& environment, const Log& log) {
  Base base;
  auto facts = agent::ReadNodeFacts();
  if (!facts.ok()) return facts.error();
  base.facts = *std::move(facts);
  auto state_dir = node::StateDir::Open(node::RealFileSystem(), config.state_dir);
  if (!state_dir.ok()) return state_dir.error();
  base.state_dir = *std::move(state_dir);
  const Result<bool> locked = TakeLock(*base.state_dir, log);
  if (!locked.ok()) return locked.error();
  if (!*locked) return std::optional<Base>();
  const bool for_all =
      config.standalone();  // Docker and Podman clients read the file as the user who runs them
  auto store = node::ProfileStore::Open(
      node::RealFileSystem(),
      {config.seccomp_root, config.state_dir, static_cast<mode_t>(for_all ? 0755 : 0700),
       static_cast<mode_t>(for_all ? 0644 : 0600)});
  if (!store.ok()) return store.error();
  base.store = *std::move(store);
  const profile::NodeContext node{
      base.facts.seccomp_arch, base.facts.kernel_version, {}, config.runtime};
  auto zygote = compiler::Zygote::Start(
      {.executable = compiler_path, .node = node, .ceiling = config.ceiling});
  if (!zygote.ok()) return zygote.error();
  base.zygote = *std::move(zygote);
  HardenProcess();
  if (auto entered = Sandbox(config, environment, base, log); !entered.ok()) return entered.error();
  return std::optional<Base>(std::move(base));
}

}  // namespace seccompd
