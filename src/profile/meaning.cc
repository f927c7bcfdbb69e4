// SPDX-License-Identifier: Apache-2.0
#include "seccompd/profile/meaning.h"

#include <seccomp.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <memory>
#include <utility>

#include "profile/decision.h"
#include "profile/judge.h"
#include "profile/tokens.h"

namespace seccompd::profile {
namespace {

constexpr std::uint32_t kX32Bit = 0x40000000;
constexpr std::uint32_t kNoNumber = ~0U;  // -1, what a tracer writes to skip a call

// libseccomp's pseudo numbers: -100 to -199 are calls of socketcall, -200 to -299 of ipc, the rest
// is which one; others exist on other architectures only.
struct Multiplexer {
  const char* name;
  int highest;
  int lowest;
};
constexpr std::array<Multiplexer, 2> kMultiplexers = {{
    {"socketcall", -100, -199},
    {"ipc", -200, -299},
}};
constexpr int kCallsPerMultiplexer = 100;

// Where MIPS begins to count: 4000, 5000, 6000.
constexpr int kNumberSpace = 1000;
constexpr int kHighestNumber = 600;

int Resolve(const std::string& name, Architecture architecture) {
  return seccomp_syscall_resolve_name_arch(TokenOf(architecture), name.c_str());
}

// Finds what the calls of one architecture are made of; the table of those that are multiplexed and
// yet have a number of their own is made when the first is asked for.
class Binder {
 public:
  explicit Binder(Architecture architecture) : architecture_(architecture) {}

  struct Target {
    std::uint32_t number = 0;
    std::optional<std::uint32_t> which;  // the first argument of the multiplexing call
  };
  // Where libseccomp puts a rule for `name`; nowhere when the architecture has no such call.
  std::vector<Target> Targets(const std::string& name) {
    const int number = Resolve(name, architecture_);
    if (number == __NR_SCMP_ERROR) return {};
    std::vector<Target> targets;
    for (const Multiplexer& multiplexer : kMultiplexers) {
      if (number > multiplexer.highest || number < multiplexer.lowest) continue;
      const int through = Resolve(multiplexer.name, architecture_);
      if (through < 0) continue;
      targets.push_back({static_cast<std::uint32_t>(through),
                         static_cast<std::uint32_t>(-number % kCallsPerMultiplexer)});
    }
    const int own = targets.empty() ? number : OwnNumber(name);
    if (own >= 0) targets.push_back({static_cast<std::uint32_t>(own), std::nullopt});
    return targets;
  }

 private:
  // -1: none.
  int OwnNumber(const std::string& name) {
    if (own_.empty()) FillOwn();
    const auto found = own_.find(name);
    return found == own_.end() ? -1 : found->second;
  }

  void FillOwn() {
    const int base = Resolve("read", architecture_) / kNumberSpace * kNumberSpace;
    for (int number = base; number < base + kHighestNumber; ++number) {
      std::string name = SyscallName(static_cast<std::uint32_t>(number), architecture_);
      if (!name.empty()) own_.emplace(std::move(name), number);
    }
  }

