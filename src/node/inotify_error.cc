// SPDX-License-Identifier: Apache-2.0
#include "node/inotify_error.h"

#include <cerrno>

#include "node/disk.h"

namespace seccompd::node {

Error WatchError(int errno_value, const std::string& what) {
  switch (errno_value) {
    case ENOSPC:
      return Error{ErrorCode::kTransient,
                   what +
                       ": the user's limit of inotify watches is reached; raise "
                       "fs.inotify.max_user_watches (sysctl)"};
    case EMFILE:
      return Error{ErrorCode::kTransient,
                   what +
                       ": the limit of inotify instances or open files is reached; raise "
                       "fs.inotify.max_user_instances (sysctl)"};
    case ENOENT:
      return Error{ErrorCode::kNotFound, what + ": it does not exist; create it"};
    case ENOTDIR:
      return Error{ErrorCode::kInvalid, what + ": it is no directory; give a directory"};
    default:
      return DiskError(errno_value, "start inotify:", what);
  }
}

}  // namespace seccompd::node
