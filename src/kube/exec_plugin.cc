// SPDX-License-Identifier: Apache-2.0
#include "kube/exec_plugin.h"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <mutex>

#include "seccompd/base/unique_fd.h"

#include "kube/json.h"
#include "kube/token_source.h"

namespace seccompd::kube {
namespace {

constexpr std::chrono::seconds kTimeLimit{60};
constexpr std::size_t kMaxOutput = std::size_t{1} << 20;

// Owns the arguments of posix_spawn that C wants as arrays of char*.
class CStrings {
 public:
  void Add(std::string text) { texts_.push_back(std::move(text)); }
  char** Get() {
    pointers_.clear();
    for (std::string& text : texts_) pointers_.push_back(text.data());
    pointers_.push_back(nullptr);
    return pointers_.data();
  }

 private:
  std::vector<std::string> texts_;
  std::vector<char*> pointers_;
};

std::string ExecInfo(const ExecPlugin& plugin) {
  nlohmann::json info = {{"apiVersion", plugin.api_version},
                         {"kind", "ExecCredential"},
                         {"spec", {{"interactive", false}}}};
  if (!plugin.cluster_json.empty()) info["spec"]["cluster"] = ParseJson(plugin.cluster_json);
  return info.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

// posix_spawn returns its error, it does not set errno.
int Spawn(const ExecPlugin& plugin, int output, pid_t& pid) {
  CStrings argv;
  argv.Add(plugin.command);
  for (const std::string& arg : plugin.args) argv.Add(arg);
  CStrings env;
  for (char** entry = environ; *entry != nullptr; ++entry) env.Add(*entry);
  for (const auto& [name, value] : plugin.env) env.Add(std::string(name).append("=").append(value));
  env.Add("KUBERNETES_EXEC_INFO=" + ExecInfo(plugin));

  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  sigset_t none;
  sigemptyset(&none);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);
  const int error =
      posix_spawnp(&pid, plugin.command.c_str(), &actions, &attributes, argv.Get(), env.Get());
  posix_spawnattr_destroy(&attributes);
  posix_spawn_file_actions_destroy(&actions);
  return error;
}

// Everything the command printed, or nothing when it took too long or printed too much.
bool ReadOutput(int fd, std::string& output) {
  const auto deadline = std::chrono::steady_clock::now() + kTimeLimit;
  std::array<char, 8192> piece{};
  for (;;) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
        deadline - std::chrono::steady_clock::now());
    pollfd ready{fd, POLLIN, 0};
    if (left.count() <= 0 || ::poll(&ready, 1, static_cast<int>(left.count())) == 0) return false;
    const ssize_t count = ::read(fd, piece.data(), piece.size());
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return count == 0;
    output.append(piece.data(), static_cast<std::size_t>(count));
    if (output.size() > kMaxOutput) return false;
  }
}

class Exec final : public TokenSource {
 public:
  Exec(ExecPlugin plugin, std::string token)
      : plugin_(std::move(plugin)), token_(std::move(token)) {}
  Result<std::string> Token() override {
    const std::lock_guard lock(mutex_);
    if (!is_stale_) return token_;
    auto credential = RunExecPlugin(plugin_);
    if (!credential.ok()) return credential.error();
    token_ = std::move(credential->token);
    is_stale_ = false;
    return token_;
  }
  void Refused(std::string_view token) override {
    const std::lock_guard lock(mutex_);
    is_stale_ = is_stale_ || token == token_;
  }

 private:
  const ExecPlugin plugin_;
  std::mutex mutex_;  // guards all below
  std::string token_;
  bool is_stale_ = false;
};

Result<ExecCredential> ParseCredential(const std::string& output, const ExecPlugin& plugin,
                                       const std::string& what) {
  const auto json = ParseJson(output);
  if (StringMember(json, "kind") != "ExecCredential" ||
      StringMember(json, "apiVersion") != plugin.api_version)
    return Error{ErrorCode::kInvalid, what + " printed no ExecCredential of " + plugin.api_version};
  const auto& status = Member(json, "status");
  ExecCredential credential;
  credential.certificate_pem = StringMember(status, "clientCertificateData");
  credential.private_key_pem = StringMember(status, "clientKeyData");
  if (const std::string token = StringMember(status, "token"); !token.empty()) {
    auto clean = CleanToken(token, what);
    if (!clean.ok()) return clean.error();
    credential.token = std::move(*clean);
  }
  if (credential.token.empty() && credential.certificate_pem.empty())
    return Error{ErrorCode::kInvalid, what + " gave neither a token nor a client certificate"};
  return credential;
}

}  // namespace

Result<ExecCredential> RunExecPlugin(const ExecPlugin& plugin) {
  const std::string what = "the credential plugin " + plugin.command;
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return ErrnoError(errno, what);
  const UniqueFd reading(ends[0]);
  UniqueFd writing(ends[1]);
  pid_t pid = 0;
  if (const int error = Spawn(plugin, writing.get(), pid); error != 0) {
    Error failed = ErrnoError(error, what);
    if (!plugin.install_hint.empty()) failed.message += "\n" + plugin.install_hint;
    return failed;
  }
  writing.Reset();
  std::string output;
  const bool read = ReadOutput(reading.get(), output);
  if (!read) ::kill(pid, SIGKILL);
  int status = 0;
  while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  if (!read) return Error{ErrorCode::kTransient, what + " took too long or printed too much"};
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
    return Error{
        ErrorCode::kDenied,
        what + " failed" + (plugin.install_hint.empty() ? "" : "\n" + plugin.install_hint)};
  return ParseCredential(output, plugin, what);
}

std::shared_ptr<TokenSource> ExecToken(ExecPlugin plugin, std::string token) {
  return std::make_shared<Exec>(std::move(plugin), std::move(token));
}

}  // namespace seccompd::kube
