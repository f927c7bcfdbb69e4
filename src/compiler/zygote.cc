// SPDX-License-Identifier: Apache-2.0
#include "seccompd/compiler/zygote.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <mutex>
#include <optional>
#include <utility>

#include "seccompd/compiler/io.h"
#include "seccompd/compiler/protocol.h"

#include "compiler/conversations.h"
#include "compiler/launch.h"

namespace seccompd::compiler {
namespace {

// Beyond the zygote's own limit: for a zygote that is itself stopped or starved.
constexpr std::chrono::seconds kGrace{3};
// A child that was killed by its hard CPU limit has used about this much.
constexpr std::uint64_t kCpuVerdictUsec = 1'900'000;

enum class Outcome {
  kAnswered,
  kCrashed,
  kCpuOverrun,
  kOutOfMemory,
  kWallOverrun,
  kKilledFromOutside,
  kEnvironment,
  kMisconfigured,
};

struct Exchanged {
  Outcome outcome = Outcome::kAnswered;
  std::string frame;                         // the answer
  std::optional<Conversation> conversation;  // with the child that gave it and waits for more
};

bool IsCrashSignal(int number) {
  switch (number) {
    case SIGSEGV:
    case SIGBUS:
    case SIGILL:
    case SIGFPE:
    case SIGABRT:
    case SIGTRAP:
    case SIGSYS:
    case SIGXFSZ:
      return true;
    default:
      return false;
  }
}

// Of a child from which no whole answer came.
Outcome OutcomeOf(const Report& report) {
  switch (report.end) {
    case Report::End::kWallOverrun:
      return Outcome::kWallOverrun;
    case Report::End::kNotStarted:
      return Outcome::kEnvironment;
    case Report::End::kSignaled:
      if (report.status == SIGXCPU) return Outcome::kCpuOverrun;
      if (report.status == SIGKILL && report.cpu_usec >= kCpuVerdictUsec) {
        return Outcome::kCpuOverrun;
      }
      return IsCrashSignal(report.status) ? Outcome::kCrashed : Outcome::kKilledFromOutside;
    case Report::End::kExited:
      break;
  }
  if (report.status == kExitOutOfMemory) return Outcome::kOutOfMemory;
  if (report.status == kExitMisconfigured) return Outcome::kMisconfigured;
  return report.status == kExitEnvironment ? Outcome::kEnvironment : Outcome::kCrashed;
}

struct OutcomeRow {
  Outcome outcome;
  ErrorCode code;
  std::string_view message;
};
constexpr std::array<OutcomeRow, 7> kFailures = {{
    {Outcome::kCrashed, ErrorCode::kInvalid,
     "the compiler crashed on this input twice, each time in a fresh process"},
    {Outcome::kCpuOverrun, ErrorCode::kInvalid,
     "this input takes more than 2 s of CPU time; make it smaller or simpler: fewer rules with "
     "args"},
    {Outcome::kOutOfMemory, ErrorCode::kInvalid,
     "this input takes more than 96 MiB of memory; make it smaller or simpler"},
    {Outcome::kWallOverrun, ErrorCode::kTransient,
     "the compiler did not finish in time; the node may be overloaded"},
    {Outcome::kKilledFromOutside, ErrorCode::kTransient,
     "the compiler's child was killed from outside; the node may be out of memory"},
    {Outcome::kEnvironment, ErrorCode::kTransient,
     "the compiler could not start or limit a child; the node may be out of memory"},
    {Outcome::kMisconfigured, ErrorCode::kDenied,
     "this version of seccompd knows no such ceiling or architecture"},
}};

Error ErrorOf(Outcome outcome) {
  for (const OutcomeRow& row : kFailures) {
    if (row.outcome == outcome) return {row.code, std::string(row.message)};
  }
  return {ErrorCode::kTransient, "the compiler failed"};
}

Error Gone() { return {ErrorCode::kDenied, "the compiler is gone"}; }

// What travels to the zygote: the far ends of a child's sockets.
struct FarEnds {
  UniqueFd data, report;
};

Result<FarEnds> OpenChannel(Conversation& conversation) {
  FarEnds far;
  std::array<int, 2> fds{};
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds.data()) != 0) {
    return ErrnoError(errno, "socketpair");
  }
  conversation.data.Reset(fds[0]);
  far.data.Reset(fds[1]);
  if (::pipe2(fds.data(), O_CLOEXEC) != 0) return ErrnoError(errno, "pipe");
  conversation.report.Reset(fds[0]);
  far.report.Reset(fds[1]);
  return far;
}

class ZygoteClient final : public Zygote {
 public:
  ZygoteClient(Launched launched, std::chrono::milliseconds wall_limit)
      : launched_(std::move(launched)), wall_limit_(wall_limit) {}
  ~ZygoteClient() override {
    launched_.control.Reset();
    static_cast<void>(EndProcess(launched_));
  }
  ZygoteClient(const ZygoteClient&) = delete;
  ZygoteClient& operator=(const ZygoteClient&) = delete;

