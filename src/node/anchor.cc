// SPDX-License-Identifier: Apache-2.0
#include "node/anchor.h"

#include <utility>

namespace seccompd::node {
namespace {

constexpr std::string_view kTenants = "tenants";

}  // namespace

Anchor::Anchor(FileSystem& file_system, std::string root, mode_t mode)
    : file_system_(file_system), root_(std::move(root)), mode_(mode) {
  while (root_.size() > 1 && root_.back() == '/') root_.pop_back();
  path_ = root_ + "/" + std::string(kTenants);
}

Result<bool> Anchor::Verify() {
  if (tenants_.fd.is_open()) {
    // Symlinks on the way do no harm here: only what the path leads to is compared, and it must be
    // the very inode that was verified.
    const SysResult<struct stat> found = file_system_.StatPath(path_);
    if (found.ok() && found.value.st_dev == device_ && found.value.st_ino == inode_) {
      if (Result<void> trusted = CheckTrusted(found.value, path_, false); !trusted.ok()) {
        return trusted.error();
      }
      if (!misplaced_.empty()) return Misplaced();
      return false;
    }
  }
  if (Result<void> reopened = Reopen(); !reopened.ok()) return reopened.error();
  return true;
}

void Anchor::CheckMount() {
  const SysResult<std::string> now = file_system_.MountRoot(tenants_.fd.get());
  if (!now.ok() || mount_root_.empty()) return;  // no /proc: nothing can be said
  misplaced_ = now.value == mount_root_ ? "" : now.value;
}

Error Anchor::Misplaced() const {
  return Error{ErrorCode::kDenied,
               path_ +
                   ": the host renamed or removed the directory that is mounted there (it was " +
                   mount_root_ + ", it is " + misplaced_ +
                   "), so readers look elsewhere; rename it back, or restart this pod to have it "
                   "mounted anew"};
}

Result<void> Anchor::Reopen() {
  tenants_.fd.Reset();
  misplaced_.clear();
  Result<Directory> root = WalkTo(file_system_, root_, false);
  if (!root.ok()) return Wrap(root.error(), "seccomp root (--seccomp-root)");
  const SysResult<struct stat> root_found = file_system_.Stat(root->fd.get());
  if (!root_found.ok()) return DiskError(root_found.error, "examine", root_);
  if (Result<void> trusted = CheckTrusted(root_found.value, root_, true); !trusted.ok()) {
    return Wrap(trusted.error(), "seccomp root (--seccomp-root)");
  }
  Result<OpenedDirectory> opened =
      OpenOrMakeOwned(file_system_, *root, std::string(kTenants), mode_);
  if (!opened.ok()) return opened.error();
  const SysResult<struct stat> found = file_system_.Stat(opened->directory.fd.get());
  if (!found.ok()) return DiskError(found.error, "examine", path_);
  device_ = found.value.st_dev;
  inode_ = found.value.st_ino;
  tenants_ = std::move(opened->directory);
  mount_root_ = file_system_.MountRoot(tenants_.fd.get()).value;
  return {};
}

}  // namespace seccompd::node
