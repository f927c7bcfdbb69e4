// SPDX-License-Identifier: Apache-2.0
#pragma once
// The one user of libseccomp: names, and the filter that the runtimes will make of a profile, built
// in their own call order. libseccomp spins, corrupts memory or miscompiles on some hostile input:
// call this only in a process that dies with the profile, and only behind lint.h. Not thread-safe
// (libseccomp has global state).

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "seccompd/base/result.h"
#include "seccompd/base/unique_fd.h"
#include "seccompd/profile/diagnostic.h"
#include "seccompd/profile/types.h"

namespace seccompd::profile {

// "2.5.4". Of the library linked in; Debian patches newer syscalls into its table without a new
// version.
std::string LibseccompVersion();

// Adds `native` to the architectures and judges the set: count, byte order.
void CompleteArchitectures(Profile& profile, Architecture native,
                           std::vector<Diagnostic>& findings);

// Leaves out the rules whose name this libseccomp does not know (a finding each) and tells of those
// without effect on the profile's architectures.
void ResolveNames(Profile& profile, bool warn_unknown, std::vector<Diagnostic>& findings);

struct Filter {
  std::string program;  // struct sock_filter[], in the target's byte order
  std::uint32_t instructions = 0;
  bool is_big_endian = false;
};

// What the runtimes make of one profile.
struct Filters {
  Filter by_priority;             // libseccomp's default order: crun, and runc up to 1.1
  std::optional<Filter> by_tree;  // runc from 1.2 on, of more than 32 rules

  std::uint32_t instructions() const {
    return std::max(by_priority.instructions, by_tree.has_value() ? by_tree->instructions : 0);
  }
};

// runc from 1.2 on makes a tree of it.
bool HasTree(const Profile& profile);

// Where libseccomp writes a filter: it takes a descriptor only. Who compiles many profiles keeps
// one, for a file in memory costs more than what is in it. Never for two processes: what a fork
// inherits is written by both.
class ExportFile {
 public:
  // Empty as far as its reader sees: positioned at its begin. Made at the first call.
  Result<int> Begin();
  // What was written since.
  Result<std::string> ReadWritten() const;

 private:
  UniqueFd memfd_;
};

// Of a normalized, complete profile. No value: it cannot be loaded, and a finding says why. An
// Error is about this process (no memfd), not about the profile.
enum class Trees { kNo, kWhereRuncMakesThem };
Result<std::optional<Filters>> Compile(const Profile& profile, std::vector<Diagnostic>& findings,
                                       Trees trees = Trees::kWhereRuncMakesThem,
                                       ExportFile* file = nullptr);

}  // namespace seccompd::profile
