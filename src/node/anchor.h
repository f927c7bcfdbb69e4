// SPDX-License-Identifier: Apache-2.0
#pragma once
// tenants/ as a descriptor: everything below is reached through it. Knows when the name leads
// elsewhere.

#include <sys/types.h>

#include <string>

#include "seccompd/base/result.h"
#include "seccompd/node/file_system.h"

#include "node/disk.h"

namespace seccompd::node {

class Anchor {
 public:
  Anchor(FileSystem& file_system, std::string root, mode_t mode);

  // Makes sure that the descriptor is what readers reach by the path, and still trusted: one lstat
  // when it is. Else the path is walked and verified anew, tenants/ made when missing. True: the
  // directory is another one than before, nothing known about its content holds.
  Result<bool> Verify();

  // Looks whether the host renamed or removed the directory behind a mount: the path leads here
  // still, but readers go elsewhere. Verify() fails as long as that is so.
  void CheckMount();

  const Directory& directory() const { return tenants_; }

 private:
  Result<void> Reopen();
  Error Misplaced() const;

  FileSystem& file_system_;
  std::string root_;
  std::string path_;
  mode_t mode_;
  Directory tenants_;
  dev_t device_ = 0;
  ino_t inode_ = 0;
  std::string mount_root_;  // of the mount that tenants/ is in, as it was; empty: not known
  std::string misplaced_;   // as it is now, when it is another
};

}  // namespace seccompd::node
