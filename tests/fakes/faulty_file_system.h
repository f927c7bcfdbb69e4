// SPDX-License-Identifier: Apache-2.0
#pragma once
// Wraps a FileSystem, counts its calls and makes chosen ones fail: the k-th call, or the k-th of a
// kind, once or from then on; not done at all, or done and yet answered with an error; or lets
// somebody else act first. Writes may be cut short. Thread-safe, but for ShortWrites().

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <functional>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "seccompd/node/file_system.h"

namespace seccompd::node {

enum class Call {
  kOpenFileSystemRoot,
  kOpenStep,
  kOpenBeneath,
  kMakeDirectory,
  kUnlink,
  kRemoveDirectory,
  kRename,
  kMove,
  kStatAt,
  kStatPath,
  kStat,
  kChangeMode,
  kRead,
  kWrite,
  kTruncate,
  kSync,
  kReadEntries,
  kLock,
  kRandom,
};
inline constexpr std::size_t kCallKinds = static_cast<std::size_t>(Call::kRandom) + 1;

class FaultyFileSystem final : public FileSystem {
 public:
  struct Fault {
    int call = 0;                             // from 1
    std::optional<Call> kind = std::nullopt;  // none: of all calls
    int errno_value = EIO;
    bool from_then_on = false;                  // the disk stays broken
    bool done_anyway = false;                   // the error comes after the deed
    std::function<void()> meanwhile = nullptr;  // no error: somebody acts first, then it is done
  };

  explicit FaultyFileSystem(FileSystem& real) : real_(real) {}

  // Forgets the counts.
  void Inject(const Fault& fault) { Begin(fault); }
  void Heal() { Begin(std::nullopt); }
  void ResetCounts() {
    const std::lock_guard lock(mutex_);
    seen_ = {};
  }
  void ShortWrites(std::size_t most) { most_written_ = most; }

  int total() const { return seen().total; }
  int count(Call kind) const { return seen().of_kind[static_cast<std::size_t>(kind)]; }
  bool hit() const { return seen().hit; }  // the fault was reached

  SysResult<UniqueFd> OpenFileSystemRoot() override {
    return Value<UniqueFd>(Call::kOpenFileSystemRoot, [&] { return real_.OpenFileSystemRoot(); });
  }
  SysResult<UniqueFd> OpenStep(int directory, const std::string& name, bool readable) override {
    return Value<UniqueFd>(Call::kOpenStep,
                           [&] { return real_.OpenStep(directory, name, readable); });
  }
  SysResult<UniqueFd> OpenBeneath(int directory, const std::string& name, int flags,
                                  mode_t mode) override {
    return Value<UniqueFd>(Call::kOpenBeneath,
                           [&] { return real_.OpenBeneath(directory, name, flags, mode); });
  }
  int MakeDirectory(int directory, const std::string& name, mode_t mode) override {
    return Plain(Call::kMakeDirectory, [&] { return real_.MakeDirectory(directory, name, mode); });
  }
  int Unlink(int directory, const std::string& name) override {
    return Plain(Call::kUnlink, [&] { return real_.Unlink(directory, name); });
  }
  int RemoveDirectory(int directory, const std::string& name) override {
    return Plain(Call::kRemoveDirectory, [&] { return real_.RemoveDirectory(directory, name); });
  }
  int Rename(int directory, const std::string& from, const std::string& to) override {
    return Plain(Call::kRename, [&] { return real_.Rename(directory, from, to); });
  }
  int Move(int from_directory, const std::string& from, int to_directory,
           const std::string& to) override {
    return Plain(Call::kMove, [&] { return real_.Move(from_directory, from, to_directory, to); });
  }
  SysResult<std::string> MountRoot(int fd) override { return real_.MountRoot(fd); }
  SysResult<struct stat> StatAt(int directory, const std::string& name) override {
    return Value<struct stat>(Call::kStatAt, [&] { return real_.StatAt(directory, name); });
  }
  SysResult<struct stat> StatPath(const std::string& path) override {
    return Value<struct stat>(Call::kStatPath, [&] { return real_.StatPath(path); });
  }
  SysResult<struct stat> Stat(int fd) override {
    return Value<struct stat>(Call::kStat, [&] { return real_.Stat(fd); });
  }
  int ChangeMode(int fd, mode_t mode) override {
    return Plain(Call::kChangeMode, [&] { return real_.ChangeMode(fd, mode); });
  }
  SysResult<std::size_t> Read(int fd, std::span<char> buffer) override {
    return Value<std::size_t>(Call::kRead, [&] { return real_.Read(fd, buffer); });
  }
  SysResult<std::size_t> Write(int fd, std::string_view bytes) override {
    const std::string_view some = bytes.substr(0, std::min(bytes.size(), most_written_));
    return Value<std::size_t>(Call::kWrite, [&] { return real_.Write(fd, some); });
  }
  int Truncate(int fd) override {
    return Plain(Call::kTruncate, [&] { return real_.Truncate(fd); });
  }
  void StartWriteback(int fd) override { real_.StartWriteback(fd); }
  int Sync(int fd) override {
    return Plain(Call::kSync, [&] { return real_.Sync(fd); });
  }
  SysResult<std::size_t> ReadEntries(int fd, std::span<char> buffer) override {
    return Value<std::size_t>(Call::kReadEntries, [&] { return real_.ReadEntries(fd, buffer); });
  }
  int Lock(int fd) override {
    return Plain(Call::kLock, [&] { return real_.Lock(fd); });
  }
  int Random(std::span<unsigned char> bytes) override {
    return Plain(Call::kRandom, [&] { return real_.Random(bytes); });
  }

 private:
  struct Seen {
    int total = 0;
    std::array<int, kCallKinds> of_kind{};
    bool hit = false;
  };
  void Begin(std::optional<Fault> fault) {
    const std::lock_guard lock(mutex_);
    seen_ = {};
    fault_ = fault;
  }
  Seen seen() const {
    const std::lock_guard lock(mutex_);
    return seen_;
  }
  // Counts the call; the fault when it is its turn.
  std::optional<Fault> Next(Call kind) {
    const std::lock_guard lock(mutex_);
    ++seen_.total;
    const int of_kind = ++seen_.of_kind[static_cast<std::size_t>(kind)];
    if (!fault_ || (fault_->kind && *fault_->kind != kind)) return std::nullopt;
    const int now = fault_->kind ? of_kind : seen_.total;
    if (now != fault_->call && !(fault_->from_then_on && now > fault_->call)) return std::nullopt;
    seen_.hit = true;
    return fault_;
  }
  template <class Do>
  int Plain(Call kind, Do act) {
    const std::optional<Fault> fault = Next(kind);
    if (fault && fault->meanwhile) fault->meanwhile();
    if (!fault || fault->meanwhile) return act();
    if (fault->done_anyway) static_cast<void>(act());
    return fault->errno_value;
  }
  template <class T, class Do>
  SysResult<T> Value(Call kind, Do act) {
    const std::optional<Fault> fault = Next(kind);
    if (fault && fault->meanwhile) fault->meanwhile();
    if (!fault || fault->meanwhile) return act();
    if (fault->done_anyway) static_cast<void>(act());
    return {T{}, fault->errno_value};
  }

  FileSystem& real_;
  mutable std::mutex mutex_;  // guards the next two
  std::optional<Fault> fault_;
  Seen seen_;
  std::size_t most_written_ = static_cast<std::size_t>(-1);
};

}  // namespace seccompd::node
