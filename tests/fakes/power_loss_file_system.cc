// SPDX-License-Identifier: Apache-2.0
#include "fakes/power_loss_file_system.h"

#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

namespace seccompd::node {

PowerLossFileSystem::PowerLossFileSystem() : root_(NewInode(S_IFDIR | 0755)) {}

void PowerLossFileSystem::CutPowerAt(int call) {
  calls_ = 0;
  cut_at_ = call;
}

bool PowerLossFileSystem::Dies() {
  ++calls_;
  if (calls_ == cut_at_) off_ = true;
  return off_;
}

std::shared_ptr<PowerLossFileSystem::Inode> PowerLossFileSystem::NewInode(mode_t mode) {
  auto inode = std::make_shared<Inode>();
  inode->number = ++inodes_;
  inode->mode = inode->flushed_mode = mode;
  return inode;
}

UniqueFd PowerLossFileSystem::Descriptor(std::shared_ptr<Inode> inode) {
  UniqueFd fd(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  open_[fd.get()] = Open{std::move(inode)};
  return fd;
}

PowerLossFileSystem::Open* PowerLossFileSystem::Find(int fd) {
  const auto found = open_.find(fd);
  return found == open_.end() ? nullptr : &found->second;
}

std::shared_ptr<PowerLossFileSystem::Inode> PowerLossFileSystem::Directory(int fd) {
  Open* open = Find(fd);
  return open != nullptr && open->inode->is_directory() ? open->inode : nullptr;
}

std::shared_ptr<PowerLossFileSystem::Inode> PowerLossFileSystem::Lookup(int directory,
                                                                        const std::string& name,
                                                                        int& error) {
  const auto in = Directory(directory);
  error = in ? 0 : EBADF;
  if (!in || name == ".") return in;
  const auto found = in->entries.find(name);
  if (found != in->entries.end()) return found->second;
  error = ENOENT;
  return nullptr;
}

void PowerLossFileSystem::Apply(Inode& directory, Change change) {
  change(directory.entries);
  directory.unflushed.push_back(std::move(change));
}

SysResult<UniqueFd> PowerLossFileSystem::OpenFileSystemRoot() {
  if (Dies()) return {UniqueFd(), EIO};
  return {Descriptor(root_), 0};
}

SysResult<UniqueFd> PowerLossFileSystem::OpenStep(int directory, const std::string& name, bool) {
  if (Dies()) return {UniqueFd(), EIO};
  int error = 0;
  auto inode = Lookup(directory, name, error);
  if (!inode) return {UniqueFd(), error};
  if (!inode->is_directory()) return {UniqueFd(), ENOTDIR};
  return {Descriptor(std::move(inode)), 0};
}

SysResult<UniqueFd> PowerLossFileSystem::OpenBeneath(int directory, const std::string& name,
                                                     int flags, mode_t mode) {
  if (Dies()) return {UniqueFd(), EIO};
  int error = 0;
  auto inode = Lookup(directory, name, error);
  if (!inode && error == ENOENT && (flags & O_CREAT) != 0) {
    inode = NewInode(S_IFREG | mode);
    Apply(*Directory(directory), [name, inode](Entries& entries) { entries[name] = inode; });
    return {Descriptor(std::move(inode)), 0};
  }
  if (!inode) return {UniqueFd(), error};
  if ((flags & O_EXCL) != 0) return {UniqueFd(), EEXIST};
  if ((flags & O_DIRECTORY) != 0 && !inode->is_directory()) return {UniqueFd(), ENOTDIR};
  if ((flags & O_ACCMODE) != O_RDONLY && inode->is_directory()) return {UniqueFd(), EISDIR};
  return {Descriptor(std::move(inode)), 0};
}

int PowerLossFileSystem::MakeDirectory(int directory, const std::string& name, mode_t mode) {
  if (Dies()) return EIO;
  int error = 0;
  if (Lookup(directory, name, error)) return EEXIST;
  if (error != ENOENT) return error;
  const auto made = NewInode(S_IFDIR | mode);
  Apply(*Directory(directory), [name, made](Entries& entries) { entries[name] = made; });
  return 0;
}

int PowerLossFileSystem::Unlink(int directory, const std::string& name) {
  if (Dies()) return EIO;
  int error = 0;
  const auto inode = Lookup(directory, name, error);
  if (!inode) return error;
  if (inode->is_directory()) return EISDIR;
  Apply(*Directory(directory), [name](Entries& entries) { entries.erase(name); });
  inode->links = 0;
  return 0;
}

int PowerLossFileSystem::RemoveDirectory(int directory, const std::string& name) {
  if (Dies()) return EIO;
  int error = 0;
  const auto inode = Lookup(directory, name, error);
  if (!inode) return error;
  if (!inode->is_directory()) return ENOTDIR;
  if (!inode->entries.empty()) return ENOTEMPTY;
  Apply(*Directory(directory), [name](Entries& entries) { entries.erase(name); });
  inode->links = 0;
  return 0;
}

int PowerLossFileSystem::Rename(int directory, const std::string& from, const std::string& to) {
  if (Dies()) return EIO;
  int error = 0;
  const auto inode = Lookup(directory, from, error);
  if (!inode) return error;
  if (const auto there = Lookup(directory, to, error); there) {
    if (there->is_directory() && !inode->is_directory()) return EISDIR;
    there->links = 0;
  }
  Apply(*Directory(directory), [from, to, inode](Entries& entries) {
    entries.erase(from);
    entries[to] = inode;
  });
  return 0;
}

struct stat PowerLossFileSystem::StatOf(const Inode& inode) const {
  struct stat found {};
  found.st_dev = 7;
  found.st_ino = inode.number;
  found.st_mode = inode.mode;
  found.st_uid = ::geteuid();
  found.st_nlink = inode.links;
  found.st_size = static_cast<off_t>(inode.bytes.size());
  return found;
}

SysResult<struct stat> PowerLossFileSystem::StatAt(int directory, const std::string& name) {
  if (Dies()) return {{}, EIO};
  int error = 0;
  const auto inode = Lookup(directory, name, error);
  if (!inode) return {{}, error};
  return {StatOf(*inode), 0};
}

SysResult<struct stat> PowerLossFileSystem::StatPath(const std::string& path) {
  if (Dies()) return {{}, EIO};
  auto inode = root_;
  for (std::size_t at = 1; at < path.size();) {
    const std::size_t end = std::min(path.find('/', at), path.size());
    const auto found = inode->entries.find(path.substr(at, end - at));
    if (found == inode->entries.end()) return {{}, ENOENT};
    inode = found->second;
    at = end + 1;
  }
  return {StatOf(*inode), 0};
}

SysResult<struct stat> PowerLossFileSystem::Stat(int fd) {
  if (Dies()) return {{}, EIO};
  const Open* open = Find(fd);
  if (open == nullptr) return {{}, EBADF};
  return {StatOf(*open->inode), 0};
}

int PowerLossFileSystem::ChangeMode(int fd, mode_t mode) {
  if (Dies()) return EIO;
  Open* open = Find(fd);
  if (open == nullptr) return EBADF;
  open->inode->mode = (open->inode->mode & S_IFMT) | mode;
  return 0;
}

SysResult<std::size_t> PowerLossFileSystem::Read(int fd, std::span<char> buffer) {
  if (Dies()) return {0, EIO};
  Open* open = Find(fd);
  if (open == nullptr) return {0, EBADF};
  if (open->inode->is_directory()) return {0, EISDIR};
  const std::string_view rest = std::string_view(open->inode->bytes).substr(open->at);
  const std::size_t count = rest.copy(buffer.data(), buffer.size());
  open->at += count;
  return {count, 0};
}

SysResult<std::size_t> PowerLossFileSystem::Write(int fd, std::string_view bytes) {
  if (Dies()) return {0, EIO};
  Open* open = Find(fd);
  if (open == nullptr) return {0, EBADF};
  const std::string_view some = bytes.substr(0, 64);  // so that the power also goes in between
  open->inode->bytes.replace(std::min(open->at, open->inode->bytes.size()), some.size(), some);
  open->at += some.size();
  return {some.size(), 0};
}

int PowerLossFileSystem::Truncate(int fd) {
  if (Dies()) return EIO;
  Open* open = Find(fd);
  if (open == nullptr) return EBADF;
  open->inode->bytes.clear();
  return 0;
}

int PowerLossFileSystem::Sync(int fd) {
  if (Dies()) return EIO;
  Open* open = Find(fd);
  if (open == nullptr) return EBADF;
  Inode& inode = *open->inode;
  inode.flushed_mode = inode.mode;
  inode.flushed_bytes = inode.bytes;
  inode.flushed_entries = inode.entries;
  inode.unflushed.clear();
  return 0;
}

SysResult<std::size_t> PowerLossFileSystem::ReadEntries(int fd, std::span<char> buffer) {
  if (Dies()) return {0, EIO};
  Open* open = Find(fd);
  if (open == nullptr || !open->inode->is_directory()) return {0, EBADF};
  if (std::exchange(open->listed, true)) return {0, 0};
  std::size_t used = 0;
  for (const auto& [name, inode] : open->inode->entries) {
    const std::size_t size = (offsetof(dirent64, d_name) + name.size() + 1 + 7) / 8 * 8;
    if (used + size > buffer.size()) return {0, EINVAL};  // no test has that many
    dirent64 entry{};
    entry.d_ino = inode->number;
    entry.d_reclen = static_cast<decltype(entry.d_reclen)>(size);
    std::memcpy(&buffer[used], &entry, offsetof(dirent64, d_name));
    std::memcpy(&buffer[used + offsetof(dirent64, d_name)], name.c_str(), name.size() + 1);
    used += size;
  }
  return {used, 0};
}

int PowerLossFileSystem::Lock(int fd) {
  if (Dies()) return EIO;
  return Find(fd) == nullptr ? EBADF : 0;
}

int PowerLossFileSystem::Random(std::span<unsigned char> bytes) {
  if (Dies()) return EIO;
  for (unsigned char& byte : bytes) byte = static_cast<unsigned char>(names_());
  return 0;
}

// From what is in memory to what is on the disk. A file has one entry only, a directory too.
void PowerLossFileSystem::Settle(Inode& inode, Fate fate, std::mt19937& random) {
  const auto reaches = [&] {
    return fate == Fate::kEverything || (fate == Fate::kDrawn && random() % 2 == 0);
  };
  if (!reaches()) inode.mode = inode.flushed_mode;
  if (inode.bytes != inode.flushed_bytes && fate != Fate::kEverything) {
    // The length may be on the disk before the bytes are: zeros, as ext4 and XFS show them.
    const std::size_t written =
        fate == Fate::kDrawn ? random() % (inode.bytes.size() + 1) : std::size_t{0};
    std::string torn = inode.bytes.substr(0, written);
    if (reaches()) torn.resize(inode.bytes.size(), '\0');
    inode.bytes = written == 0 ? inode.flushed_bytes : torn;
  }
  Entries entries = inode.flushed_entries;
  for (const Change& change : inode.unflushed) {
    if (reaches()) change(entries);
  }
  inode.entries = std::move(entries);
  inode.unflushed.clear();
  inode.flushed_mode = inode.mode;
  inode.flushed_bytes = inode.bytes;
  inode.flushed_entries = inode.entries;
  inode.links = 1;
  for (const auto& [name, below] : inode.flushed_entries) Settle(*below, fate, random);
}

void PowerLossFileSystem::Reboot(Fate fate, std::mt19937& random) {
  Settle(*root_, fate, random);
  open_.clear();
  calls_ = 0;
  cut_at_ = 0;
  off_ = false;
}

}  // namespace seccompd::node
