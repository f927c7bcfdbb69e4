// SPDX-License-Identifier: Apache-2.0
#pragma once
// The decoder's part for `syscalls[]`. Counts against the limits over all elements. Internal.

#include <string>
#include <string_view>
#include <vector>

#include "seccompd/profile/types.h"

#include "profile/fields.h"

namespace seccompd::profile {

// Refuses NOTIFY, warns of TRACE.
void JudgeAction(Action action, std::string pointer, std::vector<Diagnostic>& findings);
// The number beside an action: the default where none is given, 0 where the action has none.
std::uint32_t DecodeErrno(ObjectReader& reader, std::string_view name, Action action);

class RuleDecoder {
 public:
  RuleDecoder(std::vector<Diagnostic>& findings, std::size_t max_elements)
      : findings_(findings), max_elements_(max_elements) {}

  // Appends one rule per name. What is in error is left out, with a finding.
  void DecodeAll(const JsonValue& list, const std::string& pointer, std::vector<Rule>& rules);

 private:
  void DecodeElement(const JsonValue& value, std::string pointer, std::vector<Rule>& rules);
  void AddNames(ObjectReader& reader, const JsonValue& names, const Rule& pattern,
                std::vector<Rule>& rules);
  // False when a condition was in error.
  bool DecodeArgs(const JsonValue& list, const std::string& pointer, std::vector<Arg>& args);

  std::vector<Diagnostic>& findings_;
  std::size_t max_elements_;
  std::size_t expanded_ = 0;
  std::size_t expanded_with_args_ = 0;
};

}  // namespace seccompd::profile
