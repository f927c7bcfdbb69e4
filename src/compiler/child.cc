// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <array>
#include <new>
#include <utility>

#include "seccompd/compiler/io.h"
#include "seccompd/compiler/serve.h"
#include "seccompd/profile/render.h"

#include "compiler/manifests.h"
#include "compiler/tools.h"

namespace seccompd::compiler {
namespace {

constexpr int kMostZygoteFds = 1024;  // it holds two and one per child; for kernels before 5.9

// The sanitizers' shadow memory and reports need more than a child is given.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool kIsSanitized = true;
#else
constexpr bool kIsSanitized = false;
#endif

struct LimitRow {
  __rlimit_resource resource;
  rlim_t soft;
  rlim_t hard;
  bool also_sanitized;
};
constexpr rlim_t kMiB = rlim_t{1} << 20;
constexpr std::array<LimitRow, 7> kLimits = {{
    {RLIMIT_CPU, 2, 3, true},  // seconds; SIGXCPU, then SIGKILL for one that caught it
    {RLIMIT_AS, 96 * kMiB, 96 * kMiB, false},
    {RLIMIT_CORE, 0, 0, true},
    {RLIMIT_FSIZE, kMiB, kMiB, false},  // of the memfd: a filter has at most 512 KiB
    {RLIMIT_NOFILE, 8, 8, false},       // 0 to 2, the data socket, the memfd
    {RLIMIT_NPROC, 0, 0, false},        // (not enforced for uid 0 of the first user namespace)
    {RLIMIT_MEMLOCK, 0, 0, true},
}};

bool SetLimits() {
  for (const LimitRow& row : kLimits) {
    if (kIsSanitized && !row.also_sanitized) continue;
    const rlimit limit{row.soft, row.hard};
    if (::setrlimit(row.resource, &limit) != 0) return false;
  }
  return true;
}

bool CloseAllFrom(unsigned int first) {
  if (::close_range(first, ~0U, 0) == 0) return true;
  for (int fd = static_cast<int>(first); fd < kMostZygoteFds; ++fd) ::close(fd);
  return true;
}

CompileAnswer AnswerCompile(const Request& request) {
  Result<profile::Rendered> rendered =
      profile::Render({request.text, request.node, request.bases, request.ceiling});
  if (!rendered.ok()) ::_exit(kExitEnvironment);
  return *std::move(rendered);
}

std::string Answer(const Request& request) {
  switch (request.kind) {
    case Request::Kind::kCompile:
      return EncodeCompileAnswer(AnswerCompile(request));
    case Request::Kind::kParseManifests:
      return EncodeManifestAnswer(ParseManifestText(request.text));
    case Request::Kind::kTool:
      return EncodeToolAnswer(AnswerTool(request.text));
  }
  ::_exit(kExitProtocol);
}

}  // namespace

int LimitChild(int data_fd, pid_t zygote_pid) {
  // First of all die with the zygote; it may have died between the fork and here.
  if (::prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) != 0 || ::getppid() != zygote_pid) return -1;
  // 0 and 1 are /dev/null already. Standard error is the agent's log: not for one who reads
  // tenants' input.
  if (!kIsSanitized && ::dup2(0, 2) != 2) return -1;
  if (data_fd != kControlFd && ::dup2(data_fd, kControlFd) != kControlFd) return -1;
  if (!CloseAllFrom(kControlFd + 1)) return -1;
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return -1;
  if (!kIsSanitized && ::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0) return -1;
  if (!SetLimits()) return -1;
  sigset_t none;
  sigemptyset(&none);
  if (::sigprocmask(SIG_SETMASK, &none, nullptr) != 0) return -1;
  return kControlFd;
}

void ServeOneRequest(int data_fd, const ServeOptions& options) {
  std::set_new_handler([] { ::_exit(kExitOutOfMemory); });
  // The zygote keeps the time; this deadline only bounds what it may have forgotten.
  const Deadline deadline = std::chrono::steady_clock::now() + 2 * options.wall_limit;
  const Result<std::string> frame = ReadFrame(data_fd, kMaxFrameBytes, deadline);
  if (!frame.ok()) ::_exit(kExitProtocol);
  const Result<Request> request = DecodeRequest(*frame);
  if (!request.ok()) ::_exit(kExitProtocol);
  if (options.before_request != nullptr) options.before_request(*request, data_fd);
  const bool is_sent = WriteFrame(data_fd, Answer(*request), deadline).ok();
  ::_exit(is_sent ? kExitAnswered : kExitProtocol);
}

}  // namespace seccompd::compiler
