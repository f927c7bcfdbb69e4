// SPDX-License-Identifier: Apache-2.0
#include "compiler/filter.h"

#include <linux/filter.h>
#include <linux/futex.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>

#include <optional>
#include <span>
#include <vector>

#include "seccompd/compiler/protocol.h"
#include "seccompd/profile/compile.h"
#include "seccompd/profile/types.h"

#include "compiler/sanitized.h"

namespace seccompd::compiler {
namespace {

using profile::Arg;
using profile::Operator;

struct AllowRow {
  const char* name;
  std::optional<Arg> when = std::nullopt;
};

constexpr Arg Equal(std::uint32_t index, std::uint64_t value) {
  return {index, Operator::kEqual, value, 0};
}
// The kernel reads these arguments as 32 bits.
constexpr Arg Equal32(std::uint32_t index, std::uint32_t value) {
  return {index, Operator::kMaskedEqual, 0xffffffffU, value};
}
constexpr Arg NotExecutable(std::uint32_t index) {
  return {index, Operator::kMaskedEqual, PROT_EXEC, 0};
}

// Of a child, from before its request comes: nothing that names a path, a process or a socket,
// makes a process, changes rights, limits or signals, or makes memory executable. Descriptors it
// has: its data socket, the memfd of the filter that libseccomp exports, /dev/null.
constexpr AllowRow kChild[] = {
    // The handover of the data socket, over a descriptor that is closed then. (The zygote's orders
    // come over the same number.)
    {"recvmsg", Equal32(0, kControlFd)},
    {"close"},
    // The request and the answer. No address: sendto then names no socket.
    {"poll"},
    {"ppoll"},
    {"read"},
    {"sendto", Equal(4, 0)},
    // libseccomp exports a filter into a descriptor only.
    {"memfd_create"},
    {"write"},
    {"lseek"},
    {"pread64"},
    // malloc
    {"brk"},
    {"mmap", NotExecutable(2)},
    {"mmap2", NotExecutable(2)},
    {"mprotect", NotExecutable(2)},
    {"mremap"},
    {"munmap"},
    {"madvise"},
    {"getrandom"},
    // pthread_once tells others, whether there are any or not: the unwinder at its first exception.
    {"futex", Equal32(1, FUTEX_WAKE_PRIVATE)},
    // Where the vDSO has no clock; a poll that goes on after SIGSTOP and SIGCONT.
    {"clock_gettime"},
    {"clock_gettime64"},
    {"restart_syscall"},
    {"exit_group"},
};

// glibc's fork, and nothing else of clone.
constexpr std::uint64_t kForkFlags = CLONE_CHILD_CLEARTID | CLONE_CHILD_SETTID | SIGCHLD;
#if defined(__s390__)
constexpr std::uint32_t kCloneFlagsIndex = 1;
#else
constexpr std::uint32_t kCloneFlagsIndex = 0;
#endif

// Of the zygote, beside its children's, which it must not have less than. It opens nothing,
// executes nothing and connects to nothing. It names processes in two calls: wait4, and kill, which
// can only be SIGKILL, for a child that overran its time. (A pidfd would name it no less: what
// opens one takes a number.) What it reads is the agent's orders of 12 bytes, never a tenant's.
constexpr AllowRow kZygoteOnly[] = {
    {"sendmsg"},
    {"socketpair", Equal32(0, AF_UNIX)},
    {"wait4"},
    {"kill", Equal32(1, SIGKILL)},
    {"clone", Equal(kCloneFlagsIndex, kForkFlags)},
    // What a child does between the fork and its own filter.
    {"set_robust_list"},
    {"getppid"},
    {"dup2"},
    {"dup3"},
    {"close_range"},
    {"rt_sigprocmask"},
    {"setrlimit"},
    {"prlimit64", Equal32(0, 0)},
    {"prctl", Equal32(0, PR_SET_PDEATHSIG)},
    {"prctl", Equal32(0, PR_SET_DUMPABLE)},
    {"prctl", Equal32(0, PR_SET_NO_NEW_PRIVS)},
    {"prctl", Equal32(0, PR_SET_SECCOMP)},
};

std::optional<profile::Architecture> NativeArchitecture() {
#if defined(__x86_64__) && !defined(__ILP32__)
  return profile::Architecture::kX8664;
#elif defined(__aarch64__)
  return profile::Architecture::kAarch64;
#elif defined(__riscv) && __riscv_xlen == 64
  return profile::Architecture::kRiscv64;
#elif defined(__powerpc64__) && defined(__LITTLE_ENDIAN__)
  return profile::Architecture::kPpc64Le;
#elif defined(__s390x__)
  return profile::Architecture::kS390X;
#else
  return std::nullopt;
#endif
}

void Append(std::span<const AllowRow> rows, profile::Profile& profile) {
  for (const AllowRow& row : rows) {
    profile::Rule rule;
    rule.name = row.name;
    rule.action = profile::Action::kAllow;
    if (row.when.has_value()) rule.args.push_back(*row.when);
    profile.rules.push_back(std::move(rule));
  }
}

Result<std::string> Build(const profile::Profile& profile) {
  std::vector<profile::Diagnostic> findings;
  Result<std::optional<profile::Filters>> filters =
      profile::Compile(profile, findings, profile::Trees::kNo);
  if (!filters.ok()) return filters.error();
  if (filters->has_value()) return std::move((*filters)->by_priority.program);
  return Error{ErrorCode::kDenied,
               findings.empty() ? "the compiler's own filter" : findings.front().message};
}

}  // namespace

Result<OwnFilters> BuildFilters() {
  if (kIsSanitized) return OwnFilters{};
  const std::optional<profile::Architecture> native = NativeArchitecture();
  if (!native.has_value()) return Error{ErrorCode::kDenied, "no filter for this architecture"};
  profile::Profile profile;
  profile.default_action = profile::Action::kKillProcess;
  profile.architectures = {*native};
  Append(kChild, profile);
  Result<std::string> child = Build(profile);
  if (!child.ok()) return child.error();
  Append(kZygoteOnly, profile);
  Result<std::string> zygote = Build(profile);
  if (!zygote.ok()) return zygote.error();
  return OwnFilters{*std::move(zygote), *std::move(child)};
}

bool InstallFilter(const std::string& program) {
  if (program.empty()) return true;
  std::vector<sock_filter> instructions(program.size() / sizeof(sock_filter));
  program.copy(reinterpret_cast<char*>(instructions.data()), program.size());
  const sock_fprog filter{static_cast<decltype(sock_fprog::len)>(instructions.size()),
                          instructions.data()};
  return ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter, 0, 0) == 0;
}

}  // namespace seccompd::compiler
