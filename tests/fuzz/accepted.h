// SPDX-License-Identifier: Apache-2.0
#pragma once
// What holds of every profile that is accepted, and of every set of findings.

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

namespace seccompd::fuzz {

inline void CheckFindings(std::vector<profile::Diagnostic> findings) {
  profile::CapFindings(findings);
  compiler::CompileAnswer answer;
  answer.findings = std::move(findings);
  if (!profile::HasError(answer.findings)) {
    answer.bytes = "x";
    answer.instructions = 1;
  }
  const auto read = compiler::DecodeCompileAnswer(compiler::EncodeCompileAnswer(answer));
  Must(read.ok(), "the findings pass through the protocol");
  Must(read->findings == answer.findings, "the findings come back as they were");
}

inline bool CompleteArchitectures(profile::Profile& accepted) {
  auto& list = accepted.architectures;
  list.push_back(profile::Architecture::kX8664);
  std::sort(list.begin(), list.end());
  list.erase(std::unique(list.begin(), list.end()), list.end());
  return list.size() <= profile::kMaxArchitectures;
}

inline void CheckAccepted(profile::Profile accepted, std::vector<profile::Diagnostic>& findings) {
  profile::Profile reversed = accepted;
  std::reverse(reversed.rules.begin(), reversed.rules.end());
  const profile::Profile normal = profile::Normalize(std::move(accepted), findings);
  profile::Lint(normal, findings);
  const bool is_in_conflict =
      std::any_of(findings.begin(), findings.end(),
                  [](const profile::Diagnostic& f) { return f.code == "ConflictingRules"; });
  if (is_in_conflict) return;
  const std::string bytes = profile::Encode(normal);
  std::vector<profile::Diagnostic> again;
  Must(profile::Encode(profile::Normalize(normal, again)) == bytes,
       "normalizing twice changes nothing");
  Must(again.empty(), "what is normal has no dead rule");
  again.clear();
  Must(profile::Encode(profile::Normalize(std::move(reversed), again)) == bytes,
       "the order does not show");
  if (bytes.size() > profile::kMaxCanonicalBytes) return;
  const auto canonical = profile::CheckCanonical(bytes);
  Must(canonical.ok(), "what is accepted is canonical",
       canonical.ok() ? "" : canonical.error().message);
}

}  // namespace seccompd::fuzz
