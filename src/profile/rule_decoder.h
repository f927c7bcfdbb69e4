// SPDX-License-Identifier: Apache-2.0
#pragma once
// The decoder's part for `syscalls[]`. Counts against the limits over all elements. Internal.

#include <string>
#include <string_view>
#include <vector>

#include "seccompd/profile/decode.h"

#include "profile/fields.h"

namespace seccompd::profile {

// Refuses NOTIFY, warns of TRACE.
void JudgeAction(Action action, std::string pointer, std::vector<Diagnostic>& findings);

// The two fields that say one number: OCI's, and Docker's by name.
struct ErrnoFields {
  std::string_view number;  // "errnoRet": 38
  std::string_view text;    // "errno": "ENOSYS" (or "38")
};
inline constexpr ErrnoFields kRuleErrno = {"errnoRet", "errno"};
inline constexpr ErrnoFields kDefaultErrnoFields = {"defaultErrnoRet", "defaultErrno"};

// The number given; a finding where the two fields disagree.
std::optional<std::uint32_t> DecodeErrno(ObjectReader& reader, const ErrnoFields& fields);
// The number beside an action: the default where none is given, 0 where the action has none.
std::uint32_t DecodeErrnoOf(ObjectReader& reader, const ErrnoFields& fields, Action action);

class RuleDecoder {
 public:
  RuleDecoder(std::vector<Diagnostic>& findings, std::size_t max_elements)
      : findings_(findings), max_elements_(max_elements) {}

  // Appends one rule per name, and their conditions. What is in error is left out, with a finding.
  void DecodeAll(const JsonValue& list, const std::string& pointer, DecodedProfile& decoded);

 private:
  void DecodeElement(const JsonValue& value, std::string pointer, DecodedProfile& decoded);
  // Of `names` or `name`.
  void AddNames(ObjectReader& reader, const Rule& pattern, std::vector<Rule>& rules);
  void AddName(const JsonValue& name, RulePlace place, const Rule& pattern,
               std::vector<Rule>& rules);
  // False when a condition was in error.
  bool DecodeArgs(const JsonValue& list, const std::string& pointer, std::vector<Arg>& args);

  std::vector<Diagnostic>& findings_;
  std::size_t max_elements_;
  std::size_t expanded_ = 0;
  std::size_t expanded_with_args_ = 0;
};

}  // namespace seccompd::profile
