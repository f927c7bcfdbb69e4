// SPDX-License-Identifier: Apache-2.0
#include "seccompd/agent/node_facts.h"

#include <sys/utsname.h>

#include <algorithm>
#include <sstream>

#include "seccompd/node/directory_watch.h"

namespace seccompd::agent {
namespace {

struct ArchitectureRow {
  std::string_view machine;     // uname -m
  std::string_view kubernetes;  // as in kubernetes.io/arch
  std::string_view seccomp;
};
constexpr ArchitectureRow kArchitectures[] = {
    {"x86_64", "amd64", "SCMP_ARCH_X86_64"},     {"aarch64", "arm64", "SCMP_ARCH_AARCH64"},
    {"armv7l", "arm", "SCMP_ARCH_ARM"},          {"ppc64le", "ppc64le", "SCMP_ARCH_PPC64LE"},
    {"riscv64", "riscv64", "SCMP_ARCH_RISCV64"}, {"s390x", "s390x", "SCMP_ARCH_S390X"},
};

}  // namespace

Result<NodeFacts> ReadNodeFacts() {
  utsname name{};
  if (::uname(&name) != 0) return ErrnoError(errno, "uname");
  const std::string machine = name.machine;
  const auto* const row =
      std::find_if(std::begin(kArchitectures), std::end(kArchitectures),
                   [&](const ArchitectureRow& r) { return r.machine == machine; });
  if (row == std::end(kArchitectures)) {
    return Error{ErrorCode::kInvalid,
                 "seccompd does not know this node's architecture, " + machine +
                     "; do not run the agent on such nodes (the chart's nodeSelector)"};
  }
  NodeFacts facts{std::string(row->kubernetes), std::string(row->seccomp), name.release, {}, ""};
  // Absent where the kernel has no seccomp filters: then the list is empty, and the report shows
  // it.
  if (const auto actions = node::ReadSmallFile("/proc/sys/kernel/seccomp/actions_avail", 4096);
      actions.ok()) {
    std::istringstream words(*actions);
    for (std::string word; words >> word;) facts.seccomp_actions.push_back(word);
  }
  return facts;
}

}  // namespace seccompd::agent
