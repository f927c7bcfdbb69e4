// SPDX-License-Identifier: Apache-2.0
// seccompd-compile-testing: the shipped executable but for one thing: a spec "test:..." makes the
// child misbehave, which no profile may do on command.
#include <fcntl.h>
#include <seccomp.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>
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

void Misbehave(const Request& request, int data_fd) {
  const std::string_view text = request.text;
  if (!text.starts_with("test:")) return;
  const std::string_view what = text.substr(5);
  if (what == "crash") ::raise(SIGSEGV);
  if (what == "abort") std::abort();
  if (what == "spin") Spin();
  if (what == "hang") HangLibseccomp();
  if (what == "eat") EatMemory();
  if (what == "exit") ::_exit(7);
  if (what == "sleep") {
    for (;;) ::pause();
  }
  if (what == "silent") ::_exit(0);
  if (what == "garbage") {
    Send(data_fd, "what is this, a frame?");
    ::_exit(0);
  }
  if (what == "short") {
    Send(data_fd, std::string_view("\x40\0\0\0abc", 7));
    ::_exit(0);
  }
  if (what == "huge") {
    Send(data_fd, "\xff\xff\xff\x7f");
    ::_exit(0);
  }
  if (what == "trailing") {
    const std::string answer =
        seccompd::compiler::EncodeCompileAnswer({{}, "x", 1, false, false, false, false, {}});
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(1);
    if (!seccompd::compiler::WriteFrame(data_fd, answer, deadline).ok()) ::_exit(1);
    Send(data_fd, "x");
    ::_exit(0);
  }
  if (what ==
      "fds") {  // 0 to 2 are /dev/null, 3 is the socket: anything else is an answer with an error
    for (int fd = 4; fd < 64; ++fd) {
      if (::fcntl(fd, F_GETFD) >= 0) ::_exit(7);
    }
    if (::open("/dev/null", O_RDONLY) != 4) ::_exit(7);
    ::close(4);
  }
}

}  // namespace

int main(int argc, char** argv) {
  auto options = seccompd::compiler::ParseServeArguments({argv + 1, argv + argc});
  if (!options.has_value()) return 2;
  options->before_request = Misbehave;
  return seccompd::compiler::ServeZygote(*options);
}
