// SPDX-License-Identifier: Apache-2.0
#pragma once
// <state dir>/quarantine: foreign entries are renamed into it, never opened, linked or copied.
// Bounded: the first ones are kept as evidence, later ones are unlinked.

#include <cstddef>
#include <optional>
#include <string>

#include "seccompd/base/result.h"
#include "seccompd/node/file_system.h"
#include "seccompd/node/store.h"

#include "node/disk.h"

namespace seccompd::node {

class Quarantine {
 public:
  static constexpr std::size_t kMost = 100;

  Quarantine(FileSystem& file_system, std::string state_dir)
      : file_system_(file_system), state_dir_(std::move(state_dir)) {}

  // Takes `name` out of `from`; `label` becomes part of its new name, cleaned.
  Result<TakenAway> Take(const Directory& from, const std::string& name, const std::string& label);

 private:
  Result<void> Open();
  Result<TakenAway> RemoveEntry(const Directory& from, const std::string& name);

  FileSystem& file_system_;
  const std::string state_dir_;
  std::optional<Directory> directory_;  // made when first needed
  std::size_t count_ = 0;               // entries in it
};

}  // namespace seccompd::node
