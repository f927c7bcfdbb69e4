// SPDX-License-Identifier: Apache-2.0
#include "seccompd/agent/wakeup.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>

namespace seccompd::agent {

Wakeup::Wakeup() : event_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  if (!event_.is_open()) std::abort();  // no descriptor left at the very start
}

void Wakeup::Notify() {
  const std::uint64_t one = 1;
  // Fails only when the counter is full: then it is readable already.
  [[maybe_unused]] const ssize_t written = ::write(event_.get(), &one, sizeof(one));
}

void Wakeup::Wait(int descriptor, std::chrono::steady_clock::duration limit) {
  // Rounded up: a timer that is nearly due must not make the caller spin.
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(limit).count();
  pollfd fds[] = {{event_.get(), POLLIN, 0}, {descriptor, POLLIN, 0}};
  if (::poll(fds, 2, static_cast<int>(std::clamp<std::int64_t>(left, 0, 3'600'000))) <= 0) return;
  std::uint64_t count = 0;
  [[maybe_unused]] const ssize_t got = ::read(event_.get(), &count, sizeof(count));
}

}  // namespace seccompd::agent
