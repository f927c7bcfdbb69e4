// SPDX-License-Identifier: Apache-2.0
#pragma once
// Frames (a 32-bit length, then that many bytes) and messages with descriptors over Unix sockets,
// each with a deadline. Never raises SIGPIPE. Thread-safe, one thread per descriptor.

#include <poll.h>

#include <chrono>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "seccompd/base/result.h"
#include "seccompd/base/unique_fd.h"

namespace seccompd::compiler {

// Steady time, not base's Clock: a poll(2) on a real socket knows no other.
using Deadline = std::chrono::steady_clock::time_point;
using PollEvents = decltype(pollfd::events);

// kTransient: the deadline passed, or the other end is gone.
Result<void> WriteFrame(int socket, std::string_view payload, Deadline deadline);
// kInvalid: longer than `max_bytes`, or the end came within. kTransient: the deadline passed.
Result<std::string> ReadFrame(int socket, std::size_t max_bytes, Deadline deadline);
// All bytes up to the end. kInvalid: more than max_bytes. kTransient: the deadline passed.
Result<std::string> ReadToEnd(int fd, std::size_t max_bytes, Deadline deadline);

// One message of a SOCK_SEQPACKET socket. kDenied: the other end is gone. kTransient: the deadline
// passed.
Result<void> SendMessage(int socket, std::string_view bytes, const std::vector<int>& fds,
                         Deadline deadline);
struct Message {
  std::string bytes;  // empty: the other end is gone
  std::vector<UniqueFd> fds;
};
// Does not wait. kInvalid: cut off, or more than two descriptors; kTransient: nothing there.
Result<Message> ReceiveMessage(int socket);

// Milliseconds for poll(2), rounded up; 0 when past.
int PollTimeout(Deadline deadline);
// kTransient: the deadline passed.
Result<void> WaitFor(int fd, PollEvents events, Deadline deadline);

}  // namespace seccompd::compiler
