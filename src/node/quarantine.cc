// SPDX-License-Identifier: Apache-2.0
#include "node/quarantine.h"

#include <cerrno>
#include <utility>
#include <vector>

#include "node/limits.h"

namespace seccompd::node {
namespace {

constexpr mode_t kPrivateDirectory = S_IRWXU;
constexpr std::size_t kMostLabel = 100;

// Letters, digits, '.', '-' and '_' stay; anything else becomes '_'.
std::string Clean(const std::string& label) {
  std::string clean;
  for (const char c : label.substr(0, kMostLabel)) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       c == '.' || c == '-';
    clean += plain ? c : '_';
  }
  return clean;
}

}  // namespace

Result<void> Quarantine::Open() {
  if (directory_) return {};
  Result<OpenedDirectory> state = OpenOrMakeOwned(file_system_, state_dir_, kPrivateDirectory);
  if (!state.ok()) return state.error();
  Result<OpenedDirectory> opened =
      OpenOrMakeOwned(file_system_, state->directory, "quarantine", kPrivateDirectory);
  if (!opened.ok()) return opened.error();
  Result<std::vector<std::string>> names = ListNames(file_system_, opened->directory, kMaxEntries);
  if (!names.ok()) return names.error();
  count_ = names->size();
  directory_ = std::move(opened->directory);
  return {};
}

Result<TakenAway> Quarantine::Take(const Directory& from, const std::string& name,
                                   const std::string& label) {
  if (Result<void> opened = Open(); !opened.ok()) return opened.error();
  if (count_ < kMost) {
    Result<std::string> unique = RandomName(file_system_, "");
    if (!unique.ok()) return unique.error();
    const int error =
        file_system_.Move(from.fd.get(), name, directory_->fd.get(), *unique + "-" + Clean(label));
    if (error == 0) {
      ++count_;
      return TakenAway::kQuarantined;
    }
    if (error == ENOENT) return TakenAway::kRemoved;  // somebody was faster
    // Another file system or mount, a directory of somebody else's, or Landlock before ABI 2.
    if (error != EXDEV && error != EACCES && error != EPERM && error != EBUSY) {
      return DiskError(error, "move into quarantine", from.PathOf(name));
    }
  }
  return RemoveEntry(from, name);
}

Result<TakenAway> Quarantine::RemoveEntry(const Directory& from, const std::string& name) {
  int error = file_system_.Unlink(from.fd.get(), name);
  if (error == EISDIR) error = file_system_.RemoveDirectory(from.fd.get(), name);
  switch (error) {
    case 0:
    case ENOENT:
      return TakenAway::kRemoved;
    case ENOTEMPTY:
    case EEXIST:
    case EBUSY:
    case EACCES:
    case EPERM:
      return TakenAway::kLeft;
    default:
      return DiskError(error, "remove the foreign entry", from.PathOf(name));
  }
}

}  // namespace seccompd::node
