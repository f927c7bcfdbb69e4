// SPDX-License-Identifier: Apache-2.0
#include "seccompd/node/store.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "node/disk_store.h"
#include "node/limits.h"

namespace seccompd::node {

Result<std::unique_ptr<ProfileStore>> ProfileStore::Open(FileSystem& file_system,
                                                         const StoreOptions& options) {
  Result<Cache> cache = Cache::Open(file_system, options.state_dir);
  if (!cache.ok()) return cache.error();
  auto store = std::make_unique<DiskStore>(file_system, options, *std::move(cache));
  if (Result<void> verified = store->VerifyAnchor(); !verified.ok()) return verified.error();
  return std::unique_ptr<ProfileStore>(std::move(store));
}

DiskStore::DiskStore(FileSystem& file_system, const StoreOptions& options, Cache cache)
    : file_system_(file_system),
      options_(options),
      anchor_(file_system, options.seccomp_root, options.directory_mode),
      cache_(std::move(cache)),
      quarantine_(file_system, options.state_dir) {}

Result<void> DiskStore::VerifyAnchor() {
  Result<bool> replaced = anchor_.Verify();
  if (replaced.ok() && *replaced) ++root_changes_;
  if (!replaced.ok() || *replaced) {
    flushed_.clear();
    anchor_flushed_ = false;
  }
  if (!replaced.ok()) return replaced.error();
  return {};
}

Result<void> DiskStore::VerifyRoot() {
  if (Result<void> verified = VerifyAnchor(); !verified.ok()) return verified;
  anchor_.CheckMount();
  return VerifyAnchor();
}

Result<void> DiskStore::Remove(const ProfilePath& path) {
  const std::string context = "profile " + path.key();
  if (Result<void> verified = VerifyAnchor(); !verified.ok()) {
    return Wrap(verified.error(), context);
  }
  const Directory& tenants = anchor_.directory();
  const std::string& name = path.name_space();
  SysResult<UniqueFd> opened =
      file_system_.OpenBeneath(tenants.fd.get(), name, O_RDONLY | O_DIRECTORY, 0);
  if (opened.ok()) {
    const Directory directory{std::move(opened.value), tenants.PathOf(name)};
    if (Result<void> removed = RemoveFile(directory, path); !removed.ok()) {
      return Wrap(removed.error(), context);
    }
  } else if (opened.error != ENOENT) {
    // A symlink or file in the directory's place goes, so that the path leads nowhere.
    Result<void> cleared = ClearNamespacePlace(name, opened.error);
    if (!cleared.ok()) return Wrap(cleared.error(), context);
  }
  if (Result<void> flushed = FlushAnchor(); !flushed.ok()) return Wrap(flushed.error(), context);
  return {};
}

Result<void> DiskStore::RemoveFile(const Directory& directory, const ProfilePath& path) {
  const std::string file_name = path.file_name();
  int error = file_system_.Unlink(directory.fd.get(), file_name);
  if (error != ENOENT) flushed_.erase(path.name_space());
  if (error == EISDIR) {
    error = file_system_.RemoveDirectory(directory.fd.get(), file_name);
    if (error == ENOTEMPTY || error == EEXIST) {
      Result<void> moved = MoveAway(file_system_, directory, file_name);
      if (!moved.ok()) return moved;
      error = 0;
    }
  }
  if (error != 0 && error != ENOENT) {
    return DiskError(error, "remove", directory.PathOf(file_name));
  }
  error = file_system_.RemoveDirectory(anchor_.directory().fd.get(), path.name_space());
  if (error == 0 || error == ENOENT) {
    flushed_.erase(path.name_space());
    anchor_flushed_ = false;
    return {};
  }
  if (error != ENOTEMPTY && error != EEXIST) {
    return DiskError(error, "remove directory", directory.path);
  }
  return FlushNamespace(directory, path.name_space());
}

Result<void> DiskStore::CheckWritable() {
  if (Result<void> verified = VerifyAnchor(); !verified.ok()) return verified;
  Result<TemporaryFile> file = TemporaryFile::Create(
      file_system_, anchor_.directory(), options_.file_mode, "can this disk be written?\n");
  if (!file.ok()) return file.error();
  return file->Sync();
}

}  // namespace seccompd::node
