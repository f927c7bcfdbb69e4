// SPDX-License-Identifier: Apache-2.0
#include "seccompd/compiler/protocol.h"

#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "seccompd/compiler/io.h"
#include "seccompd/profile/decode.h"

namespace seccompd::compiler {
namespace {

using profile::Diagnostic;
using profile::Severity;

CompileAnswer GoodAnswer() {
  return {{Diagnostic{Severity::kWarning, "DeadRule", "/profile/syscalls/0", "remove it \xc3\xa9"}},
          "{\"a\":1}\n",
          42,
          true,
          false,
          false,
          false,
          {"shared"}};
}

Request GoodRequest() {
  return {Request::Kind::kCompile,
          "{}",
          {"SCMP_ARCH_X86_64", "6.1.0", {{"zone", "a"}, {"tier", "\xc3\xa9"}}, "crun"},
          {{"shared", "{\"profile\":{}}"}, {"gone", std::nullopt}},
          "builtin/x-v1"};
}

TEST(ProtocolTest, RequestComesBackAsItWas) {
  const Result<Request> request = DecodeRequest(EncodeRequest(GoodRequest()));
  ASSERT_TRUE(request.ok());
  EXPECT_EQ(request->kind, GoodRequest().kind);
  EXPECT_EQ(request->text, "{}");
  EXPECT_EQ(request->node.architecture, "SCMP_ARCH_X86_64");
  EXPECT_EQ(request->node.kernel, "6.1.0");
  EXPECT_EQ(request->node.labels, GoodRequest().node.labels);
  EXPECT_EQ(request->node.runtime, "crun");
  ASSERT_EQ(request->bases.size(), 2U);
  EXPECT_EQ(request->bases[0].name, "shared");
  EXPECT_EQ(request->bases[0].spec, "{\"profile\":{}}");
  EXPECT_EQ(request->bases[1].spec, std::nullopt);
  EXPECT_EQ(request->ceiling, "builtin/x-v1");
}

TEST(ProtocolTest, CompileAnswerComesBackAsItWas) {
  const Result<CompileAnswer> answer = DecodeCompileAnswer(EncodeCompileAnswer(GoodAnswer()));
  ASSERT_TRUE(answer.ok());
  EXPECT_EQ(*answer, GoodAnswer());
}

Request GoodTogether() {
  Request request;
  request.kind = Request::Kind::kCompileTogether;
  request.node.architecture = "SCMP_ARCH_X86_64";
  request.is_thorough = false;
  request.specs = {"{}", "", "{1}"};
  return request;
}

TEST(ProtocolTest, OnlyThoseWhoCompileMayStay) {
  for (Request request : {GoodRequest(), GoodTogether()}) {
    EXPECT_FALSE(DecodeRequest(EncodeRequest(request))->may_stay);
    request.may_stay = true;
    EXPECT_TRUE(DecodeRequest(EncodeRequest(request))->may_stay);
  }
  for (const Request::Kind kind :
       {Request::Kind::kParseManifests, Request::Kind::kTool, Request::Kind::kCheckTree}) {
    Request request;
    request.kind = kind;
    EXPECT_TRUE(DecodeRequest(EncodeRequest(request)).ok());
    request.may_stay = true;
    EXPECT_FALSE(DecodeRequest(EncodeRequest(request)).ok());
  }
}

TEST(ProtocolTest, SeveralSpecsAndTheirAnswersComeBackAsTheyWere) {
  const std::string bytes = EncodeRequest(GoodTogether());
  const Result<Request> request = DecodeRequest(bytes);
  ASSERT_TRUE(request.ok());
  EXPECT_EQ(request->kind, Request::Kind::kCompileTogether);
  EXPECT_EQ(request->specs, GoodTogether().specs);
  EXPECT_FALSE(request->is_thorough);
  CompileAnswer other = GoodAnswer();
  other.bytes = "{\"b\":2}\n";
  const std::vector<CompileAnswer> answers = {GoodAnswer(), other};
  const std::string answer = EncodeCompileAnswers(answers);
  ASSERT_TRUE(DecodeCompileAnswers(answer).ok());
  EXPECT_EQ(*DecodeCompileAnswers(answer), answers);
  for (std::size_t cut = 0; cut < bytes.size(); ++cut) {
    EXPECT_FALSE(DecodeRequest(bytes.substr(0, cut)).ok()) << cut;
  }
  for (std::size_t cut = 0; cut < answer.size(); ++cut) {
    EXPECT_FALSE(DecodeCompileAnswers(answer.substr(0, cut)).ok()) << cut;
  }
  EXPECT_FALSE(DecodeRequest(bytes + "x").ok());
  EXPECT_FALSE(DecodeCompileAnswers(answer + "x").ok());
  EXPECT_FALSE(DecodeCompileAnswers(EncodeCompileAnswer(GoodAnswer())).ok());
  EXPECT_FALSE(DecodeCompileAnswer(answer).ok());
}

TEST(ProtocolTest, SeveralSpecsAreOneToTheMostAndComeInNoOtherRequest) {
  const auto refuses = [](const Request& request) {
    return !DecodeRequest(EncodeRequest(request)).ok();
  };
  Request request = GoodTogether();
  request.specs.clear();
  EXPECT_TRUE(refuses(request));
  request.specs.assign(kMaxTogether, "{}");
  EXPECT_FALSE(refuses(request));
  request.specs.emplace_back("{}");
  EXPECT_TRUE(refuses(request));
  request = GoodTogether();
  request.text = "{}";
  EXPECT_TRUE(refuses(request));
  request = GoodRequest();
  request.specs = {"{}"};
  EXPECT_TRUE(refuses(request));
  EXPECT_FALSE(DecodeCompileAnswers(
                   EncodeCompileAnswers(std::vector<CompileAnswer>(kMaxTogether + 1, GoodAnswer())))
                   .ok());
  CompileAnswer contradicts_itself = GoodAnswer();
  contradicts_itself.bytes.clear();
  EXPECT_FALSE(DecodeCompileAnswers(EncodeCompileAnswers({GoodAnswer(), contradicts_itself})).ok());
}

TEST(ProtocolTest, ManifestAnswerComesBackAsItWas) {
  ManifestAnswer answer;
  answer.documents.push_back({3, "v1", "Kind", "space", "name\xff", "{}"});
  const Result<ManifestAnswer> read = DecodeManifestAnswer(EncodeManifestAnswer(answer));
  ASSERT_TRUE(read.ok());
  ASSERT_EQ(read->documents.size(), 1U);
  EXPECT_EQ(read->documents[0].line, 3U);
  EXPECT_EQ(read->documents[0].name, "name\xff");
  EXPECT_EQ(read->documents[0].spec, "{}");
}

TEST(ProtocolTest, EveryCutAndEveryExtraByteIsRefused) {
  ManifestAnswer manifests;
  manifests.documents.push_back({1, "v1", "Kind", "space", "name", "{}"});
  const std::string compile = EncodeCompileAnswer(GoodAnswer());
  const std::string manifest = EncodeManifestAnswer(manifests);
  const std::string report = EncodeReport({7, Report::End::kExited, 0, 1});
  const std::string request = EncodeRequest(GoodRequest());
  EXPECT_EQ(report.size(), kReportBytes);
  EXPECT_TRUE(DecodeRequest(request).ok());
  for (std::size_t cut = 0; cut < compile.size(); ++cut) {
    EXPECT_FALSE(DecodeCompileAnswer(compile.substr(0, cut)).ok()) << cut;
  }
  for (std::size_t cut = 0; cut < manifest.size(); ++cut) {
    EXPECT_FALSE(DecodeManifestAnswer(manifest.substr(0, cut)).ok()) << cut;
  }
  for (std::size_t cut = 0; cut < report.size(); ++cut) {
    EXPECT_FALSE(DecodeReport(report.substr(0, cut)).ok()) << cut;
  }
  EXPECT_FALSE(DecodeCompileAnswer(compile + "x").ok());
  EXPECT_FALSE(DecodeManifestAnswer(manifest + "x").ok());
  EXPECT_FALSE(DecodeReport(report + "x").ok());
  EXPECT_FALSE(DecodeRequest(request + "x").ok());
  EXPECT_FALSE(DecodeCompileAnswer(manifest).ok());
  EXPECT_FALSE(DecodeManifestAnswer(compile).ok());
}

TEST(ProtocolTest, FindingsComeBackAsTheyWere) {
  const std::vector<profile::Diagnostic> findings = GoodAnswer().findings;
  const std::string bytes = EncodeFindings(findings);
  ASSERT_TRUE(DecodeFindings(bytes).ok());
  EXPECT_EQ(*DecodeFindings(bytes), findings);
  for (std::size_t cut = 0; cut < bytes.size(); ++cut) {
    EXPECT_FALSE(DecodeFindings(bytes.substr(0, cut)).ok()) << cut;
  }
  EXPECT_FALSE(DecodeFindings(bytes + "x").ok());
  EXPECT_FALSE(DecodeFindings(EncodeCompileAnswer(GoodAnswer())).ok());
}

// The two name one limit: the protocol's headers do not include the decoder's.
TEST(ProtocolTest, CarriesAsManyBasesAsAProfileMayHave) {
  EXPECT_EQ(kMaxBases, profile::kMaxBases);
}

TEST(ProtocolTest, AnswersThatContradictThemselvesAreRefused) {
  const auto refuses = [](CompileAnswer answer) {
    return !DecodeCompileAnswer(EncodeCompileAnswer(answer)).ok();
  };
  CompileAnswer answer = GoodAnswer();
  answer.findings[0].severity = Severity::kError;  // an error, and bytes to write
  EXPECT_TRUE(refuses(answer));
  answer = GoodAnswer();
  answer.bytes.clear();  // neither
  EXPECT_TRUE(refuses(answer));
  answer = GoodAnswer();
  answer.is_skipped = true;  // skipped, and bytes to write
  EXPECT_TRUE(refuses(answer));
  answer = GoodAnswer();
  answer.is_denied = true;  // denied without a finding that says so
  EXPECT_TRUE(refuses(answer));
  answer = GoodAnswer();
  answer.instructions = 5000;
  EXPECT_TRUE(refuses(answer));
  answer = GoodAnswer();
  answer.bytes.assign(300 * 1024, ' ');
  EXPECT_TRUE(refuses(answer));
  answer = GoodAnswer();
  answer.findings.assign(65, answer.findings[0]);
  EXPECT_TRUE(refuses(answer));
  const std::vector<std::string> bad = {"a\nb", "\x1b[31m", "\xff", "\xc3", std::string(2000, 'x')};
  for (const std::string& message : bad) {
    answer = GoodAnswer();
    answer.findings[0].message = message;
    EXPECT_TRUE(refuses(answer)) << message;
  }
}

TEST(ProtocolTest, RandomBytesNeverCrashTheReaders) {
  std::mt19937 random(11);  // NOLINT(cert-msc51-cpp): the same every time
  const std::string good = EncodeCompileAnswer(GoodAnswer());
  for (int i = 0; i < 20'000; ++i) {
    std::string bytes = good;
    for (int j = 0; j < 1 + i % 4; ++j) {
      bytes[random() % bytes.size()] = static_cast<char>(random() & 0xff);
    }
    static_cast<void>(DecodeCompileAnswer(bytes).ok());
    static_cast<void>(DecodeManifestAnswer(bytes).ok());
    static_cast<void>(DecodeRequest(bytes).ok());
    static_cast<void>(DecodeHello(bytes).ok());
  }
}

class FrameTest : public testing::Test {
 protected:
  FrameTest() {
    std::array<int, 2> fds{};
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds.data()), 0);
    near_.Reset(fds[0]);
    far_.Reset(fds[1]);
  }
  static Deadline In(int millis) {
    return std::chrono::steady_clock::now() + std::chrono::milliseconds(millis);
  }
  void Put(std::string_view bytes) {
    ASSERT_EQ(::send(far_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL),
              static_cast<ssize_t>(bytes.size()));
  }
  UniqueFd near_, far_;
};