  Architecture architecture_;
  std::map<std::string, int> own_;
};

// On 32 bits, libseccomp compares with a constant's lower half. That is what is meant where the
// upper one is the sign of a negative number; elsewhere the two differ, and Validate tells.
Arg Narrow(Arg arg) {
  constexpr std::uint64_t kSign = 0xffffffff00000000;
  const bool is_equality = arg.op == Operator::kEqual || arg.op == Operator::kNotEqual;
  if (is_equality && (arg.value & kSign) == kSign) arg.value &= ~kSign;
  return arg;
}

std::vector<Arg> Bind(const Rule& rule, const Binder::Target& target, bool is_32_bit) {
  std::vector<Arg> args = rule.args;
  if (target.which.has_value()) {
    std::erase_if(args, [](const Arg& arg) { return arg.index == 0; });
    args.insert(args.begin(), Arg{0, Operator::kEqual, *target.which, 0});
  }
  if (is_32_bit) std::transform(args.begin(), args.end(), args.begin(), Narrow);
  return args;
}

// As in Normalize, but across names: an unconditional rule absorbs all others of its number.
void Absorb(std::vector<BoundRule>& rules) {
  if (rules.size() < 2) return;
  const auto plain = std::find_if(rules.begin(), rules.end(),
                                  [](const BoundRule& rule) { return rule.args.empty(); });
  if (plain != rules.end()) rules = {*plain};
}

Meaning::Section SectionOf(const Profile& profile, Architecture architecture) {
  const TokenRow& row = TokenRowOf(architecture);
  Meaning::Section section{architecture, row.audit, row.is_32_bit, {}};
  Binder binder(architecture);
  for (std::size_t i = 0; i < profile.rules.size(); ++i) {
    for (const Binder::Target& target : binder.Targets(profile.rules[i].name)) {
      section.rules[target.number].push_back(
          {i, Bind(profile.rules[i], target, row.is_32_bit), target.which.has_value()});
    }
  }
  for (auto& [number, rules] : section.rules) Absorb(rules);
  return section;
}

Decision Killed(Why why) { return {{Action::kKillThread, 0}, why, {}, {}}; }

// The largest number that runc finds named for an architecture; none: it writes no stub for it.
std::optional<std::uint32_t> LargestNamed(const Profile& profile, Architecture architecture) {
  int largest = 0;
  for (const Rule& rule : profile.rules) {
    largest = std::max(largest, Resolve(rule.name, architecture));
  }
  if (largest == 0) return std::nullopt;
  return static_cast<std::uint32_t>(largest);
}

// runc, libcontainer/seccomp/patchbpf/enosys_linux.go: generateEnosysStub.
bool IsInStub(const Profile& profile, const CallData& call) {
  const Action action = profile.default_action;
  if (LetsThrough(action) || action == Action::kTrace) return false;
  for (const Architecture architecture : profile.architectures) {
    if (AuditArchitecture(architecture) != call.architecture) continue;
    const bool has_x32_bit = (call.number & kX32Bit) != 0;
    if (architecture == Architecture::kX8664 && has_x32_bit) continue;
    if (architecture == Architecture::kX32 && !has_x32_bit) continue;
    const std::optional<std::uint32_t> largest = LargestNamed(profile, architecture);
    if (!largest.has_value()) return false;
    // There, 0 is how calls arrive that the kernel does not know.
    const bool is_s390 =
        architecture == Architecture::kS390 || architecture == Architecture::kS390X;
    return call.number > *largest || (is_s390 && call.number == 0);
  }
  return false;
}

}  // namespace

std::uint32_t AuditArchitecture(Architecture architecture) {
  return TokenRowOf(architecture).audit;
}

std::optional<std::uint32_t> SyscallNumber(std::string_view name, Architecture architecture) {
  const std::vector<Binder::Target> targets = Binder(architecture).Targets(std::string(name));
  if (targets.empty() || targets.back().which.has_value()) return std::nullopt;
  return targets.back().number;
}

std::string SyscallName(std::uint32_t number, Architecture architecture) {
  const std::unique_ptr<char, decltype(&std::free)> name(
      seccomp_syscall_resolve_num_arch(TokenOf(architecture), static_cast<int>(number)),
      &std::free);
  return name == nullptr ? std::string() : std::string(name.get());
}

Meaning::Meaning(const Profile& profile) : profile_(profile) {
  for (const Architecture architecture : profile_.architectures) {
    sections_.push_back(SectionOf(profile_, architecture));
  }
}

const Meaning::Section* Meaning::FindSection(std::uint32_t architecture, std::uint32_t number,
                                             Decision& without) const {
  without = Killed(Why::kForeignArchitecture);
  const Section* other_range = nullptr;
  for (const Section& section : sections_) {
    if (section.audit_architecture != architecture) continue;
    const bool is_x32_range = number >= kX32Bit;
    if (section.architecture == Architecture::kX8664 && is_x32_range) {
      without = Killed(Why::kX32Range);
      if (number == kNoNumber) other_range = &section;
      continue;
    }
    if (section.architecture == Architecture::kX32 && !is_x32_range) continue;
    return &section;
  }
  return other_range;
}

Decision Meaning::Decide(const CallData& call) const {
  Decision decision;
  const Section* const section = FindSection(call.architecture, call.number, decision);
  if (section == nullptr) return decision;
  decision = {DefaultVerdict(profile_), Why::kDefault, {}, {}};
  const auto rules = section->rules.find(call.number);
  if (rules == section->rules.end()) return decision;
  Words words;
  for (std::uint32_t i = 0; i < kMaxArgs; ++i) {
    const std::uint64_t value = call.args.at(i);
    words.Set(ArgWord(i, false, false), static_cast<std::uint32_t>(value));
    words.Set(ArgWord(i, true, false),
              section->is_32_bit ? 0 : static_cast<std::uint32_t>(value >> 32));
  }
  const Judgement judgement = Judge(profile_, rules->second, words, false);
  if (!judgement.rule.has_value()) return decision;
  return {VerdictOfRule(profile_.rules[*judgement.rule]), Why::kRule, judgement.rule,
          judgement.contradicting_rule};
}

std::string_view RuntimeName(Runtime runtime) {
  switch (runtime) {
    case Runtime::kRunc:
      return "runc";
    case Runtime::kCrun:
      return "crun";
  }
  return "";
}

Decision ExplainCall(const Meaning& meaning, Runtime runtime, const CallData& call) {
  if (runtime == Runtime::kRunc && IsInStub(meaning.profile(), call)) {
    return {{Action::kErrno, ENOSYS}, Why::kRuntimeStub, {}, {}};
  }
  return meaning.Decide(call);
}

}  // namespace seccompd::profile
