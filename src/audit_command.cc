// SPDX-License-Identifier: Apache-2.0
#include "audit_command.h"

#include <iostream>
#include <memory>
#include <utility>

#include <CLI/CLI.hpp>

#include "seccompd/agent/node_facts.h"
#include "seccompd/cli/commands.h"
#include "seccompd/compiler/zygote.h"
#include "seccompd/http/client.h"

#include "connect.h"

namespace seccompd {
namespace {

int Fail(const Error& error) {
  std::cerr << "seccompd: " << error.message << '\n';
  return cli::kExitFailed;
}

}  // namespace

void AuditFlags::Declare(CLI::App& audit) {
  audit.add_flag("--local", local,
                 "Hold this host's disk against the agent's record; needs no API server");
  audit
      .add_option("--kubeconfig", kubeconfig,
                  "Reach the API server by this kubeconfig (default: $KUBECONFIG, else "
                  "~/.kube/config, else in-cluster)")
      ->type_name("FILE");
  audit
      .add_option("--lease-namespace", of_cluster.lease_namespace, "Namespace of the nodes' Leases")
      ->type_name("NAMESPACE")
      ->capture_default_str();
  audit
      .add_option("--seccomp-root", on_host.seccomp_root,
                  "With --local: the kubelet's seccomp directory, as the agent was given it")
      ->type_name("DIR")
      ->capture_default_str();
  audit
      .add_option("--state-dir", on_host.state_dir,
                  "With --local: the agent's own state, as the agent was given it")
      ->type_name("DIR")
      ->capture_default_str();
  audit.add_flag("--standalone", on_host.standalone,
                 "With --local: the agent runs with --manifests (default: as its record says)");
  audit
      .add_option("--ceiling", on_host.ceiling,
                  "With --local: the agent's --ceiling (default: builtin/runtime-default-v1; "
                  "standalone: none)")
      ->type_name("NAME");
  audit.add_option("--runtime", on_host.runtime, "With --local: the agent's --runtime")
      ->type_name("NAME")
      ->check(CLI::IsMember({"runc", "crun", "both"}))
      ->capture_default_str();
  audit.add_flag("--recompile,!--no-recompile", recompile,
                 "Compile every profile anew and compare the bytes (default: yes)");
  audit.add_option("-o,--output", output, "table, json or yaml")
      ->type_name("FORMAT")
      ->check(CLI::IsMember({"table", "json", "yaml"}))
      ->capture_default_str();
  audit.footer(
      "Reads only. Exit codes: 0 nothing is wrong, 1 findings, 2 wrong usage, 3 could not look.\n"
      "Examples:\n  seccompd audit\n  seccompd audit --local -o json");
}

int Audit(AuditFlags& flags, const std::string& compiler_path,
          const agent::Environment& environment) {
  const cli::OutputFormat format = flags.output == "json"   ? cli::OutputFormat::kJson
                                   : flags.output == "yaml" ? cli::OutputFormat::kYaml
                                                            : cli::OutputFormat::kTable;
  if (!flags.local && flags.kubeconfig.empty()) flags.kubeconfig = DefaultKubeconfig(environment);
  const RealClock clock;
  // Started here, on the main thread and before any other; dies with this process.
  cli::StartCompiler start;
  if (flags.recompile) {
    auto zygote = compiler::Zygote::Start({.executable = compiler_path});
    if (!zygote.ok()) return Fail(zygote.error());
    auto started = std::make_shared<cli::StartedCompiler>();
    started->libseccomp = (*zygote)->libseccomp_version();
    started->compiler = *std::move(zygote);
    start = [started]() -> Result<cli::StartedCompiler> { return std::move(*started); };
  }
  Result<bool> good(false);
  if (flags.local) {
    const auto facts = agent::ReadNodeFacts();
    if (!facts.ok()) return Fail(facts.error());
    flags.on_host.architecture = facts->seccomp_arch;
    flags.on_host.kernel = facts->kernel_version;
    flags.on_host.start_compiler = start;
    good = cli::AuditLocal(flags.on_host, clock, format, std::cout);
  } else {
    http::StartIoThread();
    auto connection = Connect(flags.kubeconfig, environment,
                              {.allow_exec = true, .allow_insecure = false, .observer = {}});
    if (!connection.ok()) return Fail(connection.error());
    flags.of_cluster.start_compiler = start;
    good = cli::AuditCluster((*connection)->api, flags.of_cluster, clock, format, std::cout);
  }
  if (!good.ok()) return Fail(good.error());
  std::cout.flush();
  return *good ? cli::kExitFine : cli::kExitFindings;
}

}  // namespace seccompd
