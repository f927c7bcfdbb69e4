// SPDX-License-Identifier: Apache-2.0
// What a file on the disk is, compiled anew. A canonical profile is a spec as well, and gives
// itself: that it gives these very bytes again proves that they are canonical, that libseccomp
// compiles them, that the filter does what they say, and that they stay below the ceiling. It does
// not prove that they are what the object says: the record keeps no spec (`seccompd audit` does).
#include <algorithm>
#include <map>
#include <mutex>

#include "local_audit.h"
#include "parallel.h"

namespace seccompd::cli {
namespace {

struct Verdict {
  std::string word = "same";
  AuditCode code = AuditCode::kOtherBytes;
  std::string message;
  bool logs = false;
};

std::string ErrorsOf(const compiler::CompileAnswer& answer) {
  for (const profile::Diagnostic& finding : answer.findings) {
    if (finding.severity == profile::Severity::kError)
      return finding.message + " [" + finding.code + "]";
  }
  return "the compiler gave neither bytes nor a reason";
}

Result<Verdict> Prove(compiler::Compiler& compiler, const ProofOptions& options,
                      const std::string& bytes) {
  compiler::CompileRequest request{R"({"profile":)" + bytes + "}",
                                   {options.architecture, options.kernel, {}, options.runtime},
                                   {},
                                   options.ceiling,
                                   false};
  Verdict verdict;
  Result<compiler::CompileAnswer> answer = compiler.Compile(request);
  if (answer.ok() && answer->is_denied && bytes.find("\"SCMP_ACT_LOG\"") != std::string::npos) {
    verdict.logs = true;
    request.ceiling = "none";
    answer = compiler.Compile(request);
  }
  if (!answer.ok() && answer.error().code != ErrorCode::kInvalid) return answer.error();
  if (!answer.ok()) return Verdict{"refused", AuditCode::kDoesNotCompile, answer.error().message};
  if (answer->is_denied) return Verdict{"ceiling", AuditCode::kAboveCeiling, ErrorsOf(*answer)};
  if (answer->bytes.empty())
    return Verdict{"refused", AuditCode::kDoesNotCompile, ErrorsOf(*answer)};
  if (answer->bytes == bytes) return verdict;
  return Verdict{"other", AuditCode::kOtherBytes,
                 "it is " + std::to_string(bytes.size()) + " bytes, and would be " +
                     std::to_string(answer->bytes.size())};
}

}  // namespace

Result<Proof> ProveProfiles(compiler::Compiler& compiler, const ProofOptions& options,
                            const node::Survey& survey, JudgedDisk& disk) {
  std::vector<std::string> digests;
  for (const JudgedProfile& row : disk.profiles) {
    if (!row.entry.sha256.empty() && survey.bytes.contains(row.entry.sha256))
      digests.push_back(row.entry.sha256);
  }
  std::sort(digests.begin(), digests.end());
  digests.erase(std::unique(digests.begin(), digests.end()), digests.end());

  std::mutex mutex;
  std::map<std::string, Verdict> verdicts;  // guarded by mutex
  const Result<void> done = InParallel(digests.size(), [&](std::size_t at) -> Result<void> {
    Result<Verdict> verdict = Prove(compiler, options, survey.bytes.at(digests[at]));
    if (!verdict.ok()) return verdict.error();
    const std::lock_guard lock(mutex);
    verdicts.emplace(digests[at], *std::move(verdict));
    return {};
  });
  if (!done.ok()) return done.error();

  Proof proof{digests.size(), 0};
  for (JudgedProfile& row : disk.profiles) {
    const auto found = verdicts.find(row.entry.sha256);
    if (found == verdicts.end()) continue;
    row.compiled = found->second.word;
    if (found->second.logs) ++proof.not_held_against_ceiling;
    if (row.compiled != "same")
      disk.findings.push_back({found->second.code, row.key, found->second.message});
  }
  std::sort(disk.findings.begin(), disk.findings.end());
  return proof;
}

}  // namespace seccompd::cli
