// SPDX-License-Identifier: Apache-2.0
#include "seccompd/node/survey.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <sstream>
#include <utility>

#include "seccompd/base/digest.h"
#include "seccompd/node/directory_watch.h"

#include "node/disk.h"
#include "node/limits.h"
#include "node/record_codec.h"
#include "node/temporary_file.h"

namespace seccompd::node {
namespace {

constexpr std::size_t kMaxRecordBytes = std::size_t{64} << 20;
constexpr std::size_t kMaxLocksBytes = std::size_t{4} << 20;

Error NotReadable(const Error& error) {
  return {ErrorCode::kDenied,
          error.message + " (run as root, or with the capability CAP_DAC_READ_SEARCH)"};
}

// Looks at `name` in `directory`, and reads it where it is a regular file.
Surveyed LookAt(FileSystem& file_system, const Directory& directory, const std::string& name,
                std::string* bytes) {
  Surveyed seen;
  seen.path = directory.PathOf(name);
  const SysResult<struct stat> found = file_system.StatAt(directory.fd.get(), name);
  seen.error = found.error;
  if (!found.ok()) return seen;
  seen.found = found.value;
  if (!S_ISREG(found.value.st_mode)) return seen;
  const SysResult<UniqueFd> file =
      file_system.OpenBeneath(directory.fd.get(), name, O_RDONLY | O_NONBLOCK, 0);
  seen.error = file.error;
  if (!file.ok()) return seen;
  SysResult<std::string> read = ReadAll(file_system, file.value.get(), kMaxProfileBytes);
  seen.error = read.error;
  // A longer one is none of ours, whatever its digest were.
  if (!read.ok() || read.value.size() > kMaxProfileBytes) return seen;
  seen.sha256 = Sha256Hex(read.value);
  if (bytes != nullptr) *bytes = std::move(read.value);
  return seen;
}

class Look {
 public:
  Look(FileSystem& file_system, const SurveyOptions& options)
      : file_system_(file_system), options_(options) {}

  Result<Survey> Take() {
    if (Result<void> done = LookAtState(); !done.ok()) return done.error();
    if (Result<void> done = LookAtRoot(); !done.ok()) return done.error();
    return std::move(survey_);
  }

 private:
  // A directory by its path. Nothing: not there, or not trusted; `place` and `problem` say it.
  Result<std::optional<Directory>> Enter(const std::string& path, Surveyed& place,
                                         std::string& problem) {
    place.path = path;
    Result<Directory> directory = WalkTo(file_system_, path, true);
    if (!directory.ok()) {
      if (directory.error().code == ErrorCode::kDenied) return NotReadable(directory.error());
      place.error = directory.error().code == ErrorCode::kNotFound ? ENOENT : ENOTDIR;
      if (place.error != ENOENT) problem = directory.error().message;
      return std::optional<Directory>();
    }
    const SysResult<struct stat> found = file_system_.Stat(directory->fd.get());
    if (!found.ok()) return DiskError(found.error, "examine", path);
    place.found = found.value;
    return std::optional<Directory>(*std::move(directory));
  }

  // A directory below one. Nothing: `error` says why.
  std::optional<Directory> Open(const Directory& parent, const std::string& name, int& error) {
    SysResult<UniqueFd> opened =
        file_system_.OpenBeneath(parent.fd.get(), name, O_RDONLY | O_DIRECTORY, 0);
    // Where tenants/ is a mount of its own, as in the agent's pod.
    if (opened.error == EXDEV) opened = file_system_.OpenStep(parent.fd.get(), name, true);
    error = opened.error;
    if (!opened.ok()) return std::nullopt;
    return Directory{std::move(opened.value), parent.PathOf(name)};
  }

  Result<void> LookAtState() {
    auto state = Enter(options_.state_dir, survey_.state_dir, survey_.state_dir_problem);
    if (!state.ok()) return state.error();
    if (!state->has_value()) return {};
    const Directory& directory = **state;
    if (Result<void> read = ReadRecord(directory); !read.ok()) return read;
    FindAgent(directory);
    int error = 0;
    const std::optional<Directory> cache = Open(directory, "cache", error);
    if (!cache) return {};
    const auto names = ListNames(file_system_, *cache, kMaxEntries);
    if (!names.ok()) return names.error();
    for (const std::string& name : *names) {
      if (!IsSha256Hex(name)) continue;
      survey_.copies.emplace(name, LookAt(file_system_, *cache, name, nullptr));
    }
    return {};
  }

