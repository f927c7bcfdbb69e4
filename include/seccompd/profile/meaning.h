// SPDX-License-Identifier: Apache-2.0
#pragma once
// What a profile is meant to do with a system call, told from its rules and not from a filter: the
// yardstick of validate.h. And what a runtime makes of it, which differs: runc puts a stub of its
// own in front. Numbers come from libseccomp's tables (nothing is compiled): not thread-safe.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "seccompd/profile/simulate.h"
#include "seccompd/profile/types.h"

namespace seccompd::profile {

// AUDIT_ARCH_*, as in CallData; X32's is X86_64's.
std::uint32_t AuditArchitecture(Architecture architecture);
// Of `name` on `architecture`, as a program there calls it (x32: with bit 30). None: it has no such
// call of its own (it may be multiplexed: socketcall, ipc).
std::optional<std::uint32_t> SyscallNumber(std::string_view name, Architecture architecture);
// Empty: libseccomp knows no such call.
std::string SyscallName(std::uint32_t number, Architecture architecture);

enum class Why {
  kRule,                 // the rule of that index
  kDefault,              // no rule matches
  kRuntimeStub,          // runc: newer than every call that the profile names: ENOSYS
  kForeignArchitecture,  // not listed: the thread dies, whatever the default action
  kX32Range,             // x86_64 without X32: a number from 2^30 on
};

struct Decision {
  Verdict verdict;
  Why why = Why::kDefault;
  std::optional<std::size_t> rule;  // index into Profile::rules; of kRule only
  // Another rule matches the same call and says something else: which one wins is the library's
  // whim. Its index.
  std::optional<std::size_t> contradicting_rule;
};

// One rule as it is seen by one architecture. A multiplexed call (socketcall, ipc) has as its first
// argument which call is meant, in place of the rule's own condition on that argument; conditions
// on other arguments remain, though they meet other values there: that is what libseccomp does.
struct BoundRule {
  std::uint32_t number = 0;
  std::size_t rule = 0;   // index into Profile::rules
  std::vector<Arg> args;  // sorted by index
  bool is_multiplexed = false;
};

// A profile's rules by architecture and number: for those who go through all calls rather than ask
// for one (validate.h).
class BoundProfile {
 public:
  // Of a normalized profile with its architectures complete.
  explicit BoundProfile(const Profile& profile);

  struct Section {  // of one architecture token of the profile
    Architecture architecture;
    std::uint32_t audit_architecture;
    bool is_32_bit;
    std::vector<BoundRule> rules;  // by number; of one number in the profile's order

    std::span<const BoundRule> RulesOf(std::uint32_t number) const;
  };
  const std::vector<Section>& sections() const { return sections_; }
  // Null: no section is responsible; `why` says then what the call gets.
  const Section* FindSection(std::uint32_t architecture, std::uint32_t number,
                             Decision& without) const;

 private:
  std::vector<Section> sections_;
};

class Meaning {
 public:
  // As BoundProfile.
  explicit Meaning(Profile profile) : profile_(std::move(profile)), bound_(profile_) {}

  Decision Decide(const CallData& call) const;

  const BoundProfile& bound() const { return bound_; }
  const Profile& profile() const { return profile_; }

 private:
  Profile profile_;
  BoundProfile bound_;
};

enum class Runtime { kRunc, kCrun };
// "runc", "crun".
std::string_view RuntimeName(Runtime runtime);

// What happens to a call in a container of that runtime: its stub, then the filter. The profile
// must have passed Validate: the filter's verdict is told by the profile's meaning.
Decision ExplainCall(const Meaning& meaning, Runtime runtime, const CallData& call);

}  // namespace seccompd::profile
