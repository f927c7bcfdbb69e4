// SPDX-License-Identifier: Apache-2.0
#include "compiler/proof.h"

#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <array>
#include <cerrno>
#include <utility>

#include "seccompd/compiler/io.h"
#include "seccompd/compiler/protocol.h"

#include "compiler/ending.h"

namespace seccompd::compiler {
namespace {

Request OwnProfile() {
  Request request;
  request.kind = Request::Kind::kCompile;
  request.text =
      R"({"profile":{"defaultAction":"SCMP_ACT_ERRNO","syscalls":[{"action":"SCMP_ACT_ALLOW",)"
      R"("names":["execve","exit_group","read","write"]}]}})";
  request.node.architecture =
      "SCMP_ARCH_X86_64";  // any that libseccomp knows: nobody loads the filter
  return request;
}

// No YAML: the parser throws. The first exception of a process runs code, and makes system calls,
// that nothing else does.
Request OwnFault() {
  Request request;
  request.kind = Request::Kind::kParseManifests;
  request.text = "a: [";
  return request;
}

bool IsAnswer(const Request& request, const std::string& frame) {
  return request.kind == Request::Kind::kCompile ? DecodeCompileAnswer(frame).ok()
                                                 : DecodeManifestAnswer(frame).ok();
}

std::optional<std::string> DisproveBy(const Request& request, SpareChild& spare,
                                      const ServeOptions& options) {
  std::array<int, 2> fds{};
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds.data()) != 0) return "had no socket";
  const UniqueFd data(fds[0]);
  UniqueFd far(fds[1]);
  const Started started = spare.Hand(far.get());
  far.Reset();
  if (started.pid < 0) return "could not be forked";
  const Deadline deadline = std::chrono::steady_clock::now() + options.wall_limit;
  bool is_good = WriteFrame(data.get(), EncodeRequest(request), deadline).ok();
  const Result<std::string> frame = ReadFrame(data.get(), kMaxFrameBytes, deadline);
  is_good = is_good && frame.ok() && IsAnswer(request, *frame);
  if (!is_good) ::kill(started.pid, SIGKILL);
  int status = 0;
  while (::wait4(started.pid, &status, 0, nullptr) < 0 && errno == EINTR) {
  }
  if (is_good && WIFEXITED(status) && WEXITSTATUS(status) == kExitAnswered) return std::nullopt;
  const bool is_signaled = WIFSIGNALED(status);
  return HowItEnded(is_signaled, is_signaled ? WTERMSIG(status) : WEXITSTATUS(status));
}

}  // namespace

std::optional<std::string> Disprove(SpareChild& spare, const ServeOptions& options) {
  for (const Request& request : {OwnProfile(), OwnFault()}) {
    std::optional<std::string> ending = DisproveBy(request, spare, options);
    if (ending.has_value()) return ending;
  }
  return std::nullopt;
}

}  // namespace seccompd::compiler
