// SPDX-License-Identifier: Apache-2.0
#pragma once
// A directory of a test's own, and what tests of the store ask the disk, by plain std::filesystem
// and stat: not by the code under test.

#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <memory>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include "seccompd/node/store.h"

#include "fakes/cannot_run.h"
#include "gtest/gtest.h"

namespace seccompd::node {

class TempDir {
 public:
  TempDir() {
    // In memory where that is possible: these tests make ten thousands of flushes.
    const bool shm = ::access("/dev/shm", W_OK | X_OK) == 0;
    std::string pattern =
        (shm ? std::filesystem::path("/dev/shm") : std::filesystem::temp_directory_path()) /
        "seccompd-node-XXXXXX";
    if (::mkdtemp(pattern.data()) == nullptr) std::abort();
    path_ = pattern;
  }
  explicit TempDir(const std::filesystem::path& path) : path_(path) {}
  ~TempDir() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;

  const std::filesystem::path& path() const { return path_; }
  std::string operator/(const std::string& name) const { return path_ / name; }

 private:
  std::filesystem::path path_;
};

inline std::string Slurp(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

inline void Spit(const std::filesystem::path& path, const std::string& text) {
  std::ofstream(path, std::ios::binary | std::ios::trunc) << text;
}

inline mode_t ModeOf(const std::filesystem::path& path) {
  struct stat found {};
  return ::lstat(path.c_str(), &found) == 0 ? found.st_mode & 07777 : 0;
}

inline ino_t InodeOf(const std::filesystem::path& path) {
  struct stat found {};
  return ::lstat(path.c_str(), &found) == 0 ? found.st_ino : 0;
}

// Names below `path` that begin with `prefix`, however deep.
inline std::vector<std::string> NamesWith(const std::filesystem::path& path,
                                          const std::string& prefix) {
  std::vector<std::string> found;
  std::error_code error;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(path, error)) {
    if (entry.path().filename().string().starts_with(prefix)) found.push_back(entry.path());
  }
  return found;
}

inline ProfilePath PathOf(const std::string& name_space, const std::string& name) {
  return ProfilePath::Make(name_space, name).value();
}

// A seccomp root and a state directory, and a store on them.
struct StoreFixture {
  TempDir dir;
  StoreOptions options{dir / "seccomp", dir / "state"};
  explicit StoreFixture(mode_t directory_mode = 0700, mode_t file_mode = 0600) {
    options.directory_mode = directory_mode;
    options.file_mode = file_mode;
    std::filesystem::create_directory(options.seccomp_root);
    ::chmod(options.seccomp_root.c_str(), 0755);
  }
  std::filesystem::path Tenants() const {
    return std::filesystem::path(options.seccomp_root) / "tenants";
  }
  std::filesystem::path FileOf(const std::string& name_space, const std::string& name) const {
    return Tenants() / name_space / (name + ".json");
  }
  std::unique_ptr<ProfileStore> Open(FileSystem& file_system = RealFileSystem()) const {
    return ProfileStore::Open(file_system, options).value();
  }
};

}  // namespace seccompd::node
