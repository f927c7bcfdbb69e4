// SPDX-License-Identifier: Apache-2.0
#pragma once
// What is wrong, or worth knowing, about a profile: data for a person, never an Error. A profile
// with any finding of severity kError is not written. Pure data, header only.

#include <string>
#include <string_view>
#include <vector>

namespace seccompd::profile {

enum class Severity { kInfo, kWarning, kError };

struct Diagnostic {
  Severity severity = Severity::kError;
  std::string code;  // stable, CamelCase: "UnknownSyscall"; the table is in profile/codes.h
  std::string
      pointer;  // JSON pointer into .spec: "/profile/syscalls/0/names/3"; empty: the whole spec
  std::string message;  // one sentence: what is wrong and what to do; cleaned (UTF-8, no control
                        // characters)

  bool operator==(const Diagnostic&) const = default;
};

inline bool HasError(const std::vector<Diagnostic>& findings) {
  for (const Diagnostic& finding : findings) {
    if (finding.severity == Severity::kError) return true;
  }
  return false;
}

inline std::string_view SeverityName(Severity severity) {
  switch (severity) {
    case Severity::kInfo:
      return "info";
    case Severity::kWarning:
      return "warning";
    case Severity::kError:
      return "error";
  }
  return "error";
}

}  // namespace seccompd::profile
