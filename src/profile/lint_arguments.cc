// SPDX-License-Identifier: Apache-2.0
// Conditions on arguments that do not say what they seem to. A filter compares 64 bits; the kernel
// takes many arguments as 32 (seccomp(2), NOTES; CVE-2019-7303, CVE-2019-10063), and others point
// to memory that the program may change after the filter has run.
#include <algorithm>
#include <array>
#include <utility>

#include "profile/lint_rules.h"

namespace seccompd::profile {
namespace {

constexpr std::uint64_t kLow32 = 0xffffffff;

// Bit i: argument i.
struct ArgumentsRow {
  std::string_view name;
  std::uint32_t indexes;
};
constexpr std::uint32_t At(std::uint32_t a) { return 1U << a; }
constexpr std::uint32_t At(std::uint32_t a, std::uint32_t b) { return At(a) | At(b); }
constexpr std::uint32_t At(std::uint32_t a, std::uint32_t b, std::uint32_t c) {
  return At(a, b) | At(c);
}

// Taken as int or unsigned int (by linux/syscalls.h); file descriptors left out.
constexpr ArgumentsRow kTruncated[] = {
    {"accept4", At(3)},
    {"arch_prctl", At(0)},
    {"bpf", At(0)},
    {"clone", At(0)},
    {"fcntl", At(1)},
    {"fcntl64", At(1)},
    {"futex", At(1)},
    {"getsockopt", At(1, 2)},
    {"io_uring_register", At(1)},
    {"io_uring_setup", At(0)},
    {"ioctl", At(1)},
    {"iopl", At(0)},
    {"keyctl", At(0)},
    {"kill", At(0, 1)},
    {"madvise", At(2)},
    {"memfd_create", At(1)},
    {"mknod", At(1, 2)},
    {"mknodat", At(2, 3)},
    {"open", At(1)},
    {"openat", At(2)},
    {"personality", At(0)},
    {"pidfd_send_signal", At(1)},
    {"pipe2", At(1)},
    {"prctl", At(0)},
    {"prlimit64", At(0, 1)},
    {"quotactl", At(0)},
    {"reboot", At(0, 1, 2)},
    {"renameat2", At(4)},
    {"sched_setscheduler", At(1)},
    {"seccomp", At(0, 1)},
    {"setns", At(1)},
    {"setsockopt", At(1, 2)},
    {"socket", At(0, 1, 2)},
    {"socketcall", At(0)},
    {"socketpair", At(0, 1, 2)},
    {"syslog", At(0)},
    {"tgkill", At(0, 1, 2)},
    {"tkill", At(0, 1)},
    {"umount2", At(1)},
    {"unlinkat", At(2)},
    {"userfaultfd", At(0)},
};

constexpr ArgumentsRow kPointers[] = {
    {"access", At(0)},
    {"bind", At(1)},
    {"bpf", At(1)},
    {"chdir", At(0)},
    {"chmod", At(0)},
    {"chown", At(0)},
    {"chroot", At(0)},
    {"clone3", At(0)},
    {"connect", At(1)},
    {"creat", At(0)},
    {"execve", At(0, 1, 2)},
    {"execveat", At(1, 2, 3)},
    {"faccessat", At(1)},
    {"faccessat2", At(1)},
    {"fchmodat", At(1)},
    {"fchownat", At(1)},
    {"lchown", At(0)},
    {"link", At(0, 1)},
    {"linkat", At(1, 3)},
    {"lstat", At(0)},
    {"mkdir", At(0)},
    {"mkdirat", At(1)},
    {"mknod", At(0)},
    {"mknodat", At(1)},
    {"mount", At(0, 1, 2)},
    {"name_to_handle_at", At(1)},
    {"newfstatat", At(1)},
    {"open", At(0)},
    {"open_by_handle_at", At(1)},
    {"openat", At(1)},
    {"openat2", At(1, 2)},
    {"pivot_root", At(0, 1)},
    {"readlink", At(0)},
    {"readlinkat", At(1)},
    {"rename", At(0, 1)},
    {"renameat", At(1, 3)},
    {"renameat2", At(1, 3)},
    {"rmdir", At(0)},
    {"sendmsg", At(1)},
    {"sendto", At(1, 4)},
    {"stat", At(0)},
    {"statx", At(1)},
    {"symlink", At(0, 1)},
    {"symlinkat", At(0, 2)},
    {"truncate", At(0)},
    {"umount2", At(0)},
    {"unlink", At(0)},
    {"unlinkat", At(1)},
    {"write", At(1)},
};

bool Names(std::span<const ArgumentsRow> table, const Rule& rule, const Arg& arg) {
  return std::any_of(table.begin(), table.end(), [&](const ArgumentsRow& row) {
    return row.name == rule.name && (row.indexes & At(arg.index)) != 0;
  });
}

// What the call does when the rule does not hold.
bool PassesOtherwise(const Profile& profile, const Rule& rule) {
  const std::span<const Rule> rules = RulesOf(profile, rule.name);
  return LetsThrough(profile.default_action) ||
         std::any_of(rules.begin(), rules.end(),
                     [](const Rule& other) { return LetsThrough(other.action); });
}

// Whether a value that should be denied is let through once a high bit is set in it.
bool IsEvaded(const Profile& profile, const Rule& rule, const Arg& arg) {
  if (!LetsThrough(rule.action)) {
    const bool misses_high = arg.op == Operator::kEqual || arg.op == Operator::kLess ||
                             arg.op == Operator::kLessOrEqual ||
                             (arg.op == Operator::kMaskedEqual && (arg.value & ~kLow32) != 0);
    return misses_high && PassesOtherwise(profile, rule);
  }
  return !LetsThrough(profile.default_action) &&
         (arg.op == Operator::kNotEqual || arg.op == Operator::kGreater ||
          arg.op == Operator::kGreaterOrEqual);
}

std::string Place(const Rule& rule, const Arg& arg) {
  return "argument " + std::to_string(arg.index) + " of " + rule.name;
}

void LintTruncated(const Profile& profile, const Rule& rule, const Arg& arg,
                   std::vector<Diagnostic>& findings) {
  if (!Names(kTruncated, rule, arg) || !IsEvaded(profile, rule, arg)) return;
  const std::string evaded = "the kernel looks at 32 bits of " + Place(rule, arg) +
                             ", the filter at 64: with a higher bit set, a value that is denied "
                             "here passes; ";
  Report(Code::kTruncatedArgument, rule.pointer,
         evaded + (LetsThrough(rule.action)
                       ? "name the values that are allowed, with SCMP_CMP_EQ"
                       : "use SCMP_CMP_MASKED_EQ with value 0xFFFFFFFF and the value that is "
                         "denied in valueTwo"),
         findings);
}

void LintPointer(const Rule& rule, const Arg& arg, std::vector<Diagnostic>& findings) {
  const bool is_about_null =
      arg.value == 0 && (arg.op == Operator::kEqual || arg.op == Operator::kNotEqual);
  if (is_about_null || !Names(kPointers, rule, arg)) return;
  Report(Code::kPointerArgument, rule.pointer,
         Place(rule, arg) +
             " is an address, and no filter sees what is there; the condition says nothing about "
             "a path or a structure; remove it",
         findings);
}

}  // namespace

void LintArguments(const Profile& profile, std::vector<Diagnostic>& findings) {
  for (const Rule& rule : profile.rules) {
    for (const Arg& arg : rule.args) {
      LintTruncated(profile, rule, arg, findings);
      LintPointer(rule, arg, findings);
    }
  }
}

}  // namespace seccompd::profile
