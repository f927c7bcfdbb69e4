// SPDX-License-Identifier: Apache-2.0
#include "seccompd/compiler/serve.h"

#include <fcntl.h>
#include <malloc.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <functional>
#include <string_view>
#include <utility>
#include <vector>

#include "seccompd/compiler/io.h"
#include "seccompd/profile/ceiling.h"
#include "seccompd/profile/compile.h"

#include "compiler/filter.h"
#include "compiler/proof.h"
#include "compiler/sanitized.h"
#include "compiler/spare.h"

// Set by the linker: where the executable's first segment begins (a page), and its code ends.
// NOLINTBEGIN(bugprone-reserved-identifier,readability-identifier-naming)
extern "C" const char __executable_start;
extern "C" const char etext;
// NOLINTEND(bugprone-reserved-identifier,readability-identifier-naming)

namespace seccompd::compiler {
namespace {

constexpr int kMaxWallMillis = 600'000;

// More orders wait in the socket until a child has ended: this bounds our descriptors and the
// node's memory.
constexpr std::size_t kMaxChildren = 64;

constexpr int kExitWrongUse = 2;

struct Child {
  pid_t pid = -1;
  std::uint64_t id = 0;
  UniqueFd report;
  Deadline deadline;
  bool is_overdue = false;
};

class ZygoteServer {
 public:
  // `finish` is called once, when the first order is with its child.
  ZygoteServer(const ServeOptions& options, UniqueFd signals, SpareChild& spare,
               std::function<void()> finish)
      : options_(options),
        signals_(std::move(signals)),
        spare_(spare),
        finish_(std::move(finish)) {}

  int Run() {
    while (is_serving_) {
      spare_.Prepare();
      // At the limit the control socket is only watched for its end (POLLHUP needs no asking).
      const PollEvents wanted = children_.size() < kMaxChildren ? POLLIN : 0;
      std::array<pollfd, 2> entries = {{{kControlFd, wanted, 0}, {signals_.get(), POLLIN, 0}}};
      const int count = ::poll(entries.data(), entries.size(), NextTimeout());
      if (count < 0 && errno != EINTR) return kExitEnvironment;
      if (entries[1].revents != 0) DrainSignals();
      Reap();
      KillOverdue();
      if ((entries[0].revents & POLLIN) != 0) {
        TakeOrder();
        if (finish_ && is_serving_) std::exchange(finish_, nullptr)();
      } else if (entries[0].revents != 0) {
        is_serving_ = false;
      }
    }
    for (const Child& child : children_) ::kill(child.pid, SIGKILL);
    return exit_code_;
  }

 private:
  int NextTimeout() const {
    int timeout = -1;
    for (const Child& child : children_) {
      if (child.is_overdue) continue;
      const int left = PollTimeout(child.deadline);
      timeout = timeout < 0 ? left : std::min(timeout, left);
    }
    return timeout;
  }

  void DrainSignals() {
    signalfd_siginfo info{};
    while (::read(signals_.get(), &info, sizeof info) > 0) {
    }
  }

  void Stop(int exit_code) {
    is_serving_ = false;
    exit_code_ = exit_code;
  }

  void TakeOrder() {
    Result<Message> message = ReceiveMessage(kControlFd);
    if (!message.ok()) {
      if (message.error().code == ErrorCode::kInvalid) Stop(kExitProtocol);
      return;
    }
    if (message->bytes.empty()) return Stop(kExitAnswered);
    const Result<std::uint64_t> id = DecodeOrder(message->bytes);
    if (!id.ok() || message->fds.size() != 2) return Stop(kExitProtocol);
    StartChild(*id, std::move(message->fds[0]), std::move(message->fds[1]));
  }

  void StartChild(std::uint64_t id, UniqueFd data, UniqueFd report) {
    const Started started = spare_.Hand(data.get());
    if (started.pid < 0) {
      Send(report, {id, Report::End::kNotStarted, started.error, 0});
      return;
    }
    Child child;
    child.pid = started.pid;
    child.id = id;
    child.report = std::move(report);
    child.deadline = std::chrono::steady_clock::now() + options_.wall_limit;
    children_.push_back(std::move(child));
  }

