// SPDX-License-Identifier: Apache-2.0
#include "compiler/launch.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <string_view>
#include <utility>

#include "seccompd/compiler/io.h"
#include "seccompd/compiler/protocol.h"

#include "compiler/ending.h"

namespace seccompd::compiler {
namespace {

constexpr std::chrono::seconds kHelloLimit{5};

constexpr std::string_view kWhereToLook =
    "; standard error has its own words, if any; run it with --version to see whether it is "
    "seccompd-compile";

// By number: glibc 2.36 declares both without extern "C".
int OpenPidfd(pid_t pid) { return static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)); }
void KillPidfd(int fd) { ::syscall(SYS_pidfd_send_signal, fd, SIGKILL, nullptr, 0); }

// Of the process between fork and exec. `what` is a constant or the executable's name: the fork has
// both at the address where we have them.
struct Failure {
  const char* what;
  int error;
};

// Between fork and exec: only async-signal-safe calls. Answers what failed.
Failure ExecZygote(int control, int failure_pipe, const char* executable, char* const* arguments,
                   pid_t parent) {
  // First of all: what fails is told through it.
  if (::dup2(failure_pipe, kControlFd + 1) < 0) return {"dup2", errno};
  ::fcntl(kControlFd + 1, F_SETFD, FD_CLOEXEC);
  // The zygote dies with the thread that called Start. That one may have died between fork and
  // here.
  if (::prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) != 0) return {"prctl", errno};
  if (::getppid() != parent) return {"getppid", ESRCH};
  ::setsid();
  const int null = ::open("/dev/null", O_RDWR | O_CLOEXEC);
  if (null < 0) return {"/dev/null", errno};
  if (::dup2(null, 0) < 0 || ::dup2(null, 1) < 0) return {"dup2", errno};
  if (::dup2(control, kControlFd) < 0) return {"dup2", errno};
  // What we hold open is close-on-exec; what others left open is not the zygote's. (Kernels
  // before 5.9 cannot.)
  ::close_range(kControlFd + 2, ~0U, 0);
  std::array<char*, 1> environment = {nullptr};
  ::execve(executable, arguments, environment.data());
  return {executable, errno};
}

// dup2 must not hit a descriptor that is still needed: move ours above the fixed numbers.
Result<UniqueFd> MoveUp(UniqueFd fd) {
  UniqueFd moved(::fcntl(fd.get(), F_DUPFD_CLOEXEC, kControlFd + 2));
  if (!moved.is_open()) return ErrnoError(errno, "fcntl");
  return moved;
}

Result<pid_t> ForkZygote(const ZygoteOptions& options, UniqueFd control) {
  std::array<int, 2> pipe_fds{};
  if (::pipe2(pipe_fds.data(), O_CLOEXEC) != 0) return ErrnoError(errno, "pipe");
  const UniqueFd read_end(pipe_fds[0]);
  Result<UniqueFd> write_end = MoveUp(UniqueFd(pipe_fds[1]));
  Result<UniqueFd> far_end = MoveUp(std::move(control));
  if (!write_end.ok()) return write_end.error();
  if (!far_end.ok()) return far_end.error();

  std::string executable = options.executable;
  std::string serve = "--serve";
  std::string wall = "--wall-ms=" + std::to_string(options.wall_limit.count());
  std::string ceiling = "--ceiling=" + options.ceiling;
  std::string architecture = "--architecture=" + options.node.architecture;
  std::string kernel = "--kernel=" + options.node.kernel;
  const std::array<char*, 7> arguments = {
      executable.data(),   serve.data(),  wall.data(), ceiling.data(),
      architecture.data(), kernel.data(), nullptr};
  const pid_t parent = ::getpid();
  const pid_t pid = ::fork();
  if (pid < 0) return ErrnoError(errno, "fork");
  if (pid == 0) {
    const Failure failure =
        ExecZygote(far_end->get(), write_end->get(), executable.c_str(), arguments.data(), parent);
    const ssize_t count = ::write(kControlFd + 1, &failure, sizeof failure);
    ::_exit(count < 0 ? 126 : 127);
  }
  write_end->Reset();
  Failure failure{};
  ssize_t count = 0;
  do {
    count = ::read(read_end.get(), &failure, sizeof failure);
  } while (count < 0 && errno == EINTR);
  if (count <= 0) return pid;  // closed by the exec
  ::waitpid(pid, nullptr, 0);
  return ErrnoError(failure.error, failure.what);
}

// On an error the control socket is closed, and the process may have been reaped.
Result<Hello> WaitForHello(Launched& launched) {
  const Deadline deadline = std::chrono::steady_clock::now() + kHelloLimit;
  if (!WaitFor(launched.control.get(), POLLIN, deadline).ok()) {
    launched.control.Reset();
    return Error{ErrorCode::kTransient, "the compiler did not say hello within 5 s"};
  }
  const Result<Message> message = ReceiveMessage(launched.control.get());
  Result<Hello> hello = DecodeHello(message.ok() ? message->bytes : "");
  if (hello.ok() && hello->version == kProtocolVersion) return hello;
  launched.control.Reset();
  if (message.ok() && message->bytes.empty()) {
    return Error{ErrorCode::kDenied, "the compiler ended before it said hello: it " +
                                         EndProcess(launched) + std::string(kWhereToLook)};
  }
  return Error{ErrorCode::kDenied, "the compiler is of another version of seccompd"};
}

}  // namespace

std::string EndProcess(const Launched& launched) {
  const bool has_pidfd = launched.process.is_open();
  // Kernels before 5.3: it ends by itself, its control socket being closed.
  if (has_pidfd) KillPidfd(launched.process.get());
  const id_t id = static_cast<id_t>(has_pidfd ? launched.process.get() : launched.pid);
  siginfo_t info{};
  int waited = 0;
  do {
    waited = ::waitid(has_pidfd ? P_PIDFD : P_PID, id, &info, WEXITED);
  } while (waited != 0 && errno == EINTR);
  // ECHILD: its owner has reaped it already.
  return waited == 0 ? HowItEnded(info.si_code != CLD_EXITED, info.si_status) : "has ended";
}

Result<Launched> Launch(const ZygoteOptions& options) {
  std::array<int, 2> sockets{};
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets.data()) != 0) {
    return ErrnoError(errno, "socketpair");
  }
  Launched launched;
  launched.control.Reset(sockets[0]);
  const Result<pid_t> pid = ForkZygote(options, UniqueFd(sockets[1]));
  if (!pid.ok()) return Wrap(pid.error(), "cannot start the compiler");
  launched.pid = *pid;
  launched.process.Reset(OpenPidfd(launched.pid));
  Result<Hello> hello = WaitForHello(launched);
  if (!hello.ok()) {
    static_cast<void>(EndProcess(launched));
    return Wrap(hello.error(), options.executable);
  }
  launched.libseccomp_version = std::move(hello->libseccomp_version);
  return launched;
}

}  // namespace seccompd::compiler
