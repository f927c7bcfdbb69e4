// SPDX-License-Identifier: Apache-2.0
#pragma once
// What the agent's client, the zygote and its children say to each other: fields of fixed width in
// the host's byte order (both ends are one machine and one build), strings behind a 32-bit length.
// The readers are strict: any deviation, any byte too many, is kInvalid. Pure functions,
// thread-safe; no input or output here (io.h).
//
//   control socket   zygote -> client: Hello, once
//   (SEQPACKET)      client -> zygote: an Order with the other two's far ends
//   data socket      client -> child: one frame
//   (STREAM)         child -> client: one frame, then the end; or, where the request says so, as
//                    often as the client likes, for one namespace and within the limits below
//   report pipe      zygote -> client: a Report, when the child has been reaped, then the end
//
// The report has a pipe of its own, which the child never holds: a child that runs hostile code may
// lie in its answer, but not about how it ended. And no two children share a descriptor, and each
// has one request at a time, so no thread reads another's.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "seccompd/base/result.h"
#include "seccompd/compiler/compiler.h"

namespace seccompd::compiler {

inline constexpr std::uint32_t kProtocolVersion = 7;
inline constexpr int kControlFd = 3;
inline constexpr std::size_t kMaxSpecBytes = std::size_t{1536} * 1024;
inline constexpr std::size_t kMaxManifestBytes = std::size_t{256} * 1024;
inline constexpr std::size_t kMaxDocuments = 1024;
inline constexpr std::size_t kMaxBases = 16;
inline constexpr std::size_t kMaxLabels = 1024;
inline constexpr std::size_t kMaxTogetherBytes = std::size_t{512} * 1024;  // of all specs
// A child that may stay ends by itself after as many specs, or when no request comes in time.
inline constexpr std::size_t kMaxSpecsOfChild = 64;
constexpr std::chrono::milliseconds StayLimit(std::chrono::milliseconds wall_limit) {
  return wall_limit / 5;
}
inline constexpr std::size_t kMaxFrameBytes = std::size_t{6} << 20;

struct Hello {
  std::uint32_t version = kProtocolVersion;
  std::string libseccomp_version;
};
std::string EncodeHello(const Hello& hello);
Result<Hello> DecodeHello(std::string_view bytes);

// Announces a request; the data socket's and the report pipe's ends travel with it.
std::string EncodeOrder(std::uint64_t id);
Result<std::uint64_t> DecodeOrder(std::string_view bytes);

struct Request {
  enum class Kind : std::uint8_t {
    kCompile = 1,
    kParseManifests = 2,
    kTool = 3,
    kCheckTree = 4,
    kCompileTogether = 5,
  };
  Kind kind = Kind::kCompile;
  std::string text;  // the spec, the manifests, the tool's request, or a canonical profile
  // Of kCompile and kCompileTogether; see profile::RenderRequest.
  profile::NodeContext node = {};
  std::vector<profile::BaseSpec> bases = {};
  std::string ceiling = "none";
  bool is_thorough = true;
  // Of kCompileTogether, which has no text: at most kMaxTogether.
  std::vector<std::string> specs = {};
  // Of kCompile and kCompileTogether: the child waits for another such request.
  bool may_stay = false;
};
std::string EncodeRequest(const Request& request);
Result<Request> DecodeRequest(std::string_view bytes);

std::string EncodeCompileAnswer(const CompileAnswer& answer);
Result<CompileAnswer> DecodeCompileAnswer(std::string_view bytes);
// Of kCompileTogether: at most kMaxTogether.
std::string EncodeCompileAnswers(const std::vector<CompileAnswer>& answers);
Result<std::vector<CompileAnswer>> DecodeCompileAnswers(std::string_view bytes);
std::string EncodeManifestAnswer(const ManifestAnswer& answer);
Result<ManifestAnswer> DecodeManifestAnswer(std::string_view bytes);

std::string EncodeToolAnswer(std::string_view answer);
Result<std::string> DecodeToolAnswer(std::string_view bytes);

// Of kCheckTree; see profile::CheckTree.
std::string EncodeFindings(const std::vector<profile::Diagnostic>& findings);
Result<std::vector<profile::Diagnostic>> DecodeFindings(std::string_view bytes);

// How a child ended, by the zygote's own eyes.
struct Report {
  enum class End : std::uint8_t {
    kExited = 1,       // status: exit code, one of ExitCode
    kSignaled = 2,     // status: signal
    kWallOverrun = 3,  // the zygote killed it
    kNotStarted = 4,   // status: errno of fork
  };
  std::uint64_t id = 0;
  End end = End::kExited;
  std::int32_t status = 0;
  std::uint64_t cpu_usec = 0;  // user and system
};
inline constexpr std::size_t kReportBytes = 21;
std::string EncodeReport(const Report& report);
Result<Report> DecodeReport(std::string_view bytes);

enum ExitCode : int {
  kExitAnswered = 0,
  kExitOutOfMemory = 101,
  kExitEnvironment =
      102,              // the child could not do its work, whatever the input: no memfd, no limits
  kExitProtocol = 103,  // no valid request came
  kExitMisconfigured = 104,  // the request's node or ceiling is none that this build knows
};

}  // namespace seccompd::compiler