  void Reap() {
    int status = 0;
    rusage usage{};
    pid_t pid = 0;
    while ((pid = ::wait4(-1, &status, WNOHANG, &usage)) > 0) {
      if (spare_.Reaped(pid)) continue;
      const auto child = std::find_if(children_.begin(), children_.end(),
                                      [&](const Child& entry) { return entry.pid == pid; });
      if (child == children_.end()) continue;
      Send(child->report, MakeReport(*child, status, usage));
      children_.erase(child);
    }
  }

  static Report MakeReport(const Child& child, int status, const rusage& usage) {
    const auto micros = [](const timeval& time) {
      return static_cast<std::uint64_t>(time.tv_sec) * 1'000'000 +
             static_cast<std::uint64_t>(time.tv_usec);
    };
    Report report;
    report.id = child.id;
    report.cpu_usec = micros(usage.ru_utime) + micros(usage.ru_stime);
    const bool is_signaled = WIFSIGNALED(status);
    report.end = is_signaled ? Report::End::kSignaled : Report::End::kExited;
    report.status = is_signaled ? WTERMSIG(status) : WEXITSTATUS(status);
    // It may have ended by itself just before our signal.
    if (child.is_overdue && is_signaled && report.status == SIGKILL) {
      report.end = Report::End::kWallOverrun;
    }
    return report;
  }

  void KillOverdue() {
    const Deadline now = std::chrono::steady_clock::now();
    for (Child& child : children_) {
      if (child.is_overdue || now < child.deadline) continue;
      child.is_overdue = true;
      ::kill(child.pid, SIGKILL);  // ours and not yet reaped: the number is still its own
    }
  }

  // An empty pipe takes these few bytes at once; a client that went away is not our concern.
  static void Send(const UniqueFd& pipe, const Report& report) {
    const std::string bytes = EncodeReport(report);
    const ssize_t count = ::write(pipe.get(), bytes.data(), bytes.size());
    static_cast<void>(count);
  }

