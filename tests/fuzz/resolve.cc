// SPDX-License-Identifier: Apache-2.0
// The resolver: conditions, archMap, bases and their circles. The first byte chooses the node; then
// come the spec's line and those of its namespace's profiles, which are called a, b, c and so on.
// Properties: it asks for each base at most once, and never for more than are taken; neither the
// order of the texts nor a second run changes what it says; and what it accepts is a profile as any
// other (see accepted.h).
#include "seccompd/profile/resolve.h"

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "seccompd/profile/decode.h"
#include "seccompd/profile/encode.h"

#include "fuzz/accepted.h"

namespace {

using namespace seccompd::profile;  // NOLINT(google-build-using-namespace)
using seccompd::fuzz::Must;

struct NodeRow {
  const char* architecture;
  const char* kernel;
};
constexpr NodeRow kNodes[] = {{"SCMP_ARCH_X86_64", "6.1.0"},
                              {"SCMP_ARCH_X86_64", "4.7"},
                              {"SCMP_ARCH_X86_64", ""},
                              {"SCMP_ARCH_AARCH64", "5.15"}};

std::vector<std::string_view> Lines(std::string_view text) {
  std::vector<std::string_view> lines;
  for (std::size_t end = 0; end != std::string_view::npos;) {
    end = text.find('\n');
    lines.push_back(text.substr(0, end));
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  }
  return lines;
}

std::string Written(const Resolved& resolved) {
  std::vector<Diagnostic> untold;
  return Encode(Normalize(resolved.profile, untold));
}

// With the texts that it asks for; those that are not there are said to be missing.
Resolved ResolveWithBases(const DecodedSpec& spec, RenderRequest& request, Architecture native,
                          const std::vector<std::string_view>& lines) {
  Resolved resolved = Resolve(spec, request, native);
  for (std::size_t round = 0; resolved.needs_bases; ++round) {
    Must(round <= kMaxBaseLevels, "no more rounds than levels");
    const std::size_t before = request.bases.size();
    request.bases.clear();
    for (const std::string& name : resolved.bases) {
      const std::size_t at = name.size() == 1 ? static_cast<unsigned char>(name[0]) - 'a' + 1 : 0;
      request.bases.push_back({name, std::nullopt});
      if (at > 0 && at < lines.size()) request.bases.back().spec = std::string(lines[at]);
    }
    Must(request.bases.size() > before, "it asks for what it has not");
    resolved = Resolve(spec, request, native);
  }
  return resolved;
}

void CheckSame(const Resolved& a, const Resolved& b, std::string_view property) {
  Must(a.findings == b.findings && a.bases == b.bases && a.needs_bases == b.needs_bases, property);
  if (!HasError(a.findings)) Must(Written(a) == Written(b), property);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const NodeRow& node = kNodes[data[0] % std::size(kNodes)];
  const auto lines = Lines(seccompd::fuzz::TextOf(data + 1, size - 1));
  RenderRequest request;
  request.node.architecture = node.architecture;
  request.node.kernel = node.kernel;
  const Architecture native = *FindArchitecture(node.architecture);
  const DecodedSpec spec = DecodeSpec(lines.front());
  Resolved resolved = ResolveWithBases(spec, request, native, lines);
  Must(resolved.bases.size() <= kMaxBases, "no more bases than are taken");
  Must(std::is_sorted(resolved.bases.begin(), resolved.bases.end()), "bases are sorted");
  std::reverse(request.bases.begin(), request.bases.end());
  CheckSame(resolved, Resolve(spec, request, native), "the order of the texts does not show");
  std::vector<Diagnostic> findings = spec.findings;
  findings.insert(findings.end(), resolved.findings.begin(), resolved.findings.end());
  if (!HasError(findings) && seccompd::fuzz::CompleteArchitectures(resolved.profile)) {
    if (spec.is_dry_run) {
      std::vector<Diagnostic> untold;
      resolved.profile = DryRun(Normalize(std::move(resolved.profile), untold));
    }
    seccompd::fuzz::CheckAccepted(std::move(resolved.profile), findings);
  }
  seccompd::fuzz::CheckFindings(std::move(findings));
  return 0;
}
