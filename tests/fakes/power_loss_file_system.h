// SPDX-License-Identifier: Apache-2.0
#pragma once
// A file system in memory that knows what a disk would still hold after the power went: a file's
// bytes and mode from its fsync on, a directory's entries from the directory's fsync on. What was
// not flushed may have reached the disk or not, each change by itself, and bytes in part: Reboot()
// draws. Descriptors are real numbers (of /dev/null), so that UniqueFd may close them.
// Not thread-safe.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "seccompd/node/file_system.h"

namespace seccompd::node {

class PowerLossFileSystem final : public FileSystem {
 public:
  PowerLossFileSystem();

  // The power goes before the call-th call from now (from 1): that call and all later ones fail and
  // do nothing.
  void CutPowerAt(int call);
  bool is_off() const { return off_; }
  int calls() const { return calls_; }  // since CutPowerAt or Reboot
  // What may be on the disk then. Every open descriptor is dead.
  enum class Fate { kOnlyFlushed, kEverything, kDrawn };
  void Reboot(Fate fate, std::mt19937& random);

  SysResult<UniqueFd> OpenFileSystemRoot() override;
  SysResult<UniqueFd> OpenStep(int directory, const std::string& name, bool readable) override;
  SysResult<UniqueFd> OpenBeneath(int directory, const std::string& name, int flags,
                                  mode_t mode) override;
  int MakeDirectory(int directory, const std::string& name, mode_t mode) override;
  int Unlink(int directory, const std::string& name) override;
  int RemoveDirectory(int directory, const std::string& name) override;
  int Rename(int directory, const std::string& from, const std::string& to) override;
  SysResult<struct stat> StatAt(int directory, const std::string& name) override;
  SysResult<struct stat> StatPath(const std::string& path) override;
  SysResult<struct stat> Stat(int fd) override;
  int ChangeMode(int fd, mode_t mode) override;
  SysResult<std::size_t> Read(int fd, std::span<char> buffer) override;
  SysResult<std::size_t> Write(int fd, std::string_view bytes) override;
  int Truncate(int fd) override;
  void StartWriteback(int fd) override { static_cast<void>(fd); }
  int Sync(int fd) override;
  SysResult<std::size_t> ReadEntries(int fd, std::span<char> buffer) override;
  int Lock(int fd) override;
  int Random(std::span<unsigned char> bytes) override;

 private:
  struct Inode;
  using Entries = std::map<std::string, std::shared_ptr<Inode>>;
  // One change of a directory: a rename is one, so it happens as a whole or not at all.
  using Change = std::function<void(Entries&)>;
  struct Inode {
    std::uint64_t number = 0;
    mode_t mode = 0;  // with the type
    mode_t flushed_mode = 0;
    std::string bytes, flushed_bytes;
    Entries entries, flushed_entries;
    std::vector<Change> unflushed;
    std::size_t links = 1;
    bool is_directory() const { return S_ISDIR(mode); }
  };
  struct Open {
    std::shared_ptr<Inode> inode;
    std::size_t at = 0;
    bool listed = false;
  };

  bool Dies();  // counts a call
  std::shared_ptr<Inode> NewInode(mode_t mode);
  UniqueFd Descriptor(std::shared_ptr<Inode> inode);
  Open* Find(int fd);
  std::shared_ptr<Inode> Directory(int fd);
  std::shared_ptr<Inode> Lookup(int directory, const std::string& name, int& error);
  static void Apply(Inode& directory, Change change);
  struct stat StatOf(const Inode& inode) const;
  void Settle(Inode& inode, Fate fate, std::mt19937& random);

  std::shared_ptr<Inode> root_;
  std::map<int, Open> open_;
  std::uint64_t inodes_ = 0;
  std::mt19937 names_{1};
  int calls_ = 0;
  int cut_at_ = 0;
  bool off_ = false;
};

}  // namespace seccompd::node
