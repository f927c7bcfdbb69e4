// SPDX-License-Identifier: Apache-2.0
#pragma once
// What happens to a system call under a profile, said in sentences: the verdict, why, and what
// would change it. The verdict is that of the filter that a node would load. Not thread-safe
// (libseccomp compiles it).

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "seccompd/base/result.h"
#include "seccompd/profile/meaning.h"
#include "seccompd/profile/types.h"

namespace seccompd::profile {

struct Question {
  std::string syscall;
  std::map<std::uint32_t, std::uint64_t> args;  // those that are known, by index
  Architecture architecture = Architecture::kX8664;
  Runtime runtime = Runtime::kRunc;
};

struct Outcome {
  Verdict verdict;
  Why why = Why::kDefault;
  std::string phrase;   // "denied: EPERM (Operation not permitted)"
  std::string pointer;  // of what decides: a rule, defaultAction, architectures
};

struct Case {
  std::string condition;  // "a0 == 38"; empty: in all other cases
  Outcome outcome;
};

struct Explanation {
  std::uint32_t number = 0;
  std::string sentence;            // "mkdir is denied: EPERM (Operation not permitted)"
  std::string why;                 // one sentence
  std::string change;              // one sentence; empty: there is nothing to say
  std::string note;                // how the file says it, where not as the profile does
  std::optional<Outcome> outcome;  // none: it depends on arguments
  std::vector<Case> cases;         // then; tried in no order, the last is "otherwise"
};

// kNotFound: there is no such call on that architecture; the message says so.
Result<Explanation> Explain(const Meaning& meaning, const Question& question);

// "allowed", "denied: ENOSYS (Function not implemented)", "fatal: the
// process is killed". Reads on after "mkdir is ".
std::string VerdictPhrase(const Verdict& verdict);

// Every call that Linux has on that architecture, in the order of their names.
struct TableRow {
  std::string syscall;
  std::uint32_t number = 0;
  std::optional<Verdict> verdict;  // none: it depends on arguments
};
std::vector<TableRow> ExplainAll(const Meaning& meaning, Architecture architecture,
                                 Runtime runtime);

}  // namespace seccompd::profile