  Result<CompileAnswer> Compile(const CompileRequest& request) override {
    if (request.spec.size() > kMaxSpecBytes) return TooLong();
    return Ask(RequestOf(request), DecodeCompileAnswer);
  }

  Result<TenantAnswer> CompileFor(std::string_view name_space,
                                  const CompileRequest& request) override {
    if (request.spec.size() > kMaxSpecBytes) return TooLong();
    Request asked = RequestOf(request);
    asked.may_stay = true;
    if (std::optional<Conversation> conversation = conversations_.Resume(name_space, 1)) {
      Result<CompileAnswer> answer = AskOn(*std::move(conversation), asked, DecodeCompileAnswer);
      if (answer.ok()) return TenantAnswer{*std::move(answer), false};
    }
    Result<CompileAnswer> answer = Ask(asked, DecodeCompileAnswer, name_space);
    if (!answer.ok()) return answer.error();
    return TenantAnswer{*std::move(answer), true};
  }

  Result<std::vector<CompileAnswer>> CompileTogether(std::string_view name_space,
                                                     const CompileRequest& common,
                                                     std::span<const std::string> specs) override {
    std::size_t bytes = 0;
    for (const std::string& spec : specs) bytes += spec.size();
    if (specs.empty() || specs.size() > kMaxTogether || bytes > kMaxTogetherBytes) {
      return Error{ErrorCode::kInvalid, "too much for one child"};
    }
    Request request = RequestOf(common);
    request.kind = Request::Kind::kCompileTogether;
    request.text.clear();
    request.specs.assign(specs.begin(), specs.end());
    request.may_stay = true;
    std::optional<Conversation> conversation = conversations_.Resume(name_space, specs.size());
    if (!conversation.has_value()) {
      Result<Conversation> fresh = StartConversation(NewDeadline());
      if (!fresh.ok()) return fresh.error();
      conversation = *std::move(fresh);
      conversation->name_space = name_space;
    }
    using Answers = Result<std::vector<CompileAnswer>>;
    return AskOn(*std::move(conversation), request, [&](std::string_view frame) -> Answers {
      Answers answers = DecodeCompileAnswers(frame);
      if (answers.ok() && answers->size() != specs.size()) return ErrorOf(Outcome::kCrashed);
      return answers;
    });
  }

  Result<std::vector<profile::Diagnostic>> CheckTree(std::string_view canonical) override {
    return Ask({Request::Kind::kCheckTree, std::string(canonical)}, DecodeFindings);
  }

  Result<ManifestAnswer> ParseManifests(std::string_view text) override {
    if (text.size() > kMaxManifestBytes) {
      return Error{ErrorCode::kInvalid, "the file is longer than 256 KiB; split it"};
    }
    return Ask({Request::Kind::kParseManifests, std::string(text)}, DecodeManifestAnswer);
  }

  Result<std::string> RunTool(std::string_view request) override {
    if (request.size() > kMaxToolBytes) {
      return Error{ErrorCode::kInvalid, "the file is longer than a compiler child takes; split it"};
    }
    return Ask({Request::Kind::kTool, std::string(request)}, DecodeToolAnswer);
  }

  std::string libseccomp_version() const override { return launched_.libseccomp_version; }
  int pid() const override { return launched_.pid; }

 private:
  static Request RequestOf(const CompileRequest& request) {
    return {Request::Kind::kCompile, request.spec,    request.node,
            request.bases,           request.ceiling, request.is_thorough};
  }

  static Error TooLong() {
    return Error{ErrorCode::kInvalid, "the spec is longer than 1.5 MiB; make it smaller"};
  }

  // A crash may be the machine's and not the input's: it is a verdict only when it comes again, in
  // another fresh child after the first has ended. Inputs that crash get one such child at a time
  // between them; nobody else waits.
  template <class Answer>
  Result<Answer> Ask(const Request& request, Result<Answer> (*decode)(std::string_view),
                     std::string_view name_space = "") {
    const std::string bytes = EncodeRequest(request);
    std::unique_lock retry(retry_mutex_, std::defer_lock);
    for (const bool is_retry : {false, true}) {
      if (is_retry) retry.lock();
      Result<Exchanged> exchanged = Exchange(bytes, request.may_stay);
      if (!exchanged.ok()) return exchanged.error();
      if (exchanged->outcome == Outcome::kAnswered) {
        Result<Answer> answer = decode(exchanged->frame);
        if (exchanged->conversation.has_value()) {
          exchanged->conversation->name_space = name_space;
          Return(*std::move(exchanged->conversation), answer.ok());
        }
        if (answer.ok()) return answer;
      } else if (exchanged->outcome != Outcome::kCrashed) {
        return ErrorOf(exchanged->outcome);
      }
      // A crash, or an answer that is none: again.
    }
    return ErrorOf(Outcome::kCrashed);
  }

