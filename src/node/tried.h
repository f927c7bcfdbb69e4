// SPDX-License-Identifier: Apache-2.0
#pragma once
// The state directory's tried/: for each request that is with a compiler a file with-<random> that
// lists its inputs' digests, a line each; and for each input that was found so at a start a file
// <digest> with the number of such starts. Internal to the layer. All but Take() may be called from
// any thread.

#include <cstddef>
#include <map>
#include <mutex>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "seccompd/base/result.h"
#include "seccompd/base/unique_fd.h"

#include "node/disk.h"

namespace seccompd::node {

class TriedInputs {
 public:
  TriedInputs(FileSystem& file_system, Directory directory)
      : file_system_(file_system), directory_(std::move(directory)) {}

  // See StateDir.
  Result<std::size_t> Mark(std::span<const std::string> digests);
  void Unmark(std::size_t mark);
  Result<void> Forget(std::string_view digest);
  Result<std::map<std::string, int>> Take();

  const Directory& directory() const { return directory_; }

 private:
  // Kept open, written for each request and emptied behind it: files that come and go would cost
  // more than the rest of it (ext4 searches for an inode that was not freed just now).
  struct Sheet {
    std::string name;
    UniqueFd fd;  // closed: to be made
  };

  Result<std::size_t> FreeSheet();
  Result<std::set<std::string>> Listed(const std::string& sheet);
  Result<int> CountStart(const std::string& digest);

  FileSystem& file_system_;
  Directory directory_;
  std::mutex mutex_;  // guards the rest
  std::vector<Sheet> sheets_;
  std::vector<std::size_t> free_;               // of them
  std::set<std::string, std::less<>> counted_;  // what has a count
};

}  // namespace seccompd::node
