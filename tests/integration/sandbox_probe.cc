// SPDX-License-Identifier: Apache-2.0
// sandbox-probe COMPILE WORKSPACE ABI ACTION: enters the agent's own sandbox by the agent's own
// code, then does ACTION, which an agent that was taken over might try, and prints how that went:
// "ok" or errno's number. ABI 0: the whole sandbox; else only Landlock, as a kernel of that ABI has
// it.
#include <fcntl.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <thread>

#include "seccompd/agent/node_facts.h"
#include "seccompd/agent/sandbox.h"
#include "seccompd/compiler/zygote.h"

#include "agent/landlock.h"
#include "agent/sandbox_needs.h"

namespace {

using seccompd::agent::AgentConfig;

struct Place {
  std::string space;
  std::string In(const char* name) const { return space + "/" + name; }
};

bool Opens(const std::string& path, int flags) {
  const int fd = ::open(path.c_str(), flags | O_CLOEXEC, 0600);
  if (fd < 0) return false;
  ::close(fd);
  return true;
}
bool Tcp(bool connects, std::uint16_t port) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const auto* name = reinterpret_cast<const sockaddr*>(&address);
  return fd >= 0 &&
         (connects ? ::connect(fd, name, sizeof address) : ::bind(fd, name, sizeof address)) == 0;
}
bool MapsExecutable() {
  return ::mmap(nullptr, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) !=
         MAP_FAILED;
}
bool RunsAThread() {
  bool ran = false;
  std::thread([&] { ran = true; }).join();
  return ran;
}

struct Action {
  const char* name;
  bool (*act)(const Place& place);
};
constexpr Action kActions[] = {
    {"exec",
     [](const Place&) {
       char name[] = "/bin/true";
       char* const arguments[] = {name, nullptr};
       return ::execv(name, arguments) == 0;
     }},
    {"fork", [](const Place&) { return ::fork() >= 0; }},
    {"thread", [](const Place&) { return RunsAThread(); }},
    {"shadow", [](const Place&) { return Opens("/etc/shadow", O_RDONLY); }},
    {"etc", [](const Place&) { return Opens("/etc", O_RDONLY | O_DIRECTORY); }},
    {"proc-1", [](const Place&) { return Opens("/proc/1/environ", O_RDONLY); }},
    {"proc-self", [](const Place&) { return Opens("/proc/self/mountinfo", O_RDONLY); }},
    {"write-outside",
     [](const Place& p) { return Opens(p.In("outside/new"), O_WRONLY | O_CREAT); }},
    {"read-outside", [](const Place& p) { return Opens(p.In("outside/file"), O_RDONLY); }},
    {"by-symlink",
     [](const Place& p) { return Opens(p.In("root/tenants/link/file"), O_RDONLY | O_TRUNC); }},
    {"by-dots",
     [](const Place& p) { return Opens(p.In("root/tenants/../../outside/file"), O_WRONLY); }},
    {"truncate-manifest",
     [](const Place& p) { return Opens(p.In("manifests/m.yaml"), O_RDONLY | O_TRUNC); }},
    {"unlink-outside", [](const Place& p) { return ::unlink(p.In("outside/file").c_str()) == 0; }},
    {"mkdir-beside", [](const Place& p) { return ::mkdir(p.In("root/other").c_str(), 0700) == 0; }},
    {"move-out",
     [](const Place& p) {
       return ::rename(p.In("root/tenants/file").c_str(), p.In("outside/taken").c_str()) == 0;
     }},
    {"quarantine",
     [](const Place& p) {
       return ::rename(p.In("root/tenants/file").c_str(), p.In("state/taken").c_str()) == 0;
     }},
    {"quarantine-link",
     [](const Place& p) {
       return ::rename(p.In("root/tenants/link").c_str(), p.In("state/link").c_str()) == 0;
     }},
    {"write-profile",
     [](const Place& p) { return Opens(p.In("root/tenants/new"), O_WRONLY | O_CREAT | O_EXCL); }},
    {"write-state",
     [](const Place& p) { return Opens(p.In("state/new"), O_WRONLY | O_CREAT | O_EXCL); }},
    {"read-manifest", [](const Place& p) { return Opens(p.In("manifests/m.yaml"), O_RDONLY); }},
    {"make-device",
     [](const Place& p) {
       return ::mknod(p.In("state/null").c_str(), S_IFCHR | 0600, 0x103) == 0;
     }},
    {"user-namespace", [](const Place&) { return ::unshare(CLONE_NEWUSER) == 0; }},
    {"mount", [](const Place&) { return ::mount("none", "/mnt", "tmpfs", 0, nullptr) == 0; }},
    {"ptrace", [](const Place&) { return ::ptrace(PTRACE_TRACEME, 0, nullptr, nullptr) == 0; }},
    {"bpf", [](const Place&) { return ::syscall(SYS_bpf, 0, nullptr, 0) == 0; }},
    {"raw-socket", [](const Place&) { return ::socket(AF_PACKET, SOCK_RAW, 0) >= 0; }},
    {"executable-memory", [](const Place&) { return MapsExecutable(); }},
    {"signal-parent", [](const Place&) { return ::kill(::getppid(), 0) == 0; }},
    {"signal-zygote", [](const Place&) { return ::kill(::getppid(), SIGUSR1) == 0; }},
    {"chown", [](const Place& p) { return ::chown(p.In("state").c_str(), 1, 1) == 0; }},
    {"bind-other", [](const Place&) { return Tcp(false, 61001); }},
    {"bind-any", [](const Place&) { return Tcp(false, 0); }},
    {"connect-other", [](const Place&) { return Tcp(true, 1); }},
};

int Fail(const std::string& why) {
  std::fprintf(stderr, "sandbox-probe: %s\n", why.c_str());
  return 3;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 5) return Fail("COMPILE WORKSPACE ABI ACTION");
  const Place place{argv[2]};
  const int abi = std::atoi(argv[3]);
  AgentConfig config;
  config.sandbox = "require";
  config.seccomp_root = place.In("root");
  config.state_dir = place.In("state");
  config.manifests = place.In("manifests");
  config.listen_health = "127.0.0.1:0";
  config.listen_metrics = "";
  auto facts = seccompd::agent::ReadNodeFacts();
  auto zygote = seccompd::compiler::Zygote::Start({.executable = argv[1]});
  if (!facts.ok() || !zygote.ok()) return Fail("no compiler");
  ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  if (abi == 0) {
    const auto state = seccompd::agent::EnterSandbox(
        config, {}, seccompd::agent::AskForAgentFilter(**zygote, facts->seccomp_arch));
    if (!state.ok()) return Fail(state.error().message);
  } else {
    const auto entered = seccompd::agent::RestrictByLandlock(
        abi, seccompd::agent::RulesFor(config, seccompd::agent::SandboxNeeds{}));
    if (!entered.ok()) return Fail(entered.error().message);
  }
  for (const Action& action : kActions) {
    if (std::string(argv[4]) != action.name) continue;
    errno = 0;
    const bool done = action.act(place);
    std::printf("%s\n", done ? "ok" : std::to_string(errno).c_str());
    return 0;
  }
  return Fail("no such action");
}