  Result<Exchanged> Exchange(std::string_view request, bool may_stay) {
    const Deadline deadline = NewDeadline();
    Result<Conversation> conversation = StartConversation(deadline);
    if (!conversation.ok()) return conversation.error();
    Result<std::string> frame = Talk(*conversation, request, 1, deadline);
    if (frame.ok() && may_stay) {
      return Exchanged{Outcome::kAnswered, *std::move(frame), *std::move(conversation)};
    }
    if (frame.ok()) {  // a byte behind the frame is a deviation as well
      const Result<std::string> rest = ReadToEnd(conversation->data.get(), 0, deadline);
      if (!rest.ok()) frame = rest.error();
    }
    conversation->data.Reset();
    if (frame.ok()) {
      AwaitEarlierEnd(std::move(conversation->report), deadline);
      return Exchanged{Outcome::kAnswered, *std::move(frame), std::nullopt};
    }
    // Whatever went wrong with its socket, the report says what it was.
    const Result<std::string> bytes = ReadToEnd(conversation->report.get(), kReportBytes, deadline);
    if (!bytes.ok() && bytes.error().code == ErrorCode::kTransient) {
      return Error{ErrorCode::kTransient, "no word from the compiler in time"};
    }
    if (!bytes.ok() || bytes->empty()) return Gone();
    const Result<Report> report = DecodeReport(*bytes);
    if (!report.ok() || report->id != conversation->id) return Gone();
    return Exchanged{OutcomeOf(*report), "", std::nullopt};
  }

  // An error is a word about no spec: the child may have suffered from an earlier one.
  template <class Decode>
  auto AskOn(Conversation conversation, const Request& request, const Decode& decode)
      -> decltype(decode(std::string_view())) {
    const std::size_t specs = std::max<std::size_t>(request.specs.size(), 1);
    const Result<std::string> frame =
        Talk(conversation, EncodeRequest(request), specs, NewDeadline());
    if (!frame.ok()) {
      LetGo(std::move(conversation));
      return frame.error();
    }
    auto answer = decode(*frame);
    Return(std::move(conversation), answer.ok());
    return answer;
  }

  void Return(Conversation conversation, bool may_be_asked_again) {
    if (may_be_asked_again) {
      conversations_.Pause(std::move(conversation));
    } else {
      LetGo(std::move(conversation));
    }
  }

  void LetGo(Conversation conversation) {
    conversation.data.Reset();
    AwaitEarlierEnd(std::move(conversation.report), NewDeadline());
  }

  Deadline NewDeadline() const { return std::chrono::steady_clock::now() + wall_limit_ + kGrace; }

  Result<Conversation> StartConversation(Deadline deadline) {
    Conversation conversation;
    // Half of the child's own limit: it does not end with a request on its way.
    conversation.until = std::chrono::steady_clock::now() + StayLimit(wall_limit_) / 2;
    conversation.id = next_id_.fetch_add(1);
    conversations_.Begin(conversation);
    const Result<FarEnds> far = OpenChannel(conversation);
    if (!far.ok()) return far.error();
    const std::vector<int> fds = {far->data.get(), far->report.get()};
    const Result<void> ordered =
        SendMessage(launched_.control.get(), EncodeOrder(conversation.id), fds, deadline);
    if (!ordered.ok()) return ordered.error().code == ErrorCode::kDenied ? Gone() : ordered.error();
    return conversation;
  }

  static Result<std::string> Talk(Conversation& conversation, std::string_view request,
                                  std::size_t specs, Deadline deadline) {
    conversation.specs += specs;
    const int data = conversation.data.get();
    if (Result<void> written = WriteFrame(data, request, deadline); !written.ok()) {
      return written.error();
    }
    return ReadFrame(data, kMaxFrameBytes, deadline);
  }

  // A whole answer is not kept waiting for its child's end, which takes a while, but for that of
  // the child before it: those that answer and stay (one that was taken over) pile up no further.
  void AwaitEarlierEnd(UniqueFd report, Deadline deadline) {
    {
      const std::lock_guard lock(ending_mutex_);
      std::swap(report, ending_);
    }
    if (report.is_open()) static_cast<void>(ReadToEnd(report.get(), kReportBytes, deadline).ok());
  }

  Launched launched_;
  std::chrono::milliseconds wall_limit_;
  std::atomic<std::uint64_t> next_id_{1};
  std::mutex retry_mutex_;  // held for a retry, guards nothing else
  std::mutex ending_mutex_;
  UniqueFd ending_;  // the report of the last child that answered
  Conversations conversations_{
      [this](Conversation conversation) { LetGo(std::move(conversation)); }};
};

}  // namespace

Result<std::unique_ptr<Zygote>> Zygote::Start(const ZygoteOptions& options) {
  Result<Launched> launched = Launch(options);
  if (!launched.ok()) return launched.error();
  return std::unique_ptr<Zygote>(
      std::make_unique<ZygoteClient>(*std::move(launched), options.wall_limit));
}

}  // namespace seccompd::compiler
