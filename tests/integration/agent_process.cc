// SPDX-License-Identifier: Apache-2.0
#include "integration/agent_process.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/inotify.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <functional>
#include <sstream>

#include <gtest/gtest.h>

#include "compiler/sanitized.h"

namespace seccompd::integration {
namespace {

constexpr std::chrono::seconds kPatience{30};

}  // namespace

Workspace::Workspace() {
  std::string pattern = ::testing::TempDir() + "seccompd-it-XXXXXX";
  path_ = ::mkdtemp(pattern.data());
  ::chmod(path_.c_str(), 0755);
  ::mkdir(seccomp_root().c_str(), 0755);
  ::mkdir(manifests().c_str(), 0755);
}

Workspace::~Workspace() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

void Workspace::WriteFile(const std::string& name, const std::string& text) const {
  const std::string temporary = path_ + "/new-file";
  std::ofstream(temporary) << text;
  std::filesystem::rename(temporary, path_ + "/" + name);
}

AgentProcess::AgentProcess(const std::vector<std::string>& args,
                           const std::map<std::string, std::string>& environment,
                           Privileges privileges, const std::string& executable) {
  std::array<int, 2> ends{};
  EXPECT_EQ(::pipe2(ends.data(), O_CLOEXEC), 0);
  stderr_.Reset(ends[0]);
  const UniqueFd write_end(ends[1]);
  std::vector<std::string> words{executable, "agent"};
  if (privileges == Privileges::kNone && ::geteuid() == 0)
    words.insert(words.begin(), {"/usr/bin/setpriv", "--bounding-set=-all", "--inh-caps=-all"});
  const std::string program = words.front();
  if (!compiler::kIsSanitized && std::find(args.begin(), args.end(), "--sandbox") == args.end())
    words.insert(words.end(), {"--sandbox", "require"});
  words.insert(words.end(), args.begin(), args.end());
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  std::vector<std::string> variables{"PATH=/usr/bin:/bin"};
  // Sanitizers take their options from the environment.
  for (const char* name : {"ASAN_OPTIONS", "LSAN_OPTIONS", "TSAN_OPTIONS", "UBSAN_OPTIONS"}) {
    if (const char* value = ::getenv(name)) variables.push_back(std::string(name) + "=" + value);
  }
  for (const auto& [name, value] : environment) variables.push_back(name + "=" + value);
  std::vector<char*> envp;
  for (std::string& variable : variables) envp.push_back(variable.data());
  envp.push_back(nullptr);

  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_adddup2(&actions, write_end.get(), STDERR_FILENO);
  EXPECT_EQ(::posix_spawn(&pid_, program.c_str(), &actions, nullptr, argv.data(), envp.data()), 0);
  ::posix_spawn_file_actions_destroy(&actions);
  pidfd_.Reset(static_cast<int>(::syscall(SYS_pidfd_open, pid_, 0)));
  reader_ = std::thread([this] { Read(); });
}

AgentProcess::~AgentProcess() {
  if (pid_ > 0) {
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }
  reader_.join();
  if (::testing::Test::HasFailure())
    std::fprintf(stderr, "---- the agent's log\n%s----\n", log().c_str());
}

void AgentProcess::Read() {
  std::string pending;
  std::array<char, 4096> buffer{};
  while (true) {
    const ssize_t n = ::read(stderr_.get(), buffer.data(), buffer.size());
    const std::lock_guard lock(mutex_);
    if (n <= 0) {
      ended_ = true;
      if (!pending.empty()) lines_.push_back(pending);
      changed_.notify_all();
      return;
    }
    pending.append(buffer.data(), static_cast<std::size_t>(n));
    for (std::size_t end = pending.find('\n'); end != std::string::npos; end = pending.find('\n')) {
      lines_.push_back(pending.substr(0, end));
      pending.erase(0, end + 1);
    }
    changed_.notify_all();
  }
}

std::string AgentProcess::WaitForLine(const std::string& text, int count) {
  std::unique_lock lock(mutex_);
  std::string found;
  const auto look = [&] {
    int seen = 0;
    for (const std::string& line : lines_) {
      if (line.find(text) == std::string::npos) continue;
      found = line;
      if (++seen == count) return true;
    }
    return false;
  };
  changed_.wait_for(lock, kPatience, [&] { return look() || ended_; });
  return look() ? found : "";
}

std::string AgentProcess::log() const {
  const std::lock_guard lock(mutex_);
  std::string all;
  for (const std::string& line : lines_) all += line + "\n";
  return all;
}

void AgentProcess::Pause() const {
  Signal(SIGSTOP);
  siginfo_t info{};
  while (::waitid(P_PID, static_cast<id_t>(pid_), &info, WSTOPPED) != 0 && errno == EINTR) {
  }
}

void AgentProcess::Signal(int signal) const { ::kill(pid_, signal); }

bool AgentProcess::EndsWithin(int milliseconds) const {
  pollfd ended{pidfd_.get(), POLLIN, 0};
  return ::poll(&ended, 1, milliseconds) == 1;
}

int AgentProcess::WaitForEnd(int seconds) {
  if (!EndsWithin(seconds * 1000)) return -1;
  int status = 0;
  ::waitpid(pid_, &status, 0);
  pid_ = -1;
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

HttpAnswer HttpGet(const std::string& address, const std::string& target) {
  UniqueFd socket;
  int connected = -1;
  if (address.starts_with('/')) {
    socket.Reset(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_un name{};
    name.sun_family = AF_UNIX;
    address.copy(name.sun_path, sizeof name.sun_path - 1);
    connected = ::connect(socket.get(), reinterpret_cast<sockaddr*>(&name), sizeof name);
  } else {
    socket.Reset(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in name{};
    name.sin_family = AF_INET;
    name.sin_addr.s_addr = ::htonl(INADDR_LOOPBACK);
    name.sin_port =
        ::htons(static_cast<std::uint16_t>(std::stoi(address.substr(address.find(':') + 1))));
    connected = ::connect(socket.get(), reinterpret_cast<sockaddr*>(&name), sizeof name);
  }
  if (connected != 0) return {};
  const std::string request =
      "GET " + target + " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
  if (::send(socket.get(), request.data(), request.size(), MSG_NOSIGNAL) < 0) return {};
  std::string answer;
  std::array<char, 4096> buffer{};
  for (ssize_t n = 0; (n = ::recv(socket.get(), buffer.data(), buffer.size(), 0)) > 0;) {
    answer.append(buffer.data(), static_cast<std::size_t>(n));
  }
  const auto body = answer.find("\r\n\r\n");
  if (!answer.starts_with("HTTP/1.1 ") || body == std::string::npos) return {};
  return {std::stoi(answer.substr(9, 3)), answer.substr(body + 4)};
}

std::string ReadAll(const std::string& path) {
  std::ifstream file(path);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

bool WaitForFile(const std::string& path,
                 const std::function<bool(const std::string& text)>& is_so) {
  const auto deadline = std::chrono::steady_clock::now() + kPatience;
  const UniqueFd watch(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
  while (true) {
    // The nearest directory that is there: the file's own may not be yet.
    std::filesystem::path directory = std::filesystem::path(path).parent_path();
    while (!std::filesystem::exists(directory)) directory = directory.parent_path();
    ::inotify_add_watch(watch.get(), directory.c_str(),
                        IN_CREATE | IN_MOVED_TO | IN_DELETE | IN_CLOSE_WRITE | IN_ATTRIB);
    if (is_so(ReadAll(path))) return true;
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
        deadline - std::chrono::steady_clock::now());
    if (left.count() <= 0) return false;
    // Bounded, because a directory may have come between the look and the watch.
    pollfd events{watch.get(), POLLIN, 0};
    ::poll(&events, 1, static_cast<int>(std::min<std::int64_t>(left.count(), 500)));
    std::array<char, 4096> drain{};
    while (::read(watch.get(), drain.data(), drain.size()) > 0) {
    }
  }
}

}  // namespace seccompd::integration
