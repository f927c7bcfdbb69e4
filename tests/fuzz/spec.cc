// SPDX-License-Identifier: Apache-2.0
// A tenant's spec, up to where libseccomp would come in: decode, normalize, lint, encode.
// Properties: what is accepted encodes to bytes that the agent's strict reader accepts; normalizing
// twice changes nothing; the order of the rules does not show in the bytes; and every set of
// findings passes through the compiler's protocol (a finding that did not would look like a crashed
// child).
#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "seccompd/compiler/protocol.h"
#include "seccompd/profile/canonical.h"
#include "seccompd/profile/codes.h"
#include "seccompd/profile/decode.h"
#include "seccompd/profile/encode.h"
#include "seccompd/profile/lint.h"

#include "fuzz/check.h"

namespace {

using namespace seccompd::profile;  // NOLINT(google-build-using-namespace)
using seccompd::fuzz::Must;

void CheckFindings(std::vector<Diagnostic> findings) {
  CapFindings(findings);
  seccompd::compiler::CompileAnswer answer;
  answer.findings = std::move(findings);
  if (!HasError(answer.findings)) {
    answer.bytes = "x";
    answer.instructions = 1;
  }
  const auto read =
      seccompd::compiler::DecodeCompileAnswer(seccompd::compiler::EncodeCompileAnswer(answer));
  Must(read.ok(), "the findings pass through the protocol");
  Must(read->findings == answer.findings, "the findings come back as they were");
}

bool CompleteArchitectures(Profile& profile) {
  auto& list = profile.architectures;
  list.push_back(Architecture::kX8664);
  std::sort(list.begin(), list.end());
  list.erase(std::unique(list.begin(), list.end()), list.end());
  return list.size() <= kMaxArchitectures;
}

void CheckAccepted(Profile profile, std::vector<Diagnostic>& findings) {
  Profile reversed = profile;
  std::reverse(reversed.rules.begin(), reversed.rules.end());
  const Profile normal = Normalize(std::move(profile), findings);
  Lint(normal, findings);
  const bool is_in_conflict =
      std::any_of(findings.begin(), findings.end(),
                  [](const Diagnostic& f) { return f.code == "ConflictingRules"; });
  if (is_in_conflict) return;
  const std::string bytes = Encode(normal);
  std::vector<Diagnostic> again;
  Must(Encode(Normalize(normal, again)) == bytes, "normalizing twice changes nothing");
  Must(again.empty(), "what is normal has no dead rule");
  again.clear();
  Must(Encode(Normalize(std::move(reversed), again)) == bytes, "the order does not show");
  if (bytes.size() > kMaxCanonicalBytes) return;
  const auto canonical = CheckCanonical(bytes);
  Must(canonical.ok(), "what is accepted is canonical",
       canonical.ok() ? "" : canonical.error().message);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  DecodedSpec decoded = DecodeSpec(seccompd::fuzz::TextOf(data, size));
  std::vector<Diagnostic> findings = std::move(decoded.findings);
  if (!HasError(findings) && CompleteArchitectures(decoded.profile)) {
    CheckAccepted(std::move(decoded.profile), findings);
  }
  CheckFindings(std::move(findings));
  return 0;
}
