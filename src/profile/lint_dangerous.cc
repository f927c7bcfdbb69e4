// SPDX-License-Identifier: Apache-2.0
// Calls that are dangerous to allow. Warnings, not errors: what a cluster's ceiling denies is
// Denied by that, and who runs without a ceiling, or grants the capability, means it. Sources:
// Docker's documentation of its default profile, its conditions on capabilities, and the CVEs
// named.
#include <algorithm>
#include <array>
#include <bit>
#include <utility>

#include "profile/lint_rules.h"
#include "profile/value_set.h"

namespace seccompd::profile {
namespace {

using Names = std::span<const std::string_view>;

constexpr std::string_view kMount[] = {"fsconfig",       "fsmount",       "fsopen",     "fspick",
                                       "mount",          "mount_setattr", "move_mount", "open_tree",
                                       "open_tree_attr", "pivot_root",    "umount",     "umount2"};
constexpr std::string_view kNamespaces[] = {"setns", "unshare"};
constexpr std::string_view kModules[] = {"create_module", "delete_module", "finit_module",
                                         "init_module", "query_module"};
constexpr std::string_view kBoot[] = {"kexec_file_load", "kexec_load", "reboot"};
constexpr std::string_view kBpf[] = {"bpf"};
constexpr std::string_view kHandles[] = {"open_by_handle_at"};
constexpr std::string_view kPorts[] = {"ioperm", "iopl"};
constexpr std::string_view kClocks[] = {"clock_settime", "clock_settime64", "settimeofday",
                                        "stime"};
constexpr std::string_view kMachine[] = {"nfsservctl",  "quotactl", "quotactl_fd", "setdomainname",
                                         "sethostname", "swapoff",  "swapon"};
constexpr std::string_view kAccounting[] = {"acct"};
constexpr std::string_view kProcesses[] = {
    "kcmp", "pidfd_getfd", "process_madvise", "process_vm_readv", "process_vm_writev", "ptrace",
};
constexpr std::string_view kKeys[] = {"add_key", "keyctl", "request_key"};
constexpr std::string_view kFaults[] = {"userfaultfd"};
constexpr std::string_view kPerf[] = {"perf_event_open"};
constexpr std::string_view kUring[] = {"io_uring_enter", "io_uring_register", "io_uring_setup"};
constexpr std::string_view kKernelLog[] = {"lookup_dcookie", "syslog"};
constexpr std::string_view kNuma[] = {"mbind", "migrate_pages", "move_pages", "set_mempolicy"};
constexpr std::string_view kOldX86[] = {"modify_ldt", "vm86", "vm86old"};

enum class Gate {
  kNone,       // any process may
  kHost,       // the capability must be held outside of user namespaces
  kNamespace,  // a user namespace, which any process may open on most nodes, gives it as well
};
struct ClassRow {
  Names names;
  std::string_view danger;  // "they ..."
  Gate gate;
  std::string_view capability;  // of which holding means that the class is wanted
};
constexpr std::array<ClassRow, 18> kClasses = {{
    {kMount, "change what is mounted (CVE-2022-0185)", Gate::kNamespace, "CAP_SYS_ADMIN"},
    {kNamespaces,
     "make and enter namespaces, the way into CVE-2022-0185, CVE-2022-25636 and CVE-2023-0386",
     Gate::kNamespace, "CAP_SYS_ADMIN"},
    {kModules, "load code into the kernel", Gate::kHost, "CAP_SYS_MODULE"},
    {kBoot, "restart the machine or replace its kernel", Gate::kHost, "CAP_SYS_BOOT"},
    {kBpf, "load programs into the kernel", Gate::kHost, "CAP_BPF"},
    {kHandles, "open any file of the host by number (the container breakout \"shocker\")",
     Gate::kHost, "CAP_DAC_READ_SEARCH"},
    {kPorts, "reach the hardware's ports", Gate::kHost, "CAP_SYS_RAWIO"},
    {kClocks, "set the clock of the whole machine", Gate::kHost, "CAP_SYS_TIME"},
    {kMachine, "change settings of the machine, such as swap, quotas and its name",
     Gate::kNamespace, "CAP_SYS_ADMIN"},
    {kAccounting, "have the kernel write a file at each process's end", Gate::kHost,
     "CAP_SYS_PACCT"},
    {kProcesses,
     "look into and change other processes of the same user; before Linux 4.8 ptrace also passed "
     "by filters",
     Gate::kNone, "CAP_SYS_PTRACE"},
    {kKeys, "reach the kernel's keys, which containers share", Gate::kNone, ""},
    {kFaults, "hold the kernel at a moment of the program's choice, which makes races exploitable",
     Gate::kNone, ""},
    {kPerf, "watch the kernel and other programs", Gate::kHost, "CAP_PERFMON"},
    {kUring, "carry out other calls, such as openat and connect, past every filter", Gate::kNone,
     ""},
    {kKernelLog, "read the kernel's log and addresses", Gate::kHost, "CAP_SYSLOG"},
    {kNuma, "move memory between the machine's nodes", Gate::kNone, "CAP_SYS_NICE"},
    {kOldX86, "reach old parts of the x86 kernel that hardly anything uses", Gate::kNone, ""},
}};

bool Has(const LintOptions& options, std::string_view capability) {
  return std::find(options.capabilities.begin(), options.capabilities.end(), capability) !=
         options.capabilities.end();
}

// Allowed by a rule of its own, whatever the arguments.
const Rule* FindPlainRule(const Profile& profile, std::string_view name) {
  const std::span<const Rule> rules = RulesOf(profile, name);
  if (rules.empty() || !rules.front().args.empty()) return nullptr;
  return LetsThrough(rules.front().action) ? &rules.front() : nullptr;
}

std::string GateText(const ClassRow& row) {
  const std::string capability(row.capability);
  switch (row.gate) {
    case Gate::kNone:
      return "";
    case Gate::kHost:
      return "; needs " + capability + ", so harmless without it";
    case Gate::kNamespace:
      return "; needs " + capability +
             ", so harmless without it unless the node lets any process open user namespaces";
  }
  return "";
}

void LintClass(const ClassRow& row, const Profile& profile, std::vector<Diagnostic>& findings) {
  std::vector<std::string_view> allowed;
  const Rule* first = nullptr;
  for (const std::string_view name : row.names) {
    const Rule* rule = FindPlainRule(profile, name);
    if (rule == nullptr) continue;
    if (first == nullptr) first = rule;
    allowed.push_back(name);
  }
  if (first == nullptr) return;
  Report(Code::kDangerousSyscall, first->place.Text(),
         ListNames(allowed, row.names.size()) + (allowed.size() == 1 ? " is" : " are") +
             " allowed and can " + std::string(row.danger) + GateText(row) + "; remove " +
             (allowed.size() == 1 ? "it" : "them") + " unless needed",
         findings);
}

// Of a profile that allows by default: once, one call of each class.
void LintClassesByDefault(const Profile& profile, const LintOptions& options,
                          std::vector<Diagnostic>& findings) {
  std::vector<std::string_view> open;
  for (const ClassRow& row : kClasses) {
    if (!row.capability.empty() && Has(options, row.capability)) continue;
    const auto name = std::find_if(row.names.begin(), row.names.end(),
                                   [&](std::string_view n) { return MayRun(profile, n); });
    if (name != row.names.end()) open.push_back(*name);
  }
  if (open.empty()) return;
  Report(Code::kDangerousSyscall, kDefaultPointer,
         "the default lets dangerous calls through, " + ListNames(open) +
             " among them; deny by default, or deny these",
         findings);
}

struct ValueRow {
  Code code;
  std::string_view name;
  std::uint32_t index;
  std::array<std::uint64_t, 2> bad;
  std::string_view what;
};
constexpr std::array<ValueRow, 2> kValues = {{
    {Code::kUnfilteredArgument,
     "socket",
     0,
     {38, 40},
     "socket is allowed for the families AF_ALG (38: the kernel's crypto code, a way to root more "
     "than once) or AF_VSOCK (40: the hypervisor, past every network policy); allow the families "
     "needed, such as 1, 2, 10 and 16, one rule with SCMP_CMP_EQ for each"},
    {Code::kTerminalIoctl,
     "ioctl",
     1,
     {0x5412, 0x541C},
     "ioctl may put input into a terminal that the container was given (TIOCSTI 0x5412, TIOCLINUX "
     "0x541C); fine without a terminal of the host, and where dev.tty.legacy_tiocsti is 0"},
}};

bool Admits(const Rule& rule, const ValueRow& row) {
  if (!LetsThrough(rule.action)) return false;
  return std::any_of(row.bad.begin(), row.bad.end(), [&](std::uint64_t value) {
    return std::all_of(rule.args.begin(), rule.args.end(),
                       [&](const Arg& arg) { return arg.index != row.index || Holds(arg, value); });
  });
}

// Docker's: Linux and 32-bit Linux, each with and without UNAME26, and the question what it is.
constexpr std::array<std::uint64_t, 5> kPersonalities = {0, 8, 0x20000, 0x20008, 0xffffffff};

bool IsKnownPersonality(std::uint64_t value) {
  return std::find(kPersonalities.begin(), kPersonalities.end(), value) != kPersonalities.end();
}

// Whether each value for which the condition holds is one of them. More values than there are of
// them cannot be; the kernel looks at the lower half, so that bounds from below hold for any.
bool AdmitsKnownOnly(const Arg& arg) {
  constexpr std::uint64_t kLow = 0xffffffff;
  switch (arg.op) {
    case Operator::kEqual:
      return IsKnownPersonality(arg.value & kLow);
    case Operator::kLess:
      return arg.value <= 1;
    case Operator::kLessOrEqual:
      return arg.value == 0;
    case Operator::kMaskedEqual: {
      const std::uint64_t open = ~arg.value & kLow;
      if (std::popcount(open) > 2) return false;
      // Every subset of the bits that are not compared.
      for (std::uint64_t bits = open;; bits = (bits - 1) & open) {
        if (!IsKnownPersonality((arg.value_two & kLow) | bits)) return false;
        if (bits == 0) return true;
      }
    }
    case Operator::kNotEqual:
    case Operator::kGreater:
    case Operator::kGreaterOrEqual:
      return false;
  }
  return false;
}

void LintPersonality(const Profile& profile, std::vector<Diagnostic>& findings) {
  for (const Rule& rule : RulesOf(profile, "personality")) {
    if (!LetsThrough(rule.action)) continue;
    const bool is_known = std::any_of(rule.args.begin(), rule.args.end(), [](const Arg& arg) {
      return arg.index == 0 && AdmitsKnownOnly(arg);
    });
    if (is_known) continue;
    return Report(Code::kUnfilteredArgument, rule.place.Text(),
                  "personality is allowed with flags that weaken the program's memory protection "
                  "(such as ADDR_NO_RANDOMIZE, READ_IMPLIES_EXEC) or with old systems' ways; allow "
                  "0, 8, 0x20000, 0x20008 and 0xFFFFFFFF, one rule with SCMP_CMP_EQ for each",
                  findings);
  }
}

void LintValue(const ValueRow& row, const Profile& profile, std::vector<Diagnostic>& findings) {
  for (const Rule& rule : RulesOf(profile, row.name)) {
    if (Admits(rule, row))
      return Report(row.code, rule.place.Text(), std::string(row.what), findings);
  }
}

}  // namespace

void LintDangerous(const Profile& profile, const LintOptions& options,
                   std::vector<Diagnostic>& findings) {
  if (LetsThrough(profile.default_action)) return LintClassesByDefault(profile, options, findings);
  for (const ClassRow& row : kClasses) {
    if (row.capability.empty() || !Has(options, row.capability)) LintClass(row, profile, findings);
  }
  for (const ValueRow& row : kValues) LintValue(row, profile, findings);
  LintPersonality(profile, findings);
}

}  // namespace seccompd::profile
