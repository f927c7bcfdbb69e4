// SPDX-License-Identifier: Apache-2.0
#include "seccompd/base/result.h"

#include <cerrno>
#include <system_error>

namespace seccompd {
namespace {

ErrorCode CodeOfErrno(int errno_value) {
  switch (errno_value) {
    case ENOENT:
      return ErrorCode::kNotFound;
    case EROFS:
    case EPERM:
    case EACCES:
      return ErrorCode::kDenied;
    case EINVAL:
    case ENAMETOOLONG:
    case ELOOP:
    case ENOTDIR:
    case EISDIR:
    case EXDEV:
      return ErrorCode::kInvalid;
    case EEXIST:
    case ENOTEMPTY:
    case ESTALE:
      return ErrorCode::kConflict;
    default:  // ENOSPC, EDQUOT, EIO, EAGAIN, EMFILE, ENOMEM and what we have never seen: try again
      return ErrorCode::kTransient;
  }
}

}  // namespace

std::string_view ErrorCodeName(ErrorCode code) {
  switch (code) {
    case ErrorCode::kInvalid:
      return "invalid";
    case ErrorCode::kNotFound:
      return "not found";
    case ErrorCode::kConflict:
      return "conflict";
    case ErrorCode::kTransient:
      return "transient";
    case ErrorCode::kDenied:
      return "denied";
  }
  std::abort();
}

Error Wrap(Error error, std::string_view context) {
  error.message = std::string(context) + ": " + error.message;
  return error;
}

Error ErrnoError(int errno_value, std::string_view what) {
  return Error{CodeOfErrno(errno_value),
               std::string(what) + ": " + std::generic_category().message(errno_value)};
}

}  // namespace seccompd