TEST_F(FrameTest, LargerThanTheSocketsBuffer) {
  const std::string payload(3 << 20, 'p');
  std::thread writer([&] { EXPECT_TRUE(WriteFrame(far_.get(), payload, In(10'000)).ok()); });
  const Result<std::string> read = ReadFrame(near_.get(), kMaxFrameBytes, In(10'000));
  writer.join();
  ASSERT_TRUE(read.ok());
  EXPECT_EQ(*read, payload);
}

TEST_F(FrameTest, OverTheLimitIsRefusedUnread) {
  Put(std::string_view("\xff\xff\xff\xff", 4));
  EXPECT_EQ(ReadFrame(near_.get(), kMaxFrameBytes, In(10'000)).error().code, ErrorCode::kInvalid);
}

TEST_F(FrameTest, EndWithinIsRefused) {
  Put(std::string_view("\x08\0\0\0abc", 7));
  far_.Reset();
  EXPECT_EQ(ReadFrame(near_.get(), kMaxFrameBytes, In(10'000)).error().code, ErrorCode::kInvalid);
}

TEST_F(FrameTest, SilenceEndsAtTheDeadline) {
  Put(std::string_view("\x08\0", 2));
  EXPECT_EQ(ReadFrame(near_.get(), kMaxFrameBytes, In(20)).error().code, ErrorCode::kTransient);
}

TEST_F(FrameTest, WritingToNobodyIsAnErrorNotASignal) {
  far_.Reset();
  EXPECT_EQ(WriteFrame(near_.get(), "x", In(100)).error().code, ErrorCode::kTransient);
}

TEST_F(FrameTest, TrailingBytesAreSeen) {
  Put("x");
  far_.Reset();
  EXPECT_EQ(ReadToEnd(near_.get(), 0, In(100)).error().code, ErrorCode::kInvalid);
}

}  // namespace
}  // namespace seccompd::compiler
