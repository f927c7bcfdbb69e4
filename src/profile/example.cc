// SPDX-License-Identifier: Apache-2.0
#include "profile/example.h"

#include "seccompd/profile/meaning.h"

namespace seccompd::profile {

std::string Hex(std::uint64_t value) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text;
  do {
    text.insert(text.begin(), kDigits[value % kDigits.size()]);
    value /= kDigits.size();
  } while (value != 0);
  return "0x" + text;
}

std::string CallName(std::uint32_t number, Architecture architecture) {
  std::string name = SyscallName(number, architecture);
  return name.empty() ? "system call " + Hex(number) : name;
}

std::string CallText(const std::string& name, const std::array<std::uint64_t, kMaxArgs>& args,
                     std::span<const std::uint32_t> indexes) {
  std::string text;
  for (const std::uint32_t index : indexes) {
    text += (text.empty() ? "a" : ", a") + std::to_string(index) + "=" + Hex(args.at(index));
  }
  return text.empty() ? name : name + "(" + text + ")";
}

std::vector<std::uint32_t> AskedArgs(const Words& words, std::uint32_t given) {
  std::vector<std::uint32_t> indexes;
  const std::uint32_t asked = words.known & ~given;
  for (std::uint32_t i = 0; i < kMaxArgs; ++i) {
    if ((asked >> (kFirstArgWord + 2 * i) & 3U) != 0) indexes.push_back(i);
  }
  return indexes;
}

std::uint32_t SetHighWords(Words& words, bool is_big_endian) {
  std::uint32_t given = 0;
  for (std::uint32_t i = 0; i < kMaxArgs; ++i) {
    const std::uint8_t word = ArgWord(i, true, is_big_endian);
    words.Set(word, 0);
    given |= 1U << word;
  }
  return given;
}

}  // namespace seccompd::profile
