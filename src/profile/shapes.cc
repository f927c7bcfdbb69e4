// SPDX-License-Identifier: Apache-2.0
#include "profile/shapes.h"

namespace seccompd::profile {

bool IsEquality(const Arg& arg) {
  return arg.op == Operator::kEqual || arg.op == Operator::kMaskedEqual;
}

bool IsLess(const Arg& arg) {
  return arg.op == Operator::kLess || arg.op == Operator::kLessOrEqual;
}

bool IsSafe(std::span<const Rule> rules) {
  if (rules.size() < 2) return true;
  bool all_single = true;
  bool all_equalities = true;
  bool has_less = false;
  bool has_wide = false;
  for (const Rule& rule : rules) {
    all_single = all_single && rule.args.size() <= 1;
    for (const Arg& arg : rule.args) {
      all_equalities = all_equalities && IsEquality(arg);
      has_less = has_less || IsLess(arg);
      has_wide = has_wide || arg.value > 0xffffffffU;
    }
  }
  return all_equalities || (all_single && !(has_less && has_wide));
}

}  // namespace seccompd::profile
