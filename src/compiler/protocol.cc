// SPDX-License-Identifier: Apache-2.0
#include "seccompd/compiler/protocol.h"

#include <utility>

#include "compiler/fields.h"

namespace seccompd::compiler {
namespace {

using profile::Diagnostic;
using profile::Severity;

constexpr std::uint32_t kMagic = 0x53434431;                      // "SCD1"
constexpr std::size_t kMaxAnswerBytes = std::size_t{256} * 1024;  // as profile::kMaxCanonicalBytes
constexpr std::size_t kMaxFindings = 64;
constexpr std::size_t kMaxCodeBytes = 64;
constexpr std::size_t kMaxNameBytes = 128;
constexpr std::size_t kMaxLabelBytes = 320;  // a prefix of 253, a name of 63
constexpr std::size_t kMaxMessageBytes = 1024;
constexpr std::size_t kMaxJsonBytes = std::size_t{5} << 20;
constexpr std::uint32_t kMaxInstructions = 4096;

Error Deviation(std::string_view what) {
  return Error{ErrorCode::kInvalid, "the compiler's protocol: no valid " + std::string(what)};
}

// What a finding may hold on its way to logs and the API: UTF-8's bytes without control characters.
// (Overlong forms are not told apart here: the API server and the log's JSON do.)
bool IsPrintable(std::string_view text) {
  std::size_t expected = 0;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (expected > 0) {
      if ((byte & 0xc0) != 0x80) return false;
      --expected;
    } else if (byte >= 0x80) {
      if (byte < 0xc2 || byte > 0xf4) return false;
      expected = byte < 0xe0 ? 1 : (byte < 0xf0 ? 2 : 3);
    } else if (byte < 0x20 || byte == 0x7f) {
      return false;
    }
  }
  return expected == 0;
}

void PutFindings(Writer& writer, const std::vector<Diagnostic>& findings) {
  writer.Put(static_cast<std::uint32_t>(findings.size()));
  for (const Diagnostic& finding : findings) {
    writer.Put(static_cast<std::uint8_t>(finding.severity));
    writer.PutString(finding.code);
    writer.PutString(finding.pointer);
    writer.PutString(finding.message);
  }
}

std::vector<Diagnostic> GetFindings(Reader& reader) {
  std::vector<Diagnostic> findings;
  const auto count = reader.GetAtMost<std::uint32_t>(kMaxFindings);
  for (std::uint32_t i = 0; i < count && !reader.has_failed(); ++i) {
    Diagnostic finding;
    finding.severity = static_cast<Severity>(
        reader.GetAtMost<std::uint8_t>(static_cast<std::uint8_t>(Severity::kError)));
    finding.code = reader.GetString(kMaxCodeBytes);
    finding.pointer = reader.GetString(kMaxMessageBytes);
    finding.message = reader.GetString(kMaxMessageBytes);
    if (!IsPrintable(finding.code) || !IsPrintable(finding.pointer) ||
        !IsPrintable(finding.message)) {
      reader.Fail();
    }
    findings.push_back(std::move(finding));
  }
  return findings;
}

void PutNode(Writer& writer, const profile::NodeContext& node) {
  writer.PutString(node.architecture);
  writer.PutString(node.kernel);
  writer.PutString(node.runtime);
  writer.Put(static_cast<std::uint32_t>(node.labels.size()));
  for (const auto& [key, value] : node.labels) {
    writer.PutString(key);
    writer.PutString(value);
  }
}

profile::NodeContext GetNode(Reader& reader) {
  profile::NodeContext node;
  node.architecture = reader.GetString(kMaxCodeBytes);
  node.kernel = reader.GetString(kMaxNameBytes);
  node.runtime = reader.GetString(kMaxCodeBytes);
  const auto labels = reader.GetAtMost(static_cast<std::uint32_t>(kMaxLabels));
  for (std::uint32_t i = 0; i < labels && !reader.has_failed(); ++i) {
    std::string key = reader.GetString(kMaxLabelBytes);
    // In order and each once: there is one encoding only.
    if (!node.labels.empty() && key <= node.labels.rbegin()->first) reader.Fail();
    node.labels.emplace_hint(node.labels.end(), std::move(key), reader.GetString(kMaxLabelBytes));
  }
  return node;
}

// See profile::Rendered.
bool IsOneOutcome(const CompileAnswer& answer) {
  const bool has_bytes = !answer.bytes.empty();
  const bool has_error = profile::HasError(answer.findings);
  const int outcomes = static_cast<int>(has_bytes) + static_cast<int>(has_error) +
                       static_cast<int>(answer.is_skipped) + static_cast<int>(answer.needs_bases);
  return outcomes == 1 && has_bytes == (answer.instructions > 0) &&
         (has_error || !answer.is_denied) && (has_bytes || !answer.has_unchecked_tree);
}

Manifest GetManifest(Reader& reader) {
  Manifest manifest;
  manifest.line = reader.Get<std::uint32_t>();
  manifest.api_version = reader.GetString(kMaxManifestBytes);
  manifest.kind = reader.GetString(kMaxManifestBytes);
  manifest.name_space = reader.GetString(kMaxManifestBytes);
  manifest.name = reader.GetString(kMaxManifestBytes);
  manifest.spec = reader.GetString(kMaxJsonBytes);
  return manifest;
}

}  // namespace

