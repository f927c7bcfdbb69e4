// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "seccompd/node/record.h"

#include "node/disk.h"
#include "node/limits.h"
#include "node/record_codec.h"
#include "node/temporary_file.h"
#include "node/tried.h"

namespace seccompd::node {
namespace {

constexpr mode_t kPrivateDirectory = S_IRWXU;
constexpr mode_t kPrivateFile = S_IRUSR | S_IWUSR;
constexpr std::size_t kMaxRecordBytes = std::size_t{64} << 20;
constexpr const char* kRecord = "record";
constexpr const char* kDamagedRecord = "record.damaged";
constexpr const char* kLock = "lock";

class DiskStateDir final : public StateDir {
 public:
  DiskStateDir(FileSystem& file_system, Directory directory, Directory tried)
      : file_system_(file_system),
        directory_(std::move(directory)),
        tried_(file_system, std::move(tried)) {}

  Result<void> TakeLock() override;
  Result<Record> LoadRecord() override;
  Result<void> SaveRecord(const Record& record) override {
    return ReplaceFile(file_system_, directory_, kRecord, EncodeRecord(record), true);
  }
  // Not flushed: what is written here is made anew at the next start.
  Result<void> WriteFile(std::string_view name, std::string_view bytes) override {
    return ReplaceFile(file_system_, directory_, std::string(name), bytes, false);
  }
  Result<std::size_t> MarkTried(std::span<const std::string> digests) override {
    return tried_.Mark(digests);
  }
  void UnmarkTried(std::size_t mark) override { tried_.Unmark(mark); }
  Result<void> ForgetTried(std::string_view digest) override { return tried_.Forget(digest); }
  Result<std::map<std::string, int>> TakeTried() override { return tried_.Take(); }

 private:
  FileSystem& file_system_;
  Directory directory_;
  TriedInputs tried_;
  UniqueFd lock_;
};

Error HeldByAnother(const std::string& path, std::string_view pid) {
  return Error{ErrorCode::kConflict,
               "another seccompd agent (pid " + std::string(pid) + ") holds " + path +
                   "; stop it, or give this one a --state-dir and --seccomp-root of its own"};
}

// The leading digits of what the holder wrote; never anything else.
std::string PidIn(std::string_view text) {
  std::string pid;
  for (const char c : text.substr(0, 10)) {
    if (c < '0' || c > '9') break;
    pid += c;
  }
  return pid.empty() ? "unknown" : pid;
}

}  // namespace

Result<std::unique_ptr<StateDir>> StateDir::Open(FileSystem& file_system, const std::string& path) {
  Result<OpenedDirectory> state = OpenOrMakeOwned(file_system, path, kPrivateDirectory);
  if (!state.ok()) return Wrap(state.error(), "state directory (--state-dir)");
  Result<OpenedDirectory> tried =
      OpenOrMakeOwned(file_system, state->directory, "tried", kPrivateDirectory);
  if (!tried.ok()) return Wrap(tried.error(), "state directory (--state-dir)");
  return std::unique_ptr<StateDir>(std::make_unique<DiskStateDir>(
      file_system, std::move(state->directory), std::move(tried->directory)));
}

namespace {

Result<void> DiskStateDir::TakeLock() {
  constexpr int kAttempts = 4;  // the file may be unlinked between open and lock
  const std::string path = directory_.PathOf(kLock);
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    SysResult<UniqueFd> file = file_system_.OpenBeneath(
        directory_.fd.get(), kLock, O_RDWR | O_CREAT | O_NONBLOCK, kPrivateFile);
    if (!file.ok()) return DiskError(file.error, "open", path);
    const int fd = file.value.get();
    int error = file_system_.Lock(fd);
    if (error == EWOULDBLOCK) {
      const SysResult<std::string> text = ReadAll(file_system_, fd, 16);
      return HeldByAnother(path, PidIn(text.value));
    }
    if (error != 0) return DiskError(error, "lock", path);
    const SysResult<struct stat> held = file_system_.Stat(fd);
    const SysResult<struct stat> named = file_system_.StatAt(directory_.fd.get(), kLock);
    if (!held.ok() || !named.ok() || held.value.st_ino != named.value.st_ino) continue;
    error = file_system_.Truncate(fd);
    if (error == 0) error = WriteAll(file_system_, fd, std::to_string(::getpid()) + "\n");
    if (error != 0) return DiskError(error, "write", path);
    lock_ = std::move(file.value);
    // Only now is nobody else writing here.
    static_cast<void>(RemoveTemporaries(file_system_, directory_, kMaxEntries));
    static_cast<void>(RemoveTemporaries(file_system_, tried_.directory(), kMaxEntries));
    return {};
  }
  return Error{ErrorCode::kConflict, path + " keeps being replaced; find out who writes there"};
}

Result<Record> DiskStateDir::LoadRecord() {
  const std::string path = directory_.PathOf(kRecord);
  SysResult<std::string> text = ReadOwn(file_system_, directory_, kRecord, kMaxRecordBytes);
  if (text.error == ENOENT) return Error{ErrorCode::kNotFound, "no record yet: " + path};
  if (!text.ok() && text.error != ELOOP) return DiskError(text.error, "read", path);
  Result<Record> record = DecodeRecord(text.value);
  if (record.ok()) return record;
  const int error = file_system_.Rename(directory_.fd.get(), kRecord, kDamagedRecord);
  const std::string kept = error == 0 ? "kept as " + directory_.PathOf(kDamagedRecord)
                                      : "left in place: " + ErrnoError(error, "rename").message;
  return Error{ErrorCode::kInvalid,
               path + ": " + record.error().message + "; " + kept +
                   "; the record is made anew from the disk and the API, nothing need be done"};
}

}  // namespace
}  // namespace seccompd::node
