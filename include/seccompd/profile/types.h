// SPDX-License-Identifier: Apache-2.0
#pragma once
// A seccomp profile as plain data, in the words of OCI's LinuxSeccomp, one syscall name per rule.
// The tables tie every enumerator to its OCI name; a test compares them with the CRD's enums, so a
// new row needs the schema's too. Values, thread-safe as such; knows nothing of JSON or libseccomp.

#include <compare>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace seccompd::profile {

enum class Action {
  kKillProcess,
  kKillThread,
  kTrap,
  kErrno,
  kTrace,
  kAllow,
  kLog,
  kNotify,  // decoded only to be refused
};

enum class Operator {
  kNotEqual,
  kLess,
  kLessOrEqual,
  kEqual,
  kGreaterOrEqual,
  kGreater,
  kMaskedEqual,  // (argument & value) == value_two
};

enum class Architecture {
  kX86,
  kX8664,
  kX32,
  kArm,
  kAarch64,
  kMips,
  kMips64,
  kMips64N32,
  kMipsel,
  kMipsel64,
  kMipsel64N32,
  kPpc,
  kPpc64,
  kPpc64Le,
  kRiscv64,
  kS390,
  kS390X,
};

struct ActionRow {
  Action value;
  std::string_view name;
};
struct OperatorRow {
  Operator value;
  std::string_view name;
};
// Those that runc 1.1 and crun 1.8 both take. (OCI also names LOONGARCH64, PARISC, M68K, SH, ...:
// runc 1.1 refuses a profile that names one.)
struct ArchitectureRow {
  Architecture value;
  std::string_view name;
  bool is_big_endian;
};

// SCMP_ACT_KILL is the old name of SCMP_ACT_KILL_THREAD: it has a row, behind the one whose name is
// written.
std::span<const ActionRow> ActionTable();
std::span<const OperatorRow> OperatorTable();
std::span<const ArchitectureRow> ArchitectureTable();

std::string_view ActionName(Action action);
std::string_view OperatorName(Operator op);
std::string_view ArchitectureName(Architecture architecture);
std::optional<Action> FindAction(std::string_view name);
std::optional<Operator> FindOperator(std::string_view name);
std::optional<Architecture> FindArchitecture(std::string_view name);
bool IsBigEndian(Architecture architecture);

// 1 to 64 of a-z, 0-9 and _: what a system call's name may look like, known or not.
bool IsNameShaped(std::string_view name);

// The call goes on into the kernel: ALLOW, LOG. (TRACE without a tracer is ENOSYS.)
bool LetsThrough(Action action);
// ERRNO and TRACE carry a number; crun refuses a profile that gives one to another action.
bool HasErrno(Action action);

inline constexpr std::uint32_t kDefaultErrno =
    1;  // EPERM, what the runtimes take where none is given
inline constexpr std::uint32_t kMaxErrno = 4094;  // libseccomp 2.5.4 refuses 4095

struct Arg {
  std::uint32_t index = 0;  // 0 to 5
  Operator op = Operator::kEqual;
  std::uint64_t value = 0;
  std::uint64_t value_two = 0;  // of kMaskedEqual only, else 0; within the mask

  auto operator<=>(const Arg&) const = default;  // NOLINT(modernize-use-nullptr): tidy 14 errs
};

// Where a rule stands, as a JSON pointer: "/profile/syscalls/0/names/3". Hundreds stand in one
// list: they share its text, and write out their own when somebody is told.
class RulePlace {
 public:
  RulePlace() = default;  // nowhere: read from a file
  explicit RulePlace(std::string pointer);
  RulePlace(std::shared_ptr<const std::string> list, std::size_t index);

  bool empty() const { return list_ == nullptr; }
  std::string Text() const;

 private:
  std::shared_ptr<const std::string> list_;
  std::optional<std::uint32_t> index_;
};

// What happens to one syscall when all of `args` hold.
struct Rule {
  std::string name;
  Action action = Action::kErrno;
  std::uint32_t errno_ret = 0;  // of actions with HasErrno only, else 0
  std::vector<Arg> args;        // sorted by index, each index once
  RulePlace place;
  // What ResolveNames (compile.h) found of `name`, so that nobody looks it up again: this machine's
  // own number of it. Says nothing that the name does not.
  std::optional<std::int32_t> number;

  bool SameVerdict(const Rule& other) const {
    return action == other.action && errno_ret == other.errno_ret;
  }
};

// The one order of rules: by name, the unconditional one first, then by conditions.
bool ComesBefore(const Rule& a, const Rule& b);

struct Profile {
  Action default_action = Action::kErrno;
  std::uint32_t default_errno = 0;          // as Rule::errno_ret
  std::vector<Architecture> architectures;  // as listed; the node's own is added by Render
  std::vector<Rule> rules;
};

// Limits of design section 5.
inline constexpr std::size_t kMaxSpecBytes = std::size_t{128} * 1024;
inline constexpr std::size_t kMaxSpecDepth = 8;
inline constexpr std::size_t kMaxSyscallElements = 512;
inline constexpr std::size_t kMaxRules = 1024;
inline constexpr std::size_t kMaxRulesWithArgs = 128;
inline constexpr std::size_t kMaxNameLength = 64;
inline constexpr std::size_t kMaxArchitectures = 4;
inline constexpr std::uint32_t kMaxInstructions =
    4000;  // of the kernel's 4096; the rest is for runc's own stub
inline constexpr std::uint32_t kMaxArgIndex = 5;
inline constexpr std::size_t kMaxArgs = kMaxArgIndex + 1;

}  // namespace seccompd::profile