  const ServeOptions& options_;
  UniqueFd signals_;
  SpareChild& spare_;
  std::function<void()> finish_;
  std::vector<Child> children_;
  bool is_serving_ = true;
  int exit_code_ = kExitAnswered;
};

bool IsControlSocket() {
  int type = 0;
  socklen_t size = sizeof type;
  return ::getsockopt(kControlFd, SOL_SOCKET, SO_TYPE, &type, &size) == 0 && type == SOCK_SEQPACKET;
}

// Whoever started us may have left signals ignored or blocked. Those that end a whole process group
// (a terminal's ^C, systemd's SIGTERM) are not for us: our end is the control socket's, after the
// agent's last word.
UniqueFd SetUpSignals() {
  for (int number = 1; number < NSIG; ++number) static_cast<void>(::signal(number, SIG_DFL));
  for (const int number : {SIGPIPE, SIGTERM, SIGINT, SIGHUP, SIGQUIT}) {
    static_cast<void>(::signal(number, SIG_IGN));
  }
  sigset_t mask;
  sigemptyset(&mask);
  sigaddset(&mask, SIGCHLD);
  ::sigprocmask(SIG_SETMASK, &mask, nullptr);
  return UniqueFd(::signalfd(-1, &mask, SFD_CLOEXEC | SFD_NONBLOCK));
}

void Say(std::string_view what) {
  static_cast<void>(
      std::fprintf(stderr, "seccompd-compile: %.*s\n", static_cast<int>(what.size()), what.data()));
}

std::optional<int> WallMillis(std::string_view text) {
  int millis = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, millis);
  if (error != std::errc() || stop != end || millis <= 0 || millis > kMaxWallMillis) {
    return std::nullopt;
  }
  return millis;
}

// The operator's ceiling, a builtin: nothing of a tenant's is read here. None: there is none, or it
// cannot be used, which a child says to the first who asks for it.
std::optional<profile::Ceiling> MakeCeiling(const ServeOptions& options) {
  if (options.ceiling == "none") return std::nullopt;
  Result<profile::Ceiling> made = profile::Ceiling::Make(options.ceiling, options.node);
  ::malloc_trim(0);  // what libseccomp took for it would be every node's memory, for good
  if (!made.ok()) return std::nullopt;
  return *std::move(made);
}

// What the start ran is not needed again by a zygote that only forks: 2 MiB of every node's memory.
// A child, which inherits no page of a file at its fork anyway, finds them in the page cache.
void UnmapUsedCode() {
  const auto begin = reinterpret_cast<std::uintptr_t>(&__executable_start);
  const auto size = reinterpret_cast<std::uintptr_t>(&etext) - begin;
  if (!kIsSanitized) ::madvise(const_cast<char*>(&__executable_start), size, MADV_DONTNEED);
}

// What needs rights that the filter takes away comes before it.
int ServeLimited(const ServeOptions& options, UniqueFd signals) {
  Result<OwnFilters> filters = BuildFilters();
  if (!filters.ok()) {
    Say(filters.error().message);
    return kExitEnvironment;
  }
  std::optional<profile::Ceiling> ceiling;
  SpareChild spare({options, ceiling}, std::move(filters->child));
  if (!InstallFilter(filters->zygote)) {
    Say("the kernel takes no seccomp filter");
    return kExitEnvironment;
  }
  if (const auto ending = Disprove(spare, options); ending.has_value()) {
    Say("a child of its own cannot work here under its limits and its seccomp filter: it " +
        *ending);
    return kExitEnvironment;
  }
  const std::string hello = EncodeHello({kProtocolVersion, profile::LibseccompVersion()});
  const Deadline deadline = std::chrono::steady_clock::now() + options.wall_limit;
  if (!SendMessage(kControlFd, hello, {}, deadline).ok()) return kExitProtocol;
  // The first to ask is the agent, for its own filter, and needs no ceiling: the two are made side
  // by side. (Any other child that has none makes its own.)
  const auto finish = [&] {
    ceiling = MakeCeiling(options);
    UnmapUsedCode();
  };
  return ZygoteServer(options, std::move(signals), spare, finish).Run();
}

}  // namespace

std::optional<ServeOptions> ParseServeArguments(std::span<char* const> arguments) {
  if (arguments.empty() || std::string_view(arguments[0]) != "--serve") return std::nullopt;
  ServeOptions options;
  for (const std::string_view argument : arguments.subspan(1)) {
    const std::size_t sign = argument.find('=');
    if (sign == std::string_view::npos) return std::nullopt;
    const std::string_view name = argument.substr(0, sign);
    const std::string_view value = argument.substr(sign + 1);
    if (name == "--ceiling") {
      options.ceiling = value;
    } else if (name == "--architecture") {
      options.node.architecture = value;
    } else if (name == "--kernel") {
      options.node.kernel = value;
    } else {
      const std::optional<int> millis = name == "--wall-ms" ? WallMillis(value) : std::nullopt;
      if (!millis.has_value()) return std::nullopt;
      options.wall_limit = std::chrono::milliseconds(*millis);
    }
  }
  return options;
}

int ServeZygote(const ServeOptions& options) {
  if (!IsControlSocket()) {
    Say("--serve is for seccompd, which passes a socket");
    return kExitWrongUse;
  }
  ::fcntl(kControlFd, F_SETFD, FD_CLOEXEC);
  UniqueFd signals = SetUpSignals();
  if (!signals.is_open() || ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return kExitEnvironment;
  ::prctl(PR_SET_NAME, "compile-zygote", 0, 0, 0);
  return ServeLimited(options, std::move(signals));
}

}  // namespace seccompd::compiler
