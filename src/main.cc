// SPDX-License-Identifier: Apache-2.0
// The only file of seccompd that reads argv and the environment, takes signals and builds real
// objects.
#include <unistd.h>

#include <array>
#include <climits>
#include <csignal>
#include <iostream>
#include <memory>
#include <optional>

#include <CLI/CLI.hpp>

#include "seccompd/agent/flags.h"
#include "seccompd/cli/commands.h"
#include "seccompd/compiler/zygote.h"
#include "seccompd/version.h"

#include "audit_command.h"
#include "run_agent.h"

namespace {

using seccompd::Error;
using seccompd::Result;
using seccompd::agent::AgentFlags;
using seccompd::agent::Environment;

using seccompd::cli::kExitFailed;
using seccompd::cli::kExitUsage;

Environment ReadEnvironment() {
  Environment all;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string_view text(*entry);
    const auto equals = text.find('=');
    if (equals != std::string_view::npos)
      all.emplace(text.substr(0, equals), text.substr(equals + 1));
  }
  return all;
}

std::string HostName() {
  std::array<char, HOST_NAME_MAX + 1> name{};
  return ::gethostname(name.data(), name.size() - 1) == 0 ? name.data() : "";
}

// seccompd-compile stands beside this executable.
Result<std::string> CompilerPath() {
  std::array<char, PATH_MAX> self{};
  const ssize_t length = ::readlink("/proc/self/exe", self.data(), self.size() - 1);
  if (length <= 0) {
    return seccompd::Wrap(
        seccompd::ErrnoError(errno, "/proc/self/exe"),
        "cannot find seccompd-compile, which is beside this executable (mount proc at "
        "/proc)");
  }
  const std::string path(self.data(), static_cast<std::size_t>(length));
  return path.substr(0, path.rfind('/') + 1) + "seccompd-compile";
}

int Fail(const Error& error) {
  std::cerr << "seccompd: " << error.message << '\n';
  return kExitFailed;
}

// Everything that must be so before the first thread: signals go to main's wait, a broken pipe is
// an error code, and no core file and no debugger sees a token.
void PrepareProcess() {
  sigset_t signals;
  ::sigemptyset(&signals);
  for (const int signal : {SIGTERM, SIGINT, SIGHUP, SIGCHLD, SIGUSR1})
    ::sigaddset(&signals, signal);
  ::sigprocmask(SIG_BLOCK, &signals, nullptr);
  (void)::signal(SIGPIPE, SIG_IGN);  // NOLINT(cert-err33-c): it cannot fail for SIGPIPE
}

Result<std::unique_ptr<seccompd::compiler::Zygote>> StartZygote() {
  Result<std::string> path = CompilerPath();
  if (!path.ok()) return path.error();
  return seccompd::compiler::Zygote::Start({.executable = *std::move(path)});
}

int Version() {
  auto zygote = StartZygote();
  if (!zygote.ok()) return Fail(zygote.error());
  std::cout << "seccompd " << seccompd::kVersion << " (libseccomp "
            << (*zygote)->libseccomp_version() << ")\n";
  return 0;
}

// A command that a later version brings: named, so that nobody takes it for a typo.
constexpr const char* kLater = "controller";

// The commands that end by themselves are ended by Ctrl-C and by their terminal as others are.
void AllowSignals() {
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
}

seccompd::cli::Console MakeConsole(const Environment& environment) {
  const auto no_color = environment.find("NO_COLOR");
  return {[]() -> Result<std::unique_ptr<seccompd::compiler::Compiler>> {
            auto zygote = StartZygote();
            if (!zygote.ok()) return zygote.error();
            return std::unique_ptr<seccompd::compiler::Compiler>(*std::move(zygote));
          },
          std::cin,
          std::cout,
          std::cerr,
          ::isatty(STDOUT_FILENO) == 1,
          no_color != environment.end() && !no_color->second.empty()};
}

// What is wrong with the words before the parser sees them: it would say less. Nothing: go on.
std::optional<int> RefuseWords(const CLI::App& app, int argc, char** argv) {
  if (argc < 2) {
    std::cout << app.help();
    return kExitUsage;
  }
  const std::string word = argv[1];
  if (word == kLater) {
    std::cerr << "seccompd: '" << word << "' is not part of this version (" << seccompd::kVersion
              << ")\n";
    return kExitUsage;
  }
  const std::string unknown = seccompd::cli::UnknownCommand(app, word);
  if (unknown.empty()) return std::nullopt;
  std::cerr << "seccompd: " << unknown << '\n';
  return kExitUsage;
}

int Main(int argc, char** argv) {
  const Environment environment = ReadEnvironment();
  CLI::App app("Keeps tenants' Localhost seccomp profiles true on this node.", "seccompd");
  app.require_subcommand(0, 1);
  bool wants_version = false;
  app.add_flag("--version", wants_version, "As the command version");
  app.footer("Exit codes: 0 fine, 1 findings, 2 wrong usage, 3 could not do it.");

  auto* agent =
      app.add_subcommand("agent", "Watch profiles and keep this node's seccomp directory true");
  agent->footer(
      "Examples:\n"
      "  seccompd agent                                   # in a pod, as the Helm chart runs it\n"
      "  seccompd agent --manifests /etc/seccompd \\\n"
      "    --seccomp-root /var/lib/seccomp                # a Docker or Podman host, no API "
      "server\n"
      "  seccompd agent --kubeconfig ~/.kube/config --node-name node-1 --once");
  AgentFlags flags;
  flags.Declare(*agent);

  auto* audit =
      app.add_subcommand("audit", "Show what is on the nodes; exit 1 if anything is wrong");
  seccompd::AuditFlags audit_flags;
  audit_flags.Declare(*audit);

  auto* version = app.add_subcommand(
      "version", "Print the versions of seccompd and of the libseccomp that compiles");
  seccompd::cli::FileCommands file_commands;
  file_commands.Declare(app);
  if (const auto code = RefuseWords(app, argc, argv); code.has_value()) return *code;

  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) return app.exit(error);  // --help
    std::cerr << "seccompd: " << seccompd::cli::WrongUsage(app, error.what()) << '\n';
    return kExitUsage;
  }
  if (!agent->parsed()) AllowSignals();
  if (version->parsed() || wants_version) return Version();
  if (const auto code = file_commands.Run(MakeConsole(environment)); code.has_value()) return *code;
  if (!agent->parsed() && !audit->parsed()) {
    std::cerr << "seccompd: no command given (seccompd --help lists them)\n";
    return kExitUsage;
  }
  const Result<std::string> compiler = CompilerPath();
  if (!compiler.ok()) return Fail(compiler.error());
  if (audit->parsed()) return Audit(audit_flags, *compiler, environment);
  auto config = flags.Resolve(environment);
  if (!config.ok()) {
    std::cerr << "seccompd: " << config.error().message << '\n';
    return kExitUsage;
  }
  if (config->node_name.empty()) config->node_name = HostName();
  return seccompd::RunAgent(*config, *compiler, environment);
}

}  // namespace

int main(int argc, char** argv) {
  PrepareProcess();
  int code = kExitFailed;
  try {
    code = Main(argc, argv);
  } catch (const std::exception& error) {
    std::cerr << "seccompd: " << error.what() << " (this is a bug in seccompd)\n";
  }
  std::cout.flush();
  std::cerr.flush();
  // Threads of the HTTP library, or of a compilation under way, have nothing left to say.
  ::_exit(code);
}
