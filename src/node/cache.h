// SPDX-License-Identifier: Apache-2.0
#pragma once
// <state dir>/cache/<sha256>: independent copies of the installed files, from which repair reads
// without an API. Not flushed: the digest is checked at each read, so a torn copy is only a missing
// one.

#include <set>
#include <string>
#include <string_view>

#include "seccompd/base/result.h"
#include "seccompd/node/file_system.h"

#include "node/disk.h"

namespace seccompd::node {

class Cache {
 public:
  static Result<Cache> Open(FileSystem& file_system, const std::string& state_dir);

  // At best effort: a copy that could not be made is missing later. `sha256`: empty, or the bytes'
  // digest; under a wrong one they would not be found.
  void Keep(std::string_view bytes, std::string_view sha256);
  Result<std::string> Read(std::string_view sha256);
  Result<void> Trim(const std::set<std::string>& live);

 private:
  Cache(FileSystem& file_system, Directory directory);
  FileSystem& file_system_;
  Directory directory_;
};

}  // namespace seccompd::node
