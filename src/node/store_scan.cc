// SPDX-License-Identifier: Apache-2.0
// Finding what is below tenants/, ours or not. Nothing foreign is opened but directories, and those
// only beneath the anchor.
#include <fcntl.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "node/disk_store.h"
#include "node/limits.h"

namespace seccompd::node {
namespace {

constexpr std::string_view kSuffix = ".json";

bool IsNamespaceName(const std::string& name) { return ProfilePath::Make(name, "x").ok(); }

// Something else stands where a namespace's directory could.
bool IsNoDirectory(int open_error) {
  return open_error == ENOTDIR || open_error == ELOOP || open_error == EXDEV ||
         open_error == EACCES;
}

}  // namespace

Result<std::vector<FoundEntry>> DiskStore::Scan() {
  if (Result<void> verified = VerifyAnchor(); !verified.ok()) return verified.error();
  const Directory& tenants = anchor_.directory();
  Result<std::vector<std::string>> names = ListNames(file_system_, tenants, kMaxEntries);
  if (!names.ok()) return names.error();
  std::vector<FoundEntry> found;
  for (const std::string& name : *names) {
    if (IsNamespaceName(name)) {
      if (Result<void> scanned = ScanNamespace(name, found); !scanned.ok()) return scanned.error();
      continue;
    }
    if (IsTemporaryName(name) && file_system_.Unlink(tenants.fd.get(), name) == 0) continue;
    found.push_back(FoundEntry{name, "", false});
  }
  return found;
}

Result<void> DiskStore::ScanNamespace(const std::string& name, std::vector<FoundEntry>& found) {
  const Directory& tenants = anchor_.directory();
  SysResult<UniqueFd> opened =
      file_system_.OpenBeneath(tenants.fd.get(), name, O_RDONLY | O_DIRECTORY, 0);
  if (opened.error == ENOENT) return {};
  if (IsNoDirectory(opened.error)) {
    found.push_back(FoundEntry{name, "", false});
    return {};
  }
  if (!opened.ok()) return DiskError(opened.error, "open directory", tenants.PathOf(name));
  const Directory directory{std::move(opened.value), tenants.PathOf(name)};
  Result<std::vector<std::string>> files =
      ListNames(file_system_, directory, kMaxEntries - std::min(kMaxEntries, found.size()));
  if (!files.ok()) return files.error();
  for (const std::string& file : *files) {
    if (IsTemporaryName(file) && file_system_.Unlink(directory.fd.get(), file) == 0) continue;
    Result<std::optional<FoundEntry>> entry = LookIn(directory, name, file);
    if (!entry.ok()) return entry.error();
    if (entry->has_value()) found.push_back(**std::move(entry));
  }
  return {};
}

Result<std::optional<FoundEntry>> DiskStore::LookIn(const Directory& directory,
                                                    const std::string& name,
                                                    const std::string& file) {
  const SysResult<struct stat> entry = file_system_.StatAt(directory.fd.get(), file);
  if (entry.error == ENOENT) return {std::nullopt};
  if (!entry.ok()) return DiskError(entry.error, "examine", directory.PathOf(file));
  const bool is_profile_path =
      S_ISREG(entry.value.st_mode) && file.ends_with(kSuffix) &&
      ProfilePath::Make(name, std::string_view(file).substr(0, file.size() - kSuffix.size())).ok();
  return std::optional<FoundEntry>(FoundEntry{name, file, is_profile_path});
}

Result<std::optional<FoundEntry>> DiskStore::Look(const std::string& name_space,
                                                  const std::string& file_name) {
  if (Result<void> verified = VerifyAnchor(); !verified.ok()) return verified.error();
  const Directory& tenants = anchor_.directory();
  if (!IsNamespaceName(name_space)) {
    const SysResult<struct stat> entry = file_system_.StatAt(tenants.fd.get(), name_space);
    if (entry.error == ENOENT) return {std::nullopt};
    if (!entry.ok()) return DiskError(entry.error, "examine", tenants.PathOf(name_space));
    return std::optional<FoundEntry>(FoundEntry{name_space, "", false});
  }
  SysResult<UniqueFd> opened =
      file_system_.OpenBeneath(tenants.fd.get(), name_space, O_RDONLY | O_DIRECTORY, 0);
  if (opened.error == ENOENT) return {std::nullopt};
  if (IsNoDirectory(opened.error)) {
    if (!file_name.empty()) return {std::nullopt};
    return std::optional<FoundEntry>(FoundEntry{name_space, "", false});
  }
  if (!opened.ok()) return DiskError(opened.error, "open directory", tenants.PathOf(name_space));
  if (file_name.empty()) return {std::nullopt};
  return LookIn(Directory{std::move(opened.value), tenants.PathOf(name_space)}, name_space,
                file_name);
}

Result<TakenAway> DiskStore::TakeAway(const FoundEntry& found) {
  if (Result<void> verified = VerifyAnchor(); !verified.ok()) return verified.error();
  const Directory& tenants = anchor_.directory();
  if (found.file_name.empty()) {
    flushed_.erase(found.name_space);
    anchor_flushed_ = false;
    return quarantine_.Take(tenants, found.name_space, found.name_space);
  }
  SysResult<UniqueFd> opened =
      file_system_.OpenBeneath(tenants.fd.get(), found.name_space, O_RDONLY | O_DIRECTORY, 0);
  if (opened.error == ENOENT || IsNoDirectory(opened.error)) return TakenAway::kRemoved;
  if (!opened.ok()) {
    return DiskError(opened.error, "open directory", tenants.PathOf(found.name_space));
  }
  const Directory directory{std::move(opened.value), tenants.PathOf(found.name_space)};
  Result<TakenAway> taken =
      quarantine_.Take(directory, found.file_name, found.name_space + "_" + found.file_name);
  flushed_.erase(found.name_space);
  // The last entry of a directory that is no namespace's takes it along; else this fails.
  static_cast<void>(file_system_.RemoveDirectory(tenants.fd.get(), found.name_space));
  return taken;
}

Result<UniqueFd> DiskStore::OpenDirectory(const std::string& name_space) {
  if (Result<void> verified = VerifyAnchor(); !verified.ok()) return verified.error();
  const Directory& tenants = anchor_.directory();
  SysResult<UniqueFd> opened = file_system_.OpenBeneath(
      tenants.fd.get(), name_space.empty() ? "." : name_space, O_RDONLY | O_DIRECTORY, 0);
  if (opened.error == ENOENT || IsNoDirectory(opened.error)) {
    return Error{ErrorCode::kNotFound, "no directory " + tenants.PathOf(name_space)};
  }
  if (!opened.ok()) return DiskError(opened.error, "open directory", tenants.PathOf(name_space));
  return std::move(opened.value);
}

Result<std::vector<std::string>> DiskStore::Namespaces() {
  if (Result<void> verified = VerifyAnchor(); !verified.ok()) return verified.error();
  Result<std::vector<std::string>> names =
      ListNames(file_system_, anchor_.directory(), kMaxEntries);
  if (!names.ok()) return names;
  std::erase_if(*names, [](const std::string& name) { return !IsNamespaceName(name); });
  return names;
}

}  // namespace seccompd::node
