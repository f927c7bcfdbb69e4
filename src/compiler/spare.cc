// SPDX-License-Identifier: Apache-2.0
#include "compiler/spare.h"

#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <utility>

#include "seccompd/compiler/io.h"

#include "compiler/child.h"

namespace seccompd::compiler {
namespace {

constexpr int kMostReplaced = 3;  // between two requests

// Never waited for: the socket of a child that has nothing to do is empty.
constexpr std::chrono::seconds kHandoverLimit{1};

}  // namespace

SpareChild::SpareChild(const ChildSetting& setting, std::string filter)
    : setting_(setting), filter_(std::move(filter)), zygote_pid_(::getpid()) {}

Started SpareChild::Fork() {
  std::array<int, 2> fds{};
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds.data()) != 0) return {-1, errno};
  UniqueFd near(fds[0]);
  const UniqueFd far(fds[1]);
  const pid_t pid = ::fork();
  if (pid == 0) {
    if (!LimitChild(far.get(), zygote_pid_, filter_)) ::_exit(kExitEnvironment);
    ServeRequests(setting_);
  }
  if (pid < 0) return {-1, errno};
  pid_ = pid;
  handover_ = std::move(near);
  return {pid, 0};
}

void SpareChild::Prepare() {
  if (pid_ < 0 && died_unasked_ < kMostReplaced) static_cast<void>(Fork());
}

Started SpareChild::Hand(int data) {
  died_unasked_ = 0;
  // The one that waits may have been killed; a fresh one takes the request then.
  for (int attempt = 0; attempt < 2; ++attempt) {
    if (pid_ < 0) {
      const Started started = Fork();
      if (started.pid < 0) return started;
    }
    const pid_t pid = std::exchange(pid_, -1);
    const UniqueFd handover = std::move(handover_);
    const Deadline deadline = std::chrono::steady_clock::now() + kHandoverLimit;
    if (SendMessage(handover.get(), "serve", {data}, deadline).ok()) return {pid, 0};
  }
  return {-1, EAGAIN};
}

bool SpareChild::Reaped(pid_t pid) {
  if (pid != pid_) return false;
  pid_ = -1;
  handover_.Reset();
  ++died_unasked_;
  return true;
}

}  // namespace seccompd::compiler
