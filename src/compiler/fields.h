// SPDX-License-Identifier: Apache-2.0
#pragma once
// The fields that the protocol's messages are made of: numbers of fixed width, strings behind a
// 32-bit length. Internal to protocol.cc.

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

namespace seccompd::compiler {

class Writer {
 public:
  template <class Number>
  void Put(Number number) {
    static_assert(std::is_integral_v<Number>);
    char bytes[sizeof number];
    std::memcpy(bytes, &number, sizeof number);
    out_.append(bytes, sizeof number);
  }
  void PutString(std::string_view text) {
    Put(static_cast<std::uint32_t>(text.size()));
    out_.append(text);
  }
  std::string Take() { return std::move(out_); }

 private:
  std::string out_;
};

// Once a read fails, all later ones do; Done() tells.
class Reader {
 public:
  explicit Reader(std::string_view bytes) : rest_(bytes) {}

  template <class Number>
  Number Get() {
    Number number = 0;
    if (rest_.size() < sizeof number) {
      Fail();
      return 0;
    }
    std::memcpy(&number, rest_.data(), sizeof number);
    rest_.remove_prefix(sizeof number);
    return number;
  }
  template <class Number>
  Number GetAtMost(Number most) {
    const auto number = Get<Number>();
    if (number <= most) return number;
    Fail();
    return 0;
  }
  bool GetBool() { return GetAtMost<std::uint8_t>(1) == 1; }
  std::string GetString(std::size_t most) {
    const auto size = Get<std::uint32_t>();
    if (size > most || size > rest_.size()) {
      Fail();
      return {};
    }
    std::string text(rest_.substr(0, size));
    rest_.remove_prefix(size);
    return text;
  }
  void Fail() {
    has_failed_ = true;
    rest_ = {};
  }
  bool has_failed() const { return has_failed_; }
  // Nothing failed and nothing is left.
  bool Done() const { return !has_failed_ && rest_.empty(); }

 private:
  std::string_view rest_;
  bool has_failed_ = false;
};

}  // namespace seccompd::compiler
