// SPDX-License-Identifier: Apache-2.0
#include "seccompd/profile/compile.h"

#include <linux/filter.h>
#include <seccomp.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cassert>
#include <cerrno>
#include <memory>
#include <span>
#include <utility>

#include "seccompd/base/unique_fd.h"
#include "seccompd/profile/codes.h"

#include "profile/tokens.h"

namespace seccompd::profile {
namespace {

// The API level of libseccomp 2.5 (LOG, KILL_PROCESS and NOTIFY known): set, not probed, so that
// neither the kernel here nor our own sandbox changes the result.
constexpr unsigned int kApiLevel = 6;

// runc from 1.2 on asks for a binary tree where a profile has more rules than this; crun never.
constexpr std::size_t kMaxRulesWithoutTree = 32;
constexpr std::uint32_t kOptimizeTree = 2;

std::uint32_t ActionOf(Action action, std::uint32_t errno_ret) {
  switch (action) {
    case Action::kKillProcess:
      return SCMP_ACT_KILL_PROCESS;
    case Action::kKillThread:
      return SCMP_ACT_KILL_THREAD;
    case Action::kTrap:
      return SCMP_ACT_TRAP;
    case Action::kErrno:
      return SCMP_ACT_ERRNO(errno_ret);
    case Action::kTrace:
      return SCMP_ACT_TRACE(errno_ret);
    case Action::kAllow:
      return SCMP_ACT_ALLOW;
    case Action::kLog:
      return SCMP_ACT_LOG;
    case Action::kNotify:
      return SCMP_ACT_NOTIFY;
  }
  std::abort();
}

scmp_compare OperatorOf(Operator op) {
  switch (op) {
    case Operator::kNotEqual:
      return SCMP_CMP_NE;
    case Operator::kLess:
      return SCMP_CMP_LT;
    case Operator::kLessOrEqual:
      return SCMP_CMP_LE;
    case Operator::kEqual:
      return SCMP_CMP_EQ;
    case Operator::kGreaterOrEqual:
      return SCMP_CMP_GE;
    case Operator::kGreater:
      return SCMP_CMP_GT;
    case Operator::kMaskedEqual:
      return SCMP_CMP_MASKED_EQ;
  }
  std::abort();
}

struct FreeContext {
  void operator()(void* context) const { seccomp_release(context); }
};
using Context = std::unique_ptr<void, FreeContext>;

Diagnostic Failed(std::string pointer, std::string_view step, int result) {
  return MakeFinding(
      Code::kCompileFailed, std::move(pointer),
      "libseccomp " + LibseccompVersion() + ": " + ErrnoError(-result, step).message);
}

// seccomp_init has this machine's own architecture in already. For another node's it goes out
// first: a filter holds one byte order only.
int AddArchitectures(scmp_filter_ctx context, const Profile& profile) {
  if (!HasOurs(profile.architectures)) {
    const int result = seccomp_arch_remove(context, SCMP_ARCH_NATIVE);
    if (result != 0) return result;
  }
  for (const Architecture architecture : profile.architectures) {
    const int result = seccomp_arch_add(context, TokenOf(architecture));
    if (result != 0 && result != -EEXIST) return result;
  }
  return 0;
}

int AddRule(scmp_filter_ctx context, const Rule& rule, int number) {
  std::array<scmp_arg_cmp, kMaxArgs> args{};
  std::size_t count = 0;
  for (const Arg& arg : rule.args) {
    args.at(count++) = {arg.index, OperatorOf(arg.op), arg.value, arg.value_two};
  }
  return seccomp_rule_add_array(context, ActionOf(rule.action, rule.errno_ret), number,
                                static_cast<unsigned int>(count), args.data());
}

// Not every profile that comes here went through ResolveNames.
int NumberOf(const Rule& rule) {
  if (!rule.number.has_value()) return seccomp_syscall_resolve_name(rule.name.c_str());
  assert(*rule.number == seccomp_syscall_resolve_name(rule.name.c_str()));
  return *rule.number;
}

struct NumberedRule {
  std::uint32_t number;  // as libseccomp sorts them: those that this machine does not have are last
  const Rule* rule;
};

// The highest number first: libseccomp keeps its calls in a list sorted by number and searches it
// from the lowest on, which in the file's order costs half as much again. The filter is the same
// (a test compares the bytes): one call's rules keep their order.
std::vector<NumberedRule> InCheapestOrder(const Profile& profile) {
  std::vector<NumberedRule> rules;
  rules.reserve(profile.rules.size());
  for (const Rule& rule : profile.rules) {
    rules.push_back({static_cast<std::uint32_t>(NumberOf(rule)), &rule});
  }
  std::stable_sort(rules.begin(), rules.end(), [](const NumberedRule& a, const NumberedRule& b) {
    return a.number > b.number;
  });
  return rules;
}

// Names that no architecture of the profile has (a Docker profile has dozens): libseccomp takes
// their rules and makes nothing of them. The only rule of one, without conditions, cannot even
// fail.
bool IsWithoutTrace(std::span<const NumberedRule> of_one_call,
                    const std::vector<Architecture>& architectures) {
  const Rule& rule = *of_one_call.front().rule;
  return of_one_call.size() == 1 && static_cast<int>(of_one_call.front().number) < 0 &&
         rule.args.empty() && !IsCallOfAny(architectures, rule.name);
}

// Without those: a sixth of a Docker profile's for one architecture, and what libseccomp takes for
// a rule grows with those before it.
std::vector<NumberedRule> WithTrace(const std::vector<NumberedRule>& rules,
                                    const std::vector<Architecture>& architectures) {
  std::vector<NumberedRule> kept;
  kept.reserve(rules.size());
  for (std::size_t i = 0, end = 0; i < rules.size(); i = end) {
    while (end < rules.size() && rules[end].number == rules[i].number) ++end;
    const std::span of_one_call(&rules[i], end - i);
    if (IsWithoutTrace(of_one_call, architectures)) continue;
    kept.insert(kept.end(), of_one_call.begin(), of_one_call.end());
  }
  return kept;
}

bool AddRules(scmp_filter_ctx context, const Profile& profile, std::vector<Diagnostic>& findings) {
  bool is_good = true;
  for (const auto& [number, rule] : WithTrace(InCheapestOrder(profile), profile.architectures)) {
    const int result = AddRule(context, *rule, static_cast<int>(number));
    if (result == 0) continue;
    is_good = false;
    if (result != -EEXIST) {
      findings.push_back(Failed(rule->place.Text(), "the rule for " + rule->name, result));
      if (result == -ENOMEM) return false;
      continue;
    }
    findings.push_back(MakeFinding(
        Code::kConflictingRules, rule->place.Text(),
        "the rule for " + rule->name +
            " and another one say different things about the same calls (on 32-bit x86, calls "
            "like socket are also calls of socketcall); keep the one you mean"));
  }
  return is_good;
}

Result<std::optional<Filter>> Export(scmp_filter_ctx context, bool is_big_endian, ExportFile& file,
                                     std::vector<Diagnostic>& findings) {
  const std::optional<Filter> none;
  const Result<int> fd = file.Begin();
  if (!fd.ok()) return fd.error();
  const int result = seccomp_export_bpf(context, *fd);
  if (result != 0) {
    findings.push_back(Failed("", "the filter", result));
    return none;
  }
  Result<std::string> program = file.ReadWritten();
  if (!program.ok()) return program.error();
  const auto instructions = static_cast<std::uint32_t>(program->size() / sizeof(sock_filter));
  if (instructions > kMaxInstructions) {
    findings.push_back(MakeFinding(Code::kTooManyInstructions, "/profile",
                                   "the filter has " + std::to_string(instructions) +
                                       " instructions; at most " +
                                       std::to_string(kMaxInstructions) +
                                       " can be loaded; use fewer architectures or fewer args"));
    return none;
  }
  return std::optional<Filter>(Filter{*std::move(program), instructions, is_big_endian});
}

}  // namespace

std::string LibseccompVersion() {
  const scmp_version* version = seccomp_version();
  return std::to_string(version->major) + "." + std::to_string(version->minor) + "." +
         std::to_string(version->micro);
}

bool HasTree(const Profile& profile) { return profile.rules.size() > kMaxRulesWithoutTree; }

Result<int> ExportFile::Begin() {
  if (!memfd_.is_open()) memfd_.Reset(::memfd_create("filter", MFD_CLOEXEC));
  if (!memfd_.is_open()) return ErrnoError(errno, "memfd_create");
  if (::lseek(memfd_.get(), 0, SEEK_SET) != 0) return ErrnoError(errno, "memfd");
  return memfd_.get();
}

Result<std::string> ExportFile::ReadWritten() const {
  const off_t size = ::lseek(memfd_.get(), 0, SEEK_CUR);
  if (size < 0) return ErrnoError(errno, "memfd");
  std::string bytes(static_cast<std::size_t>(size), '\0');
  const ssize_t count = ::pread(memfd_.get(), bytes.data(), bytes.size(), 0);
  if (count != size) return ErrnoError(count < 0 ? errno : EIO, "memfd");
  return bytes;
}

Result<std::optional<Filters>> Compile(const Profile& profile, std::vector<Diagnostic>& findings,
                                       Trees trees, ExportFile* file) {
  const std::optional<Filters> none;
  ExportFile own;
  ExportFile& written = file != nullptr ? *file : own;
  seccomp_api_set(kApiLevel);
  const Context context(seccomp_init(ActionOf(profile.default_action, profile.default_errno)));
  if (context == nullptr) {
    findings.push_back(Failed("/profile/defaultAction", "the default action", -ENOMEM));
    return none;
  }
  int result = AddArchitectures(context.get(), profile);
  if (result != 0) {
    findings.push_back(Failed("/profile/architectures", "the architectures", result));
    return none;
  }
  result =
      seccomp_attr_set(context.get(), SCMP_FLTATR_CTL_NNP, 0);  // as runc; not part of the filter
  if (result != 0) {
    findings.push_back(Failed("", "an attribute", result));
    return none;
  }
  if (!AddRules(context.get(), profile, findings)) return none;
  const bool is_big_endian = IsBigEndian(profile.architectures.front());
  Result<std::optional<Filter>> first = Export(context.get(), is_big_endian, written, findings);
  if (!first.ok()) return first.error();
  if (!first->has_value()) return none;
  Filters filters{**std::move(first), std::nullopt};
  if (trees == Trees::kNo || !HasTree(profile)) {
    return std::optional<Filters>(filters);
  }

  // The same context once more: only the export heeds this attribute.
  result = seccomp_attr_set(context.get(), SCMP_FLTATR_CTL_OPTIMIZE, kOptimizeTree);
  if (result != 0) {
    findings.push_back(Failed("", "an attribute", result));
    return none;
  }
  Result<std::optional<Filter>> tree = Export(context.get(), is_big_endian, written, findings);
  if (!tree.ok()) return tree.error();
  if (!tree->has_value()) return none;
  filters.by_tree = **std::move(tree);
  return std::optional<Filters>(std::move(filters));
}

}  // namespace seccompd::profile
