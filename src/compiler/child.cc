// SPDX-License-Identifier: Apache-2.0
#include "compiler/child.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <new>
#include <utility>
#include <vector>

#include "seccompd/compiler/io.h"
#include "seccompd/profile/check_tree.h"
#include "seccompd/profile/render.h"

#include "compiler/filter.h"
#include "compiler/manifests.h"
#include "compiler/sanitized.h"
#include "compiler/tools.h"

namespace seccompd::compiler {
namespace {

constexpr int kMostZygoteFds = 1024;  // it holds two and one per child; for kernels before 5.9

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
    {RLIMIT_NOFILE, 8, 8, false},       // 0 to 2, the handover, the data socket, the memfd
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

// What a child has for each request.
struct Aids {
  const profile::Ceiling* ceiling = nullptr;  // or none
  profile::ExportFile file;
};

CompileAnswer AnswerCompile(const Request& request, const std::string& spec, Aids& aids) {
  Result<profile::Rendered> rendered =
      profile::Render({spec, request.node, request.bases, request.ceiling, request.is_thorough},
                      aids.ceiling, &aids.file);
  if (!rendered.ok()) {
    const bool is_operators = rendered.error().code == ErrorCode::kDenied;
    ::_exit(is_operators ? kExitMisconfigured : kExitEnvironment);
  }
  return *std::move(rendered);
}

std::vector<CompileAnswer> AnswerCompileTogether(const Request& request, Aids& aids) {
  std::vector<CompileAnswer> answers;
  for (const std::string& spec : request.specs) {
    answers.push_back(AnswerCompile(request, spec, aids));
  }
  return answers;
}

std::vector<profile::Diagnostic> AnswerCheckTree(const Request& request) {
  Result<std::vector<profile::Diagnostic>> findings = profile::CheckTree(request.text);
  if (!findings.ok()) {
    const bool is_asked_wrongly = findings.error().code == ErrorCode::kInvalid;
    ::_exit(is_asked_wrongly ? kExitProtocol : kExitEnvironment);
  }
  return *std::move(findings);
}

std::string Answer(const Request& request, Aids& aids) {
  switch (request.kind) {
    case Request::Kind::kCompile:
      return EncodeCompileAnswer(AnswerCompile(request, request.text, aids));
    case Request::Kind::kCompileTogether:
      return EncodeCompileAnswers(AnswerCompileTogether(request, aids));
    case Request::Kind::kParseManifests:
      return EncodeManifestAnswer(ParseManifestText(request.text));
    case Request::Kind::kCheckTree:
      return EncodeFindings(AnswerCheckTree(request));
    case Request::Kind::kTool:
      return EncodeToolAnswer(AnswerTool(request.text));
  }
  ::_exit(kExitProtocol);
}

// The handover socket is closed then; its end without a word is the zygote's.
UniqueFd AwaitData() {
  UniqueFd handover(kControlFd);
  while (!WaitFor(handover.get(), POLLIN, Deadline::max()).ok()) {
  }
  Result<Message> message = ReceiveMessage(handover.get());
  if (!message.ok()) ::_exit(kExitProtocol);
  if (message->bytes.empty()) ::_exit(kExitAnswered);
  if (message->fds.size() != 1) ::_exit(kExitProtocol);
  return std::move(message->fds[0]);
}

bool HasMore(int socket) {
  pollfd entry{socket, POLLIN, 0};
  return ::poll(&entry, 1, 0) > 0 && (entry.revents & POLLIN) != 0;
}

}  // namespace

bool LimitChild(int socket, pid_t zygote_pid, const std::string& filter) {
  // First of all die with the zygote; it may have died between the fork and here.
  if (::prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) != 0 || ::getppid() != zygote_pid) return false;
  // 0 and 1 are /dev/null already. Standard error is the agent's log: not for one who reads
  // tenants' input.
  if (!kIsSanitized && ::dup2(0, 2) != 2) return false;
  if (socket != kControlFd && ::dup2(socket, kControlFd) != kControlFd) return false;
  if (!CloseAllFrom(kControlFd + 1)) return false;
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return false;
  if (!kIsSanitized && ::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0) return false;
  if (!SetLimits()) return false;
  sigset_t none;
  sigemptyset(&none);
  if (::sigprocmask(SIG_SETMASK, &none, nullptr) != 0) return false;
  return InstallFilter(filter);
}

void ServeRequests(const ChildSetting& setting) {
  const ServeOptions& options = setting.options;
  std::set_new_handler([] { ::_exit(kExitOutOfMemory); });
  UniqueFd data = AwaitData();
  const Deadline begin = std::chrono::steady_clock::now();
  // The zygote keeps the time; this deadline only bounds what it may have forgotten.
  const Deadline deadline = begin + 2 * options.wall_limit;
  Aids aids{setting.ceiling.has_value() ? &*setting.ceiling : nullptr, {}};
  std::size_t served = 0;
  for (bool stays = true; stays;) {
    const Result<std::string> frame = ReadFrame(data.get(), kMaxFrameBytes, deadline);
    if (!frame.ok()) ::_exit(served > 0 ? kExitAnswered : kExitProtocol);
    const Result<Request> request = DecodeRequest(*frame);
    if (!request.ok()) ::_exit(kExitProtocol);
    if (options.before_request != nullptr) options.before_request(*request, data.get());
    const std::string answer = Answer(*request, aids);
    // Nobody sends a request before the last one's answer.
    if (HasMore(data.get())) ::_exit(kExitProtocol);
    if (!WriteFrame(data.get(), answer, deadline).ok()) ::_exit(kExitProtocol);
    served += std::max<std::size_t>(request->specs.size(), 1);
    stays = request->may_stay && served < kMaxSpecsOfChild &&
            WaitFor(data.get(), POLLIN, begin + StayLimit(options.wall_limit)).ok();
  }
  data.Reset();  // the answer's end: who waits for it need not wait for ours, which takes longer
  ::_exit(kExitAnswered);
}

}  // namespace seccompd::compiler