std::string EncodeHello(const Hello& hello) {
  Writer writer;
  writer.Put(kMagic);
  writer.Put(hello.version);
  writer.PutString(hello.libseccomp_version);
  return writer.Take();
}

Result<Hello> DecodeHello(std::string_view bytes) {
  Reader reader(bytes);
  const auto magic = reader.Get<std::uint32_t>();
  Hello hello;
  hello.version = reader.Get<std::uint32_t>();
  hello.libseccomp_version = reader.GetString(kMaxCodeBytes);
  if (!reader.Done() || magic != kMagic || !IsPrintable(hello.libseccomp_version)) {
    return Deviation("hello");
  }
  return hello;
}

std::string EncodeOrder(std::uint64_t id) {
  Writer writer;
  writer.Put(kMagic);
  writer.Put(id);
  return writer.Take();
}

Result<std::uint64_t> DecodeOrder(std::string_view bytes) {
  Reader reader(bytes);
  const auto magic = reader.Get<std::uint32_t>();
  const auto id = reader.Get<std::uint64_t>();
  if (!reader.Done() || magic != kMagic) return Deviation("order");
  return id;
}

std::string EncodeRequest(const Request& request) {
  Writer writer;
  writer.Put(kMagic);
  writer.Put(static_cast<std::uint8_t>(request.kind));
  writer.PutString(request.text);
  PutNode(writer, request.node);
  writer.Put(static_cast<std::uint32_t>(request.bases.size()));
  for (const profile::BaseSpec& base : request.bases) {
    writer.PutString(base.name);
    writer.Put(static_cast<std::uint8_t>(base.spec.has_value() ? 1 : 0));
    if (base.spec.has_value()) writer.PutString(*base.spec);
  }
  writer.PutString(request.ceiling);
  writer.Put(static_cast<std::uint8_t>(request.is_thorough ? 1 : 0));
  writer.Put(static_cast<std::uint32_t>(request.specs.size()));
  for (const std::string& spec : request.specs) writer.PutString(spec);
  writer.Put(static_cast<std::uint8_t>(request.may_stay ? 1 : 0));
  return writer.Take();
}