  Result<void> ReadRecord(const Directory& directory) {
    const SysResult<struct stat> found = file_system_.StatAt(directory.fd.get(), "record");
    if (found.error == ENOENT) return {};
    const std::string path = directory.PathOf("record");
    if (!found.ok()) return NotReadable(DiskError(found.error, "examine", path));
    survey_.record_saved = found.value.st_mtim.tv_sec;
    const Result<std::string> text = ReadSmallFileAt(directory, "record", found.value);
    if (!text.ok() && text.error().code == ErrorCode::kDenied) return NotReadable(text.error());
    survey_.record = text.ok() ? DecodeRecord(*text) : Result<Record>(text.error());
    if (!survey_.record.ok()) {
      survey_.record = Error{ErrorCode::kInvalid, path + ": " + survey_.record.error().message};
    }
    return {};
  }

  Result<std::string> ReadSmallFileAt(const Directory& directory, const std::string& name,
                                      const struct stat& found) {
    if (!S_ISREG(found.st_mode)) return Error{ErrorCode::kInvalid, "it is no regular file"};
    const SysResult<UniqueFd> file =
        file_system_.OpenBeneath(directory.fd.get(), name, O_RDONLY | O_NONBLOCK, 0);
    if (!file.ok()) return DiskError(file.error, "open", directory.PathOf(name));
    SysResult<std::string> text = ReadAll(file_system_, file.value.get(), kMaxRecordBytes);
    if (!text.ok()) return DiskError(text.error, "read", directory.PathOf(name));
    return std::move(text.value);
  }

  // From the kernel's list: to try the lock would be to take it for a moment. A line is
  // "1: FLOCK  ADVISORY  WRITE <pid> <device>:<inode> 0 EOF".
  void FindAgent(const Directory& directory) {
    const SysResult<struct stat> lock = file_system_.StatAt(directory.fd.get(), "lock");
    if (!lock.ok()) return;
    const Result<std::string> locks = ReadSmallFile("/proc/locks", kMaxLocksBytes);
    if (!locks.ok()) return;
    std::istringstream lines(*locks);
    const std::string inode = ":" + std::to_string(lock.value.st_ino);
    for (std::string line; std::getline(lines, line);) {
      std::istringstream words(line);
      std::string number, kind, advisory, access, place;
      int pid = 0;
      words >> number >> kind >> advisory >> access >> pid >> place;
      if (words && kind == "FLOCK" && place.ends_with(inode)) survey_.agent = pid;
    }
  }

  Result<void> LookAtRoot() {
    auto root = Enter(options_.seccomp_root, survey_.root, survey_.root_problem);
    if (!root.ok()) return root.error();
    survey_.tenants.path = options_.seccomp_root + "/tenants";
    survey_.tenants.error = ENOENT;
    if (!root->has_value()) return {};
    survey_.tenants = LookAt(file_system_, **root, "tenants", nullptr);
    if (survey_.tenants.error != 0 || !S_ISDIR(survey_.tenants.found.st_mode)) return {};
    int error = 0;
    const std::optional<Directory> tenants = Open(**root, "tenants", error);
    if (!tenants) return NotReadable(DiskError(error, "open directory", survey_.tenants.path));
    const auto names = ListNames(file_system_, *tenants, kMaxEntries);
    if (!names.ok()) return names.error();
    for (const std::string& name : *names) {
      if (Result<void> done = LookAtNamespace(*tenants, name); !done.ok()) return done;
    }
    return {};
  }

  Result<void> LookAtNamespace(const Directory& tenants, const std::string& name) {
    Surveyed place = LookAt(file_system_, tenants, name, nullptr);
    if (place.error == ENOENT) return {};
    place.name_space = name;
    place.is_temporary = IsTemporaryName(name);
    std::optional<Directory> directory;
    if (place.error == 0 && S_ISDIR(place.found.st_mode))
      directory = Open(tenants, name, place.error);
    survey_.entries.push_back(std::move(place));
    if (!directory) return {};
    const auto files =
        ListNames(file_system_, *directory, kMaxEntries - std::min(kMaxEntries, entries()));
    if (!files.ok()) return files.error();
    for (const std::string& file_name : *files) {
      std::string bytes;
      Surveyed file =
          LookAt(file_system_, *directory, file_name, options_.keep_bytes ? &bytes : nullptr);
      if (file.error == ENOENT) continue;
      file.name_space = name;
      file.file_name = file_name;
      file.is_temporary = IsTemporaryName(file_name);
      if (options_.keep_bytes && !file.sha256.empty())
        survey_.bytes.emplace(file.sha256, std::move(bytes));
      survey_.entries.push_back(std::move(file));
    }
    return {};
  }

  std::size_t entries() const { return survey_.entries.size(); }

  FileSystem& file_system_;
  const SurveyOptions& options_;
  Survey survey_;
};

}  // namespace

Result<Survey> LookAtDisk(FileSystem& file_system, const SurveyOptions& options) {
  return Look(file_system, options).Take();
}

}  // namespace seccompd::node
