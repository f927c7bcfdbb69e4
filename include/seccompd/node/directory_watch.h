// SPDX-License-Identifier: Apache-2.0
#pragma once
// inotify on directories. Tells that something in one may have changed, never what: the owner
// looks. Not thread-safe but for the descriptor, which any thread may poll.

#include <memory>
#include <string>
#include <vector>

#include "seccompd/base/result.h"

namespace seccompd::node {

class DirectoryWatch {
 public:
  // kTransient: the kernel's limit of inotify instances or watches is reached.
  static Result<std::unique_ptr<DirectoryWatch>> Open();
  virtual ~DirectoryWatch() = default;

  // Watches the directory behind `path` for entries that come, go or are written, and for its own
  // end.
  virtual Result<void> Add(const std::string& path) = 0;
  virtual int fd() const = 0;  // readable: something happened
  struct Changes {
    std::vector<std::string> directories;  // as given to Add, each once
    bool overflow = false;                 // anything may have changed
    std::vector<std::string>
        gone;  // the watched directory itself was removed, renamed or unmounted
  };
  // Drains what is there; does not block.
  virtual Result<Changes> Read() = 0;
};

// A regular file's bytes: never follows a symlink in the last component unless `follow`
// (kubelet-style mounts need it), never blocks on a fifo. kInvalid: no regular file, or longer than
// max_bytes.
Result<std::string> ReadSmallFile(const std::string& path, std::size_t max_bytes,
                                  bool follow = false);

}  // namespace seccompd::node