Result<Request> DecodeRequest(std::string_view bytes) {
  Reader reader(bytes);
  const auto magic = reader.Get<std::uint32_t>();
  const auto kind = reader.GetAtMost<std::uint8_t>(5);
  Request request;
  request.kind = static_cast<Request::Kind>(kind);
  request.text =
      reader.GetString(request.kind == Request::Kind::kTool ? kMaxToolBytes : kMaxSpecBytes);
  request.node = GetNode(reader);
  const auto bases = reader.GetAtMost(static_cast<std::uint32_t>(kMaxBases));
  for (std::uint32_t i = 0; i < bases && !reader.has_failed(); ++i) {
    profile::BaseSpec base{reader.GetString(kMaxNameBytes), std::nullopt};
    if (reader.GetBool()) base.spec = reader.GetString(kMaxSpecBytes);
    request.bases.push_back(std::move(base));
  }
  request.ceiling = reader.GetString(kMaxCodeBytes);
  request.is_thorough = reader.GetBool();
  const auto specs = reader.GetAtMost(static_cast<std::uint32_t>(kMaxTogether));
  for (std::uint32_t i = 0; i < specs && !reader.has_failed(); ++i) {
    request.specs.push_back(reader.GetString(kMaxTogetherBytes));
  }
  request.may_stay = reader.GetBool();
  const bool is_together = request.kind == Request::Kind::kCompileTogether;
  const bool is_compile = is_together || request.kind == Request::Kind::kCompile;
  bool is_whole = is_together ? request.text.empty() && specs > 0 : specs == 0;
  is_whole = is_whole && (is_compile || !request.may_stay);
  if (!reader.Done() || magic != kMagic || kind == 0 || !is_whole) return Deviation("request");
  return request;
}

std::string EncodeCompileAnswer(const CompileAnswer& answer) {
  Writer writer;
  writer.Put(kMagic);
  writer.Put(static_cast<std::uint8_t>(Request::Kind::kCompile));
  PutFindings(writer, answer.findings);
  writer.PutString(answer.bytes);
  writer.Put(answer.instructions);
  for (const bool flag : {answer.remove_when_invalid, answer.is_denied, answer.is_skipped,
                          answer.uses_labels, answer.needs_bases, answer.has_unchecked_tree}) {
    writer.Put(static_cast<std::uint8_t>(flag ? 1 : 0));
  }
  writer.Put(static_cast<std::uint32_t>(answer.bases.size()));
  for (const std::string& name : answer.bases) writer.PutString(name);
  return writer.Take();
}

Result<CompileAnswer> DecodeCompileAnswer(std::string_view bytes) {
  Reader reader(bytes);
  const auto magic = reader.Get<std::uint32_t>();
  const auto kind = reader.Get<std::uint8_t>();
  CompileAnswer answer;
  answer.findings = GetFindings(reader);
  answer.bytes = reader.GetString(kMaxAnswerBytes);
  answer.instructions = reader.GetAtMost<std::uint32_t>(kMaxInstructions);
  answer.remove_when_invalid = reader.GetBool();
  answer.is_denied = reader.GetBool();
  answer.is_skipped = reader.GetBool();
  answer.uses_labels = reader.GetBool();
  answer.needs_bases = reader.GetBool();
  answer.has_unchecked_tree = reader.GetBool();
  const auto bases = reader.GetAtMost(static_cast<std::uint32_t>(kMaxBases));
  for (std::uint32_t i = 0; i < bases && !reader.has_failed(); ++i) {
    answer.bases.push_back(reader.GetString(kMaxNameBytes));
    if (!IsPrintable(answer.bases.back())) reader.Fail();
  }
  const bool is_right_kind = kind == static_cast<std::uint8_t>(Request::Kind::kCompile);
  if (!reader.Done() || magic != kMagic || !is_right_kind || !IsOneOutcome(answer)) {
    return Deviation("answer");
  }
  return answer;
}

std::string EncodeCompileAnswers(const std::vector<CompileAnswer>& answers) {
  Writer writer;
  writer.Put(kMagic);
  writer.Put(static_cast<std::uint8_t>(Request::Kind::kCompileTogether));
  writer.Put(static_cast<std::uint32_t>(answers.size()));
  for (const CompileAnswer& answer : answers) writer.PutString(EncodeCompileAnswer(answer));
  return writer.Take();
}

Result<std::vector<CompileAnswer>> DecodeCompileAnswers(std::string_view bytes) {
  Reader reader(bytes);
  const auto magic = reader.Get<std::uint32_t>();
  const auto kind = reader.Get<std::uint8_t>();
  std::vector<CompileAnswer> answers;
  const auto count = reader.GetAtMost(static_cast<std::uint32_t>(kMaxTogether));
  for (std::uint32_t i = 0; i < count && !reader.has_failed(); ++i) {
    Result<CompileAnswer> answer = DecodeCompileAnswer(reader.GetString(kMaxFrameBytes));
    if (!answer.ok()) return answer.error();
    answers.push_back(*std::move(answer));
  }
  const bool is_right_kind = kind == static_cast<std::uint8_t>(Request::Kind::kCompileTogether);
  if (!reader.Done() || magic != kMagic || !is_right_kind) return Deviation("answer");
  return answers;
}

