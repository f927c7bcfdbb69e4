// SPDX-License-Identifier: Apache-2.0
// A tenant's spec, up to where libseccomp would come in: decode, normalize, lint, encode.
// Properties: what is accepted encodes to bytes that the agent's strict reader accepts; normalizing
// twice changes nothing; the order of the rules does not show in the bytes; and every set of
// findings passes through the compiler's protocol (a finding that did not would look like a crashed
// child).
#include <utility>
#include <vector>

#include "seccompd/profile/decode.h"

#include "fuzz/accepted.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace seccompd::profile;  // NOLINT(google-build-using-namespace)
  using namespace seccompd::fuzz;     // NOLINT(google-build-using-namespace)
  DecodedSpec decoded = DecodeSpec(TextOf(data, size));
  std::vector<Diagnostic> findings = std::move(decoded.findings);
  if (!HasError(findings) && CompleteArchitectures(decoded.profile)) {
    CheckAccepted(std::move(decoded.profile), findings);
  }
  CheckFindings(std::move(findings));
  return 0;
}
