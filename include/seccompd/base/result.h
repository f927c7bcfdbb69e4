// SPDX-License-Identifier: Apache-2.0
#pragma once
// Result<T>: a value or an Error. The one way in which our code reports failure: it does not throw.
// One ErrorCode per reaction of the caller; the message is for people and gains context on its way
// outward. Faults *in a profile* are not errors but data: see profile/diagnostic.h.
// Not thread-safe, like any value.

#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

namespace seccompd {

enum class ErrorCode {
  kInvalid,    // retry only after the input changed
  kNotFound,   // often no failure at all
  kConflict,   // read again, then retry the whole step      (HTTP 409, 410)
  kTransient,  // the same call again after a backoff        (429, 5xx, ENOSPC, EIO)
  kDenied,     // a person must act                          (401, 403, EROFS, EPERM)
};

// "invalid", "not found", "conflict", "transient", "denied".
std::string_view ErrorCodeName(ErrorCode code);

struct [[nodiscard]] Error {
  ErrorCode code;
  std::string message;
};

// The same error with "context: " in front of its message.
Error Wrap(Error error, std::string_view context);

// An Error from errno: "what: No space left on device". The code follows the table in result.cc.
Error ErrnoError(int errno_value, std::string_view what);

template <class T>
class [[nodiscard]] Result {
 public:
  // Both implicit by design: a function returns the value or the error as it is.
  // NOLINTNEXTLINE(google-explicit-constructor)
  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}
  // NOLINTNEXTLINE(google-explicit-constructor)
  Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}

  bool ok() const { return state_.index() == 0; }
  // Aborts when there is no value: a caller that did not look is a bug, not a case.
  T& value() & { return Checked(); }
  const T& value() const& { return const_cast<Result*>(this)->Checked(); }
  T&& value() && { return std::move(Checked()); }
  T& operator*() & { return Checked(); }
  const T& operator*() const& { return const_cast<Result*>(this)->Checked(); }
  T&& operator*() && { return std::move(Checked()); }
  T* operator->() { return &Checked(); }
  const T* operator->() const { return &const_cast<Result*>(this)->Checked(); }
  // Aborts when there is no error.
  const Error& error() const {
    if (ok()) std::abort();
    return std::get<1>(state_);
  }

 private:
  T& Checked() {
    if (!ok()) std::abort();
    return std::get<0>(state_);
  }
  std::variant<T, Error> state_;
};

template <>
class [[nodiscard]] Result<void> {
 public:
  Result() = default;
  // NOLINTNEXTLINE(google-explicit-constructor)
  Result(Error error) : error_(std::move(error)) {}

  bool ok() const { return !error_.has_value(); }
  void value() const {
    if (!ok()) std::abort();
  }
  const Error& error() const {
    if (ok()) std::abort();
    return *error_;
  }

 private:
  std::optional<Error> error_;
};

}  // namespace seccompd
