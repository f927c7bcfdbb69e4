// SPDX-License-Identifier: Apache-2.0
#include "seccompd/profile/types.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <tuple>
#include <utility>

#include "seccompd/profile/text.h"

namespace seccompd::profile {
namespace {

constexpr std::array<ActionRow, 9> kActions = {{
    {Action::kKillProcess, "SCMP_ACT_KILL_PROCESS"},
    {Action::kKillThread, "SCMP_ACT_KILL_THREAD"},
    {Action::kKillThread, "SCMP_ACT_KILL"},
    {Action::kTrap, "SCMP_ACT_TRAP"},
    {Action::kErrno, "SCMP_ACT_ERRNO"},
    {Action::kTrace, "SCMP_ACT_TRACE"},
    {Action::kAllow, "SCMP_ACT_ALLOW"},
    {Action::kLog, "SCMP_ACT_LOG"},
    {Action::kNotify, "SCMP_ACT_NOTIFY"},
}};

constexpr std::array<OperatorRow, 7> kOperators = {{
    {Operator::kNotEqual, "SCMP_CMP_NE"},
    {Operator::kLess, "SCMP_CMP_LT"},
    {Operator::kLessOrEqual, "SCMP_CMP_LE"},
    {Operator::kEqual, "SCMP_CMP_EQ"},
    {Operator::kGreaterOrEqual, "SCMP_CMP_GE"},
    {Operator::kGreater, "SCMP_CMP_GT"},
    {Operator::kMaskedEqual, "SCMP_CMP_MASKED_EQ"},
}};

constexpr std::array<ArchitectureRow, 17> kArchitectures = {{
    {Architecture::kX86, "SCMP_ARCH_X86", false},
    {Architecture::kX8664, "SCMP_ARCH_X86_64", false},
    {Architecture::kX32, "SCMP_ARCH_X32", false},
    {Architecture::kArm, "SCMP_ARCH_ARM", false},
    {Architecture::kAarch64, "SCMP_ARCH_AARCH64", false},
    {Architecture::kMips, "SCMP_ARCH_MIPS", true},
    {Architecture::kMips64, "SCMP_ARCH_MIPS64", true},
    {Architecture::kMips64N32, "SCMP_ARCH_MIPS64N32", true},
    {Architecture::kMipsel, "SCMP_ARCH_MIPSEL", false},
    {Architecture::kMipsel64, "SCMP_ARCH_MIPSEL64", false},
    {Architecture::kMipsel64N32, "SCMP_ARCH_MIPSEL64N32", false},
    {Architecture::kPpc, "SCMP_ARCH_PPC", true},
    {Architecture::kPpc64, "SCMP_ARCH_PPC64", true},
    {Architecture::kPpc64Le, "SCMP_ARCH_PPC64LE", false},
    {Architecture::kRiscv64, "SCMP_ARCH_RISCV64", false},
    {Architecture::kS390, "SCMP_ARCH_S390", true},
    {Architecture::kS390X, "SCMP_ARCH_S390X", true},
}};

template <class Table, class Value>
const auto& RowOf(const Table& table, Value value) {
  for (const auto& row : table) {
    if (row.value == value) return row;
  }
  std::abort();  // an enumerator without a row: a bug that the first test finds
}

template <class Value, class Table>
std::optional<Value> FindIn(const Table& table, std::string_view name) {
  for (const auto& row : table) {
    if (row.name == name) return row.value;
  }
  return std::nullopt;
}

}  // namespace

std::span<const ActionRow> ActionTable() { return kActions; }
std::span<const OperatorRow> OperatorTable() { return kOperators; }
std::span<const ArchitectureRow> ArchitectureTable() { return kArchitectures; }

std::string_view ActionName(Action action) { return RowOf(kActions, action).name; }
std::string_view OperatorName(Operator op) { return RowOf(kOperators, op).name; }
std::string_view ArchitectureName(Architecture architecture) {
  return RowOf(kArchitectures, architecture).name;
}

std::optional<Action> FindAction(std::string_view name) { return FindIn<Action>(kActions, name); }
std::optional<Operator> FindOperator(std::string_view name) {
  return FindIn<Operator>(kOperators, name);
}
std::optional<Architecture> FindArchitecture(std::string_view name) {
  return FindIn<Architecture>(kArchitectures, name);
}

bool IsBigEndian(Architecture architecture) {
  return RowOf(kArchitectures, architecture).is_big_endian;
}

RulePlace::RulePlace(std::string pointer)
    : list_(std::make_shared<const std::string>(std::move(pointer))) {}

RulePlace::RulePlace(std::shared_ptr<const std::string> list, std::size_t index)
    : list_(std::move(list)), index_(static_cast<std::uint32_t>(index)) {}

std::string RulePlace::Text() const {
  if (list_ == nullptr) return "";
  return index_.has_value() ? Join(*list_, *index_) : *list_;
}

bool ComesBefore(const Rule& a, const Rule& b) {
  return std::tie(a.name, a.args, a.action, a.errno_ret) <
         std::tie(b.name, b.args, b.action, b.errno_ret);
}

bool IsNameShaped(std::string_view name) {
  return !name.empty() && name.size() <= kMaxNameLength &&
         std::all_of(name.begin(), name.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
         });
}

bool LetsThrough(Action action) { return action == Action::kAllow || action == Action::kLog; }

bool HasErrno(Action action) { return action == Action::kErrno || action == Action::kTrace; }

}  // namespace seccompd::profile
