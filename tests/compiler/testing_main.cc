// SPDX-License-Identifier: Apache-2.0
// seccompd-compile-testing: the shipped executable but for one thing: a spec "test:...", or one
// with such a string in it, makes the child misbehave, which no profile may do on command.
#include <fcntl.h>
#include <linux/futex.h>
#include <poll.h>
#include <sched.h>
#include <seccomp.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include "seccompd/compiler/io.h"
#include "seccompd/compiler/serve.h"

namespace {

using seccompd::compiler::Request;

void Send(int fd, std::string_view bytes) {
  const ssize_t count = ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
  static_cast<void>(count);
}

[[noreturn]] void Spin() {
  for (;;) __asm__ volatile("");
}

// The two rules of seccomp-facts.md section 4 that no libseccomp up to 2.6.1 gets done with; our
// lint refuses them.
[[noreturn]] void HangLibseccomp() {
  scmp_filter_ctx context = seccomp_init(SCMP_ACT_ERRNO(1));
  const scmp_arg_cmp first[] = {{0, SCMP_CMP_LE, 0, 0}, {1, SCMP_CMP_GT, 7, 0}};
  const scmp_arg_cmp second[] = {
      {0, SCMP_CMP_LE, 0, 0}, {1, SCMP_CMP_EQ, 2, 0}, {2, SCMP_CMP_EQ, 0, 0}};
  seccomp_rule_add_array(context, SCMP_ACT_ALLOW, SCMP_SYS(read), 2, first);
  seccomp_rule_add_array(context, SCMP_ACT_ALLOW, SCMP_SYS(read), 3, second);
  ::_exit(0);  // it came back after all: no answer, which the test sees
}

[[noreturn]] void EatMemory() {
  std::vector<std::string> eaten;
  for (;;) eaten.emplace_back(1 << 20, 'x');
}

// By number, so that nothing of the C library's comes between.
struct TriedCall {
  std::string_view name;
  std::array<std::intptr_t, 6> arguments;  // the number first
};

constexpr int kNoProcess = 0x7ffffffe;  // whom nothing happens to where the call comes back

std::intptr_t Address(const void* pointer) { return reinterpret_cast<std::intptr_t>(pointer); }

// What code that took over a child would try. Each of them must end it; where one comes back, its
// answer does not matter.
bool TryCall(std::string_view name, int data_fd) {
  static char text[] = "/dev/null";
  static char* none[] = {nullptr};
  static sockaddr_un address{AF_UNIX, "/run/none"};
  const TriedCall calls[] = {
      {"open", {SYS_openat, AT_FDCWD, Address(text), O_RDONLY, 0, 0}},
      {"stat", {SYS_newfstatat, AT_FDCWD, Address(text), 0, 0, 0}},
      {"unlink", {SYS_unlinkat, AT_FDCWD, Address(text), 0, 0, 0}},
      {"socket", {SYS_socket, AF_UNIX, SOCK_STREAM, 0, 0, 0}},
      {"socketpair", {SYS_socketpair, AF_UNIX, SOCK_STREAM, 0, Address(text), 0}},
      {"connect", {SYS_connect, data_fd, Address(&address), sizeof address, 0, 0}},
      {"sendmsg", {SYS_sendmsg, data_fd, 0, 0, 0, 0}},
      {"recvmsg", {SYS_recvmsg, data_fd, 0, 0, 0, 0}},
      {"kill", {SYS_kill, kNoProcess, SIGKILL, 0, 0, 0}},
      {"tgkill", {SYS_tgkill, kNoProcess, kNoProcess, 0, 0, 0}},
      {"ptrace", {SYS_ptrace, PTRACE_ATTACH, kNoProcess, 0, 0, 0}},
      {"readv", {SYS_process_vm_readv, kNoProcess, 0, 0, 0, 0}},
      {"fork", {SYS_clone, SIGCHLD, 0, 0, 0, 0}},
      {"clone3", {SYS_clone3, 0, 0, 0, 0, 0}},
      {"execve", {SYS_execve, Address(text), Address(none), Address(none), 0, 0}},
      {"executable", {SYS_mmap, 0, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1}},
      {"mprotect", {SYS_mprotect, Address(text) & ~4095, 4096, PROT_READ | PROT_EXEC, 0, 0}},
      {"dup", {SYS_dup, 0, 0, 0, 0, 0}},
      {"futex", {SYS_futex, Address(text), FUTEX_WAKE, 1, 0, 0}},
      {"prctl", {SYS_prctl, PR_SET_DUMPABLE, 1, 0, 0, 0}},
      {"setrlimit", {SYS_prlimit64, 0, RLIMIT_CPU, 0, 0, 0}},
      {"sigprocmask", {SYS_rt_sigprocmask, SIG_BLOCK, 0, 0, 8, 0}},
      {"x32", {SYS_read | 0x40000000, 0, 0, 0, 0, 0}},
      {"highest", {0x3ffffff, 0, 0, 0, 0, 0}},
  };
  for (const TriedCall& call : calls) {
    if (call.name != name) continue;
    const auto& a = call.arguments;
    static_cast<void>(::syscall(a[0], a[1], a[2], a[3], a[4], a[5]));
    return true;
  }
  return false;
}

// Standard input, output and error are /dev/null, 4 is the data socket: anything else is too much.
// lseek says EBADF, and nothing else, of what is not there.
bool HoldsOnlyItsSocket(int data_fd) {
  for (int fd = 3; fd < 64; ++fd) {
    const bool is_there = ::lseek(fd, 0, SEEK_CUR) >= 0 || errno != EBADF;
    if (is_there != (fd == data_fd)) return false;
  }
  return true;
}

void SendAndEnd(int data_fd, std::string_view bytes) {
  Send(data_fd, bytes);
  ::_exit(0);
}

std::string SomeAnswer() {
  return seccompd::compiler::EncodeCompileAnswer({{}, "x", 1, false, false, false, false, {}});
}

void AnswerSomething(int data_fd) {
  const std::string answer = SomeAnswer();
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(1);
  if (!seccompd::compiler::WriteFrame(data_fd, answer, deadline).ok()) ::_exit(1);
}

[[noreturn]] void AnswerWithMore(int data_fd) {
  AnswerSomething(data_fd);
  Send(data_fd, "x");
  ::_exit(0);
}

[[noreturn]] void Sleep() {
  for (;;) ::poll(nullptr, 0, -1);
}

// In one piece: whoever has the answer has the rest.
[[noreturn]] void AnswerMoreAndLinger(int data_fd) {
  const std::string answer = SomeAnswer();
  const auto size = static_cast<std::uint32_t>(answer.size());
  std::string bytes(sizeof size, '\0');
  std::memcpy(bytes.data(), &size, sizeof size);
  Send(data_fd, bytes + answer + "x");
  Sleep();
}

// All that this process reads is for one namespace.
void ReadFor(std::string_view name_space) {
  static const std::string first(name_space);
  if (first != name_space) __builtin_trap();
}

// As one that answers and waits for more, but takes none.
[[noreturn]] void AnswerAndLinger(int data_fd) {
  AnswerSomething(data_fd);
  Sleep();
}

[[noreturn]] void AnswerAndStay(int data_fd) {
  AnswerSomething(data_fd);
  ::close(data_fd);
  Sleep();
}

void Misbehave(const Request& request, int data_fd) {
  const bool is_together = request.kind == Request::Kind::kCompileTogether;
  if (!is_together && request.kind != Request::Kind::kCompile) return;
  // The whole text, or a string within a spec.
  constexpr std::string_view kMark = "test:";
  std::string_view what = request.text;
  for (const std::string& spec : request.specs) {
    if (spec.find(kMark) != std::string::npos) what = spec;
  }
  if (!what.starts_with(kMark)) what.remove_prefix(std::min(what.find("\"test:") + 1, what.size()));
  if (!what.starts_with(kMark)) return;
  what = what.substr(kMark.size(), what.find('"') - kMark.size());
  if (what == "crash") __builtin_trap();
  if (what == "abort") std::abort();
  if (what == "spin") Spin();
  if (what == "hang") HangLibseccomp();
  if (what == "eat") EatMemory();
  if (what == "exit") ::_exit(7);
  if (what == "sleep") Sleep();
  if (what == "silent") ::_exit(0);
  if (what == "garbage") SendAndEnd(data_fd, "what is this, a frame?");
  if (what == "short") SendAndEnd(data_fd, std::string_view("\x40\0\0\0abc", 7));
  if (what == "huge") SendAndEnd(data_fd, "\xff\xff\xff\x7f");
  if (what == "trailing") AnswerWithMore(data_fd);
  if (what == "stay") AnswerAndStay(data_fd);
  if (what == "linger") AnswerAndLinger(data_fd);
  if (what == "more") AnswerMoreAndLinger(data_fd);
  if (what.starts_with("in:")) ReadFor(what);
  if (what == "fds" && !HoldsOnlyItsSocket(data_fd)) ::_exit(7);
  TryCall(what, data_fd);
}

}  // namespace

int main(int argc, char** argv) {
  auto options = seccompd::compiler::ParseServeArguments({argv + 1, argv + argc});
  if (!options.has_value()) return 2;
  options->before_request = Misbehave;
  return seccompd::compiler::ServeZygote(*options);
}