std::string EncodeManifestAnswer(const ManifestAnswer& answer) {
  Writer writer;
  writer.Put(kMagic);
  writer.Put(static_cast<std::uint8_t>(Request::Kind::kParseManifests));
  PutFindings(writer, answer.findings);
  writer.Put(static_cast<std::uint32_t>(answer.documents.size()));
  for (const Manifest& manifest : answer.documents) {
    writer.Put(manifest.line);
    writer.PutString(manifest.api_version);
    writer.PutString(manifest.kind);
    writer.PutString(manifest.name_space);
    writer.PutString(manifest.name);
    writer.PutString(manifest.spec);
  }
  return writer.Take();
}

Result<ManifestAnswer> DecodeManifestAnswer(std::string_view bytes) {
  Reader reader(bytes);
  const auto magic = reader.Get<std::uint32_t>();
  const auto kind = reader.Get<std::uint8_t>();
  ManifestAnswer answer;
  answer.findings = GetFindings(reader);
  const auto count = reader.GetAtMost(static_cast<std::uint32_t>(kMaxDocuments));
  for (std::uint32_t i = 0; i < count && !reader.has_failed(); ++i) {
    answer.documents.push_back(GetManifest(reader));
  }
  const bool is_right_kind = kind == static_cast<std::uint8_t>(Request::Kind::kParseManifests);
  if (!reader.Done() || magic != kMagic || !is_right_kind) return Deviation("answer");
  return answer;
}

std::string EncodeToolAnswer(std::string_view answer) {
  Writer writer;
  writer.Put(kMagic);
  writer.Put(static_cast<std::uint8_t>(Request::Kind::kTool));
  writer.PutString(answer);
  return writer.Take();
}

Result<std::string> DecodeToolAnswer(std::string_view bytes) {
  Reader reader(bytes);
  const auto magic = reader.Get<std::uint32_t>();
  const auto kind = reader.Get<std::uint8_t>();
  std::string answer = reader.GetString(kMaxToolBytes);
  const bool is_right_kind = kind == static_cast<std::uint8_t>(Request::Kind::kTool);
  if (!reader.Done() || magic != kMagic || !is_right_kind) return Deviation("answer");
  return answer;
}

std::string EncodeFindings(const std::vector<Diagnostic>& findings) {
  Writer writer;
  writer.Put(kMagic);
  writer.Put(static_cast<std::uint8_t>(Request::Kind::kCheckTree));
  PutFindings(writer, findings);
  return writer.Take();
}

Result<std::vector<Diagnostic>> DecodeFindings(std::string_view bytes) {
  Reader reader(bytes);
  const auto magic = reader.Get<std::uint32_t>();
  const auto kind = reader.Get<std::uint8_t>();
  std::vector<Diagnostic> findings = GetFindings(reader);
  const bool is_right_kind = kind == static_cast<std::uint8_t>(Request::Kind::kCheckTree);
  if (!reader.Done() || magic != kMagic || !is_right_kind) return Deviation("answer");
  return findings;
}

std::string EncodeReport(const Report& report) {
  Writer writer;
  writer.Put(report.id);
  writer.Put(static_cast<std::uint8_t>(report.end));
  writer.Put(report.status);
  writer.Put(report.cpu_usec);
  return writer.Take();
}

Result<Report> DecodeReport(std::string_view bytes) {
  Reader reader(bytes);
  Report report;
  report.id = reader.Get<std::uint64_t>();
  const auto end = reader.GetAtMost(static_cast<std::uint8_t>(Report::End::kNotStarted));
  report.end = static_cast<Report::End>(end);
  report.status = reader.Get<std::int32_t>();
  report.cpu_usec = reader.Get<std::uint64_t>();
  if (!reader.Done() || end == 0) return Deviation("report");
  return report;
}

}  // namespace seccompd::compiler
