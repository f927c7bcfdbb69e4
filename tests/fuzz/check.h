// SPDX-License-Identifier: Apache-2.0
#pragma once
// What the fuzz targets share: the bytes as text, and a property that must hold.

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string_view>

namespace seccompd::fuzz {

inline std::string_view TextOf(const std::uint8_t* data, std::size_t size) {
  return {reinterpret_cast<const char*>(data), size};
}

// Aborts, which the fuzzer reports together with the input.
inline void Must(bool holds, std::string_view property, std::string_view detail = "") {
  if (holds) return;
  static_cast<void>(std::fprintf(stderr, "does not hold: %.*s\n%.*s\n",
                                 static_cast<int>(property.size()), property.data(),
                                 static_cast<int>(detail.size()), detail.data()));
  std::abort();
}

}  // namespace seccompd::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);
