// SPDX-License-Identifier: Apache-2.0
#include "kube/version.h"

#include <algorithm>

namespace seccompd::kube {
namespace {

bool IsDecimal(std::string_view text) {
  return !text.empty() &&
         std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

std::string_view WithoutZeros(std::string_view text) {
  while (text.size() > 1 && text.front() == '0') text.remove_prefix(1);
  return text;
}

}  // namespace

bool IsOlderVersion(std::string_view a, std::string_view b) {
  if (!IsDecimal(a) || !IsDecimal(b)) return false;
  a = WithoutZeros(a);
  b = WithoutZeros(b);
  return a.size() != b.size() ? a.size() < b.size() : a < b;
}

}  // namespace seccompd::kube
