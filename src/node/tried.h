// SPDX-License-Identifier: Apache-2.0
#pragma once
// The state directory's tried/: an empty file for each input that is with a compiler now, named by
// its digest; one that was found at a start holds the number of such starts. Internal to the layer.
// Mark() and Clear() may be called from any thread.

#include <map>
#include <mutex>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "seccompd/base/result.h"

#include "node/disk.h"

namespace seccompd::node {

class TriedInputs {
 public:
  TriedInputs(FileSystem& file_system, Directory directory)
      : file_system_(file_system), directory_(std::move(directory)) {}

  // See StateDir.
  Result<void> Mark(std::string_view digest);
  Result<void> Clear(std::string_view digest);
  Result<std::map<std::string, int>> Take();

  const Directory& directory() const { return directory_; }

 private:
  Result<int> CountStart(const std::string& digest);

  FileSystem& file_system_;
  Directory directory_;
  std::mutex mutex_;  // guards the rest
  // Empty files under other names. A mark is one of them renamed, and renamed back: the inodes that
  // come and go with each judgement would cost more than the rest of it (ext4 searches for one that
  // was not freed just now).
  std::vector<std::string> spares_;
  std::set<std::string, std::less<>> marked_;   // by us
  std::set<std::string, std::less<>> counted_;  // found at the start, with their counts
};

}  // namespace seccompd::node
