// SPDX-License-Identifier: Apache-2.0
#include "seccompd/compiler/io.h"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <cstdint>
#include <cstring>
#include <utility>

namespace seccompd::compiler {
namespace {

constexpr std::size_t kMaxMessageBytes = 256;
constexpr std::size_t kMaxMessageFds = 2;
constexpr std::size_t kChunkBytes = std::size_t{64} * 1024;

Error Short() { return Error{ErrorCode::kInvalid, "the end came within a frame"}; }

// Reads at most `size` bytes; 0 is the end.
Result<std::size_t> ReadSome(int fd, char* buffer, std::size_t size, Deadline deadline) {
  for (;;) {
    if (Result<void> ready = WaitFor(fd, POLLIN, deadline); !ready.ok()) return ready.error();
    const ssize_t count = ::read(fd, buffer, size);
    if (count >= 0) return static_cast<std::size_t>(count);
    if (errno == ECONNRESET) return std::size_t{0};  // it died with our bytes unread
    if (errno != EINTR && errno != EAGAIN) return ErrnoError(errno, "read");
  }
}

Result<void> WriteAll(int socket, std::string_view bytes, Deadline deadline) {
  while (!bytes.empty()) {
    const ssize_t count = ::send(socket, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (count >= 0) {
      bytes.remove_prefix(static_cast<std::size_t>(count));
      continue;
    }
    if (errno == EPIPE || errno == ECONNRESET) {
      return Error{ErrorCode::kTransient, "the other end is gone"};
    }
    if (errno == EINTR) continue;
    if (errno != EAGAIN) return ErrnoError(errno, "send");
    if (Result<void> ready = WaitFor(socket, POLLOUT, deadline); !ready.ok()) return ready;
  }
  return {};
}

// Appends `size` bytes; grows with what comes, not with what was announced.
Result<void> ReadExactly(int fd, std::size_t size, std::string& out, Deadline deadline) {
  std::string chunk(std::min(size, kChunkBytes), '\0');
  while (size > 0) {
    const Result<std::size_t> count =
        ReadSome(fd, chunk.data(), std::min(size, chunk.size()), deadline);
    if (!count.ok()) return count.error();
    if (*count == 0) return Short();
    out.append(chunk, 0, *count);
    size -= *count;
  }
  return {};
}

}  // namespace

int PollTimeout(Deadline deadline) {
  const auto left = deadline - std::chrono::steady_clock::now();
  const auto millis = std::chrono::ceil<std::chrono::milliseconds>(left).count();
  return static_cast<int>(std::clamp<std::int64_t>(millis, 0, INT_MAX));
}

Result<void> WaitFor(int fd, PollEvents events, Deadline deadline) {
  for (;;) {
    pollfd entry{fd, events, 0};
    const int count = ::poll(&entry, 1, PollTimeout(deadline));
    if (count > 0) return {};
    if (count == 0) return Error{ErrorCode::kTransient, "the deadline passed"};
    if (errno != EINTR) return ErrnoError(errno, "poll");
  }
}

Result<void> WriteFrame(int socket, std::string_view payload, Deadline deadline) {
  const auto size = static_cast<std::uint32_t>(payload.size());
  char header[sizeof size];
  std::memcpy(header, &size, sizeof size);
  std::string frame(header, sizeof header);
  frame.append(payload);
  return WriteAll(socket, frame, deadline);
}

Result<std::string> ReadFrame(int socket, std::size_t max_bytes, Deadline deadline) {
  std::string header;
  std::uint32_t size = 0;
  if (Result<void> read = ReadExactly(socket, sizeof size, header, deadline); !read.ok()) {
    return read.error();
  }
  std::memcpy(&size, header.data(), sizeof size);
  if (size > max_bytes) return Error{ErrorCode::kInvalid, "a frame over the limit"};
  std::string payload;
  if (Result<void> read = ReadExactly(socket, size, payload, deadline); !read.ok()) {
    return read.error();
  }
  return payload;
}

Result<std::string> ReadToEnd(int fd, std::size_t max_bytes, Deadline deadline) {
  std::string all;
  std::string chunk(std::min(max_bytes + 1, kChunkBytes), '\0');
  for (;;) {
    const Result<std::size_t> count = ReadSome(fd, chunk.data(), chunk.size(), deadline);
    if (!count.ok()) return count.error();
    if (*count == 0) return all;
    all.append(chunk, 0, *count);
    if (all.size() > max_bytes) return Error{ErrorCode::kInvalid, "more bytes than announced"};
  }
}

Result<void> SendMessage(int socket, std::string_view bytes, const std::vector<int>& fds,
                         Deadline deadline) {
  std::string copy(bytes);
  iovec part{copy.data(), copy.size()};
  alignas(cmsghdr) std::array<char, CMSG_SPACE(kMaxMessageFds * sizeof(int))> control{};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  if (!fds.empty()) {
    const std::size_t size = std::min(fds.size(), kMaxMessageFds) * sizeof(int);
    message.msg_control = control.data();
    message.msg_controllen = CMSG_SPACE(size);
    cmsghdr* header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(size);
    std::memcpy(CMSG_DATA(header), fds.data(), size);
  }
  for (;;) {
    if (::sendmsg(socket, &message, MSG_NOSIGNAL | MSG_DONTWAIT) >= 0) return {};
    if (errno == EPIPE || errno == ECONNRESET || errno == ENOTCONN) {
      return Error{ErrorCode::kDenied, "the other end is gone"};
    }
    if (errno == EINTR) continue;
    if (errno != EAGAIN) return ErrnoError(errno, "sendmsg");
    if (Result<void> ready = WaitFor(socket, POLLOUT, deadline); !ready.ok()) return ready;
  }
}

Result<Message> ReceiveMessage(int socket) {
  Message received;
  received.bytes.resize(kMaxMessageBytes);
  iovec part{received.bytes.data(), received.bytes.size()};
  alignas(cmsghdr) std::array<char, CMSG_SPACE(kMaxMessageFds * sizeof(int))> control{};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control.data();
  message.msg_controllen = control.size();
  const ssize_t count = ::recvmsg(socket, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
  if (count < 0 && errno == ECONNRESET) {
    received.bytes.clear();
    return received;
  }
  if (count < 0) return Error{ErrorCode::kTransient, "nothing to receive"};
  received.bytes.resize(static_cast<std::size_t>(count));
  for (cmsghdr* header = CMSG_FIRSTHDR(&message); header != nullptr;
       header = CMSG_NXTHDR(&message, header)) {
    if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS) continue;
    const std::size_t fd_count = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (std::size_t i = 0; i < fd_count; ++i) {
      int fd = -1;
      std::memcpy(&fd, CMSG_DATA(header) + i * sizeof fd, sizeof fd);
      received.fds.emplace_back(fd);
    }
  }
  if ((message.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0) {
    return Error{ErrorCode::kInvalid, "a message cut off"};
  }
  return received;
}

}  // namespace seccompd::compiler
