// SPDX-License-Identifier: Apache-2.0
// The JSON reader below all decoders. Property: what it reads, written and read again, is the same.
#include "seccompd/profile/json.h"

#include "fuzz/check.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using seccompd::fuzz::Must;
  constexpr std::size_t kDepth = 40;
  const auto first = seccompd::profile::ParseJson(seccompd::fuzz::TextOf(data, size), kDepth);
  if (!first.ok()) return 0;
  static_cast<void>(seccompd::profile::FindDuplicateKeys(*first, 16));
  const std::string text = seccompd::profile::WriteJson(*first);
  const auto second = seccompd::profile::ParseJson(text, kDepth);
  Must(second.ok(), "what is written can be read", text);
  Must(seccompd::profile::WriteJson(*second) == text, "it is written the same again", text);
  return 0;
}
