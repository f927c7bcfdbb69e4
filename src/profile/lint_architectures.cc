// SPDX-License-Identifier: Apache-2.0
// The architectures that a profile lists beside the node's own.
#include <algorithm>
#include <array>
#include <utility>

#include "profile/lint_rules.h"

namespace seccompd::profile {
namespace {

// Whose programs a node of another architecture runs as well.
struct CompatRow {
  Architecture native;
  Architecture other;
  bool is_worth_a_warning;
};
constexpr std::array<CompatRow, 9> kCompat = {{
    {Architecture::kX8664, Architecture::kX86, true},
    {Architecture::kX8664, Architecture::kX32, true},
    {Architecture::kAarch64, Architecture::kArm, false},
    {Architecture::kMips64, Architecture::kMips, false},
    {Architecture::kMips64, Architecture::kMips64N32, false},
    {Architecture::kMipsel64, Architecture::kMipsel, false},
    {Architecture::kMipsel64, Architecture::kMipsel64N32, false},
    {Architecture::kPpc64, Architecture::kPpc, false},
    {Architecture::kS390X, Architecture::kS390, false},
}};

// Where libseccomp has socket's and ipc's families behind socketcall and ipc too
// (seccomp_syscall_resolve_name_rewrite says so of these).
constexpr Architecture kMultiplexing[] = {
    Architecture::kX86,   Architecture::kS390,    Architecture::kS390X, Architecture::kPpc,
    Architecture::kPpc64, Architecture::kPpc64Le, Architecture::kMips,  Architecture::kMipsel};

constexpr std::string_view kMultiplexed[] = {
    "accept",   "accept4",  "bind",   "connect",    "getpeername", "getsockname", "getsockopt",
    "listen",   "msgctl",   "msgget", "msgrcv",     "msgsnd",      "recv",        "recvfrom",
    "recvmmsg", "recvmsg",  "semctl", "semget",     "semop",       "semtimedop",  "send",
    "sendmmsg", "sendmsg",  "sendto", "setsockopt", "shmat",       "shmctl",      "shmdt",
    "shmget",   "shutdown", "socket", "socketpair"};

template <class Range, class Value>
bool Contains(const Range& range, Value value) {
  return std::find(std::begin(range), std::end(range), value) != std::end(range);
}

const CompatRow* FindCompat(Architecture native, Architecture other) {
  const auto row = std::find_if(kCompat.begin(), kCompat.end(), [&](const CompatRow& r) {
    return r.native == native && r.other == other;
  });
  return row == kCompat.end() ? nullptr : row;
}

}  // namespace

void LintArchitectures(std::span<const Architecture> listed, Architecture native,
                       std::vector<Diagnostic>& findings) {
  constexpr std::string_view kPointer = "/profile/architectures";
  std::vector<std::string_view> compat;
  std::vector<std::string_view> unused;
  for (const Architecture architecture : listed) {
    if (architecture == native || IsBigEndian(architecture) != IsBigEndian(native)) continue;
    const CompatRow* row = FindCompat(native, architecture);
    if (row == nullptr) unused.push_back(ArchitectureName(architecture));
    if (row != nullptr && row->is_worth_a_warning) compat.push_back(ArchitectureName(architecture));
  }
  if (!compat.empty()) {
    Report(Code::kCompatArchitecture, kPointer,
           ListNames(compat) + (compat.size() == 1 ? " lets" : " let") +
               " 32-bit or x32 programs run too, and make the filter up to three times as long; "
               "leave " +
               (compat.size() == 1 ? "it" : "them") + " out unless the container has such programs",
           findings);
  }
  if (!unused.empty()) {
    Report(Code::kUnusedArchitecture, kPointer,
           ListNames(unused) + (unused.size() == 1 ? " has" : " have") +
               " no effect on this node but a longer filter; fine in a cluster that has nodes of "
               "several kinds",
           findings);
  }
  if (!listed.empty() && !Contains(listed, native)) {
    Report(Code::kNativeArchitectureAdded, kPointer,
           std::string(ArchitectureName(native)) +
               ", this node's own, is not listed; runtimes always add it, and the profile's rules "
               "hold for it",
           findings);
  }
}

void LintMultiplexed(const Profile& profile, std::vector<Diagnostic>& findings) {
  const auto architecture = std::find_if(profile.architectures.begin(), profile.architectures.end(),
                                         [](Architecture a) { return Contains(kMultiplexing, a); });
  if (architecture == profile.architectures.end()) return;
  std::vector<std::string_view> names;
  const Rule* first = nullptr;
  for (const Rule& rule : profile.rules) {
    if (rule.args.empty() || !Contains(kMultiplexed, rule.name)) continue;
    if (first == nullptr) first = &rule;
    if (names.empty() || names.back() != rule.name) names.push_back(rule.name);
  }
  if (first == nullptr) return;
  Report(Code::kMultiplexedArguments, first->place.Text(),
         "on " + std::string(ArchitectureName(*architecture)) + " conditions on " +
             ListNames(names) +
             " do not hold: the same calls are behind socketcall or ipc, whose arguments are in "
             "memory; an allowed value there allows all, a denied one denies all; leave the "
             "architecture out, or drop args",
         findings);
}

}  // namespace seccompd::profile
