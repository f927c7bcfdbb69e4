// SPDX-License-Identifier: Apache-2.0
#include "seccompd/profile/meaning.h"

#include <seccomp.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <map>
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
  // Where libseccomp puts a rule for `name`; nowhere when the architecture has no such call. At
  // most one multiplexing call, and behind it the call's own number. `targets` is emptied first.
  void Find(const std::string& name, std::vector<Target>& targets) {
    targets.clear();
    const int number = Resolve(name, architecture_);
    if (number == __NR_SCMP_ERROR) return;
    if (number >= 0) {
      targets.push_back({static_cast<std::uint32_t>(number), std::nullopt});
      return;
    }
    for (const Multiplexer& multiplexer : kMultiplexers) {
      if (number > multiplexer.highest || number < multiplexer.lowest) continue;
      const int through = Resolve(multiplexer.name, architecture_);
      if (through < 0) continue;
      targets.push_back({static_cast<std::uint32_t>(through),
                         static_cast<std::uint32_t>(-number % kCallsPerMultiplexer)});
    }
    const int own = targets.empty() ? -1 : OwnNumber(name);
    if (own >= 0) targets.push_back({static_cast<std::uint32_t>(own), std::nullopt});
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

// A rule and where it goes, before its conditions are bound.
struct Place {
  std::uint32_t rule;
  Binder::Target target;
};

std::vector<Place> PlacesOf(const Profile& profile, Architecture architecture) {
  std::vector<Place> places;
  places.reserve(profile.rules.size());
  Binder binder(architecture);
  std::vector<Binder::Target> targets;
  for (std::size_t i = 0; i < profile.rules.size(); ++i) {
    binder.Find(profile.rules[i].name, targets);
    for (const Binder::Target& target : targets) {
      places.push_back({static_cast<std::uint32_t>(i), target});
    }
  }
  std::stable_sort(places.begin(), places.end(), [](const Place& a, const Place& b) {
    return a.target.number < b.target.number;
  });
  return places;
}

BoundProfile::Section SectionOf(const Profile& profile, Architecture architecture) {
  const TokenRow& row = TokenRowOf(architecture);
  BoundProfile::Section section{architecture, row.audit, row.is_32_bit, {}};
  const std::vector<Place> places = PlacesOf(profile, architecture);
  section.rules.reserve(places.size());
  const auto is_plain = [&](const Place& place) {
    return !place.target.which.has_value() && profile.rules[place.rule].args.empty();
  };
  for (auto begin = places.begin(); begin != places.end();) {
    auto end = begin;
    while (end != places.end() && end->target.number == begin->target.number) ++end;
    // As in Normalize, but across names: an unconditional rule absorbs all others of its number.
    const auto plain = std::find_if(begin, end, is_plain);
    for (auto place = plain == end ? begin : plain; place != end; ++place) {
      section.rules.push_back({place->target.number, place->rule,
                               Bind(profile.rules[place->rule], place->target, row.is_32_bit),
                               place->target.which.has_value()});
      if (plain != end) break;
    }
    begin = end;
  }
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
  std::vector<Binder::Target> targets;
  Binder(architecture).Find(std::string(name), targets);
  if (targets.empty() || targets.back().which.has_value()) return std::nullopt;
  return targets.back().number;
}

std::string SyscallName(std::uint32_t number, Architecture architecture) {
  const std::unique_ptr<char, decltype(&std::free)> name(
      seccomp_syscall_resolve_num_arch(TokenOf(architecture), static_cast<int>(number)),
      &std::free);
  return name == nullptr ? std::string() : std::string(name.get());
}

BoundProfile::BoundProfile(const Profile& profile) {
  for (const Architecture architecture : profile.architectures) {
    sections_.push_back(SectionOf(profile, architecture));
  }
}

std::span<const BoundRule> BoundProfile::Section::RulesOf(std::uint32_t number) const {
  const auto begin = std::lower_bound(
      rules.begin(), rules.end(), number,
      [](const BoundRule& rule, std::uint32_t wanted) { return rule.number < wanted; });
  auto end = begin;
  while (end != rules.end() && end->number == number) ++end;
  return {begin, end};
}

const BoundProfile::Section* BoundProfile::FindSection(std::uint32_t architecture,
                                                       std::uint32_t number,
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
  const BoundProfile::Section* const section =
      bound_.FindSection(call.architecture, call.number, decision);
  if (section == nullptr) return decision;
  decision = {DefaultVerdict(profile_), Why::kDefault, {}, {}};
  const std::span<const BoundRule> rules = section->RulesOf(call.number);
  if (rules.empty()) return decision;
  Words words;
  for (std::uint32_t i = 0; i < kMaxArgs; ++i) {
    const std::uint64_t value = call.args.at(i);
    words.Set(ArgWord(i, false, false), static_cast<std::uint32_t>(value));
    words.Set(ArgWord(i, true, false),
              section->is_32_bit ? 0 : static_cast<std::uint32_t>(value >> 32));
  }
  const Judgement judgement = Judge(profile_, rules, words, false);
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
