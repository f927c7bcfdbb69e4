// SPDX-License-Identifier: Apache-2.0
#pragma once
// inotify on tenants/, the directories in it and the files in them, each watched through a
// descriptor that the store verified (/proc/self/fd/N), never by a path. Tells which entry
// something happened to, not what: the owner looks. A directory's watch tells nothing of what is
// done to a file by another name (a hard link made elsewhere, a write through it); the file's own
// does. Writes through mmap send no event; the audit finds those. One thread owns it; any may poll
// the descriptor.

#include <functional>
#include <memory>
#include <set>
#include <string>
#include <utility>

#include "seccompd/base/result.h"

namespace seccompd::node {

class DriftWatch {
 public:
  // kTransient: the kernel's limit of inotify instances is reached.
  static Result<std::unique_ptr<DriftWatch>> Open();
  virtual ~DriftWatch() = default;

  // Watches the directory behind `descriptor` (which may be closed afterwards) under `name`, a
  // directory in tenants/, or "" for tenants/ itself; in place of what was watched under that name.
  // True: it was not watched before, so what happened in it until now is not known. kTransient: the
  // limit of watches is reached.
  virtual Result<bool> Watch(const std::string& name, int descriptor) = 0;
  // Watches a file itself, `entry` of the directory behind `descriptor`, which is watched under
  // `name`; in place of the file that was there before. What cannot be watched is none (a missing
  // one: its directory tells). kTransient: the limit of watches is reached. Ends with the file.
  virtual Result<void> WatchFile(const std::string& name, int descriptor,
                                 const std::string& entry) = 0;
  // No more events of that name; of its files, still.
  virtual void Forget(const std::string& name) = 0;
  virtual int fd() const = 0;  // readable: something happened

  struct Changes {
    bool overflow = false;  // anything may have changed
    // (directory as given to Watch, entry in it), each once. Our own temporary files are left out.
    std::set<std::pair<std::string, std::string>> entries;
    // Watched directories that themselves changed: mode, owner, removed, renamed, unmounted.
    std::set<std::string> directories;
  };
  // Takes what is there, a bounded part at a time; does not block.
  virtual Result<Changes> Read() = 0;
};

using OpenDriftWatch = std::function<Result<std::unique_ptr<DriftWatch>>()>;

}  // namespace seccompd::node
