// SPDX-License-Identifier: Apache-2.0
#pragma once
// The one implementation of ProfileStore: store.cc opens and removes, store_put.cc writes,
// store_inspect.cc compares, store_scan.cc finds.

#include <sys/stat.h>

#include <cstddef>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "seccompd/node/store.h"

#include "node/anchor.h"
#include "node/cache.h"
#include "node/disk.h"
#include "node/quarantine.h"
#include "node/temporary_file.h"

namespace seccompd::node {

class DiskStore final : public ProfileStore {
 public:
  DiskStore(FileSystem& file_system, const StoreOptions& options, Cache cache);

  // Verifies the anchor; what was known to be flushed is forgotten when it is another directory
  // than before.
  Result<void> VerifyAnchor();

  std::vector<Result<PutOutcome>> PutAll(std::span<const PutRequest> requests) override;
  Result<void> Remove(const ProfilePath& path) override;
  Result<FileState> Inspect(const ProfilePath& path, std::string_view sha256,
                            const BeforeLook& before) override;
  Result<std::vector<FoundEntry>> Scan() override;
  Result<std::optional<FoundEntry>> Look(const std::string& name_space,
                                         const std::string& file_name) override;
  Result<TakenAway> TakeAway(const FoundEntry& found) override;
  Result<UniqueFd> OpenDirectory(const std::string& name_space) override;
  Result<std::vector<std::string>> Namespaces() override;
  Result<void> VerifyRoot() override;
  std::uint64_t root_changes() const override { return root_changes_; }
  Result<std::string> ReadCache(std::string_view sha256) override { return cache_.Read(sha256); }
  Result<void> TrimCache(const std::set<std::string>& live) override { return cache_.Trim(live); }
  Result<void> CheckWritable() override;

 private:
  using Results = std::vector<Result<PutOutcome>>;
  // The requests of one namespace, by their index.
  struct Group {
    std::span<const PutRequest> requests;
    std::span<const std::size_t> indexes;
  };

  // store_put.cc
  Result<Directory> MakeNamespace(const std::string& name);
  Result<void> ClearNamespacePlace(const std::string& name, int open_error);
  Result<bool> AdoptNamespace(const Directory& directory, const std::string& name);
  void PutGroup(const Group& group, Results& results);
  Result<std::optional<TemporaryFile>> Prepare(const Directory& directory,
                                               const PutRequest& request);
  void PutChunk(const Directory& directory, const Group& chunk, Results& results);
  Result<void> FlushNamespace(const Directory& directory, const std::string& name);
  Result<void> FlushAnchor();

  // store_inspect.cc
  FileState CompareAttributes(const struct stat& found) const;
  FileState CompareNamespace(const struct stat& found) const;
  bool IsInPlace(const Directory& directory, const std::string& file_name, std::string_view bytes);

  // store.cc
  Result<void> RemoveFile(const Directory& directory, const ProfilePath& path);

  // store_scan.cc
  Result<void> ScanNamespace(const std::string& name, std::vector<FoundEntry>& found);
  Result<std::optional<FoundEntry>> LookIn(const Directory& directory, const std::string& name,
                                           const std::string& file);

  FileSystem& file_system_;
  const StoreOptions options_;
  Anchor anchor_;
  Cache cache_;
  Quarantine quarantine_;
  // Namespaces whose directory was flushed after our last change in it, by its inode. What is not
  // here is flushed before anything in it is called durable: after a failed fsync, and once in a
  // process's life.
  std::map<std::string, ino_t> flushed_;
  std::uint64_t root_changes_ = 0;
  bool anchor_flushed_ = false;  // the same for the entries of tenants/
};

}  // namespace seccompd::node
