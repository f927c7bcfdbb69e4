// SPDX-License-Identifier: Apache-2.0
#include "seccompd/node/directory_watch.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <functional>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "seccompd/base/unique_fd.h"

#include "node/temp_dir.h"

namespace seccompd::node {
namespace {

namespace fs = std::filesystem;

class DirectoryWatchTest : public testing::Test {
 protected:
  DirectoryWatchTest() { fs::create_directory(watched_); }
  DirectoryWatch::Changes Read() { return *watch_->Read(); }
  bool IsReadable() const {
    pollfd waiting{watch_->fd(), POLLIN, 0};
    return ::poll(&waiting, 1, 0) == 1;
  }
  TempDir dir_;
  std::string watched_ = dir_ / "watched";
  std::unique_ptr<DirectoryWatch> watch_ = *DirectoryWatch::Open();
};

TEST_F(DirectoryWatchTest, SaysOnceThatADirectoryChanged) {
  struct Row {
    const char* name;
    std::function<void(const fs::path&)> act;
  };
  const std::vector<Row> rows{
      {"create", [](const fs::path& d) { Spit(d / "a", "1"); }},
      {"write", [](const fs::path& d) { Spit(d / "a", "2"); }},
      {"chmod", [](const fs::path& d) { ::chmod((d / "a").c_str(), 0666); }},
      {"rename within", [](const fs::path& d) { fs::rename(d / "a", d / "b"); }},
      {"rename out", [](const fs::path& d) { fs::rename(d / "b", d.parent_path() / "b"); }},
      {"rename in", [](const fs::path& d) { fs::rename(d.parent_path() / "b", d / "b"); }},
      {"symlink", [](const fs::path& d) { fs::create_symlink("x", d / "link"); }},
      {"remove", [](const fs::path& d) { fs::remove(d / "b"); }},
  };
  ASSERT_TRUE(watch_->Add(watched_).ok());
  EXPECT_FALSE(IsReadable());
  for (const Row& row : rows) {
    SCOPED_TRACE(row.name);
    row.act(watched_);
    EXPECT_TRUE(IsReadable());
    const auto changes = Read();
    EXPECT_EQ(changes.directories, std::vector<std::string>{watched_});
    EXPECT_TRUE(changes.gone.empty());
    EXPECT_FALSE(changes.overflow);
    EXPECT_FALSE(IsReadable());
  }
  EXPECT_TRUE(Read().directories.empty());
}

TEST_F(DirectoryWatchTest, SaysWhenADirectoryIsGone) {
  ASSERT_TRUE(watch_->Add(watched_).ok());
  fs::rename(watched_, dir_ / "renamed");
  EXPECT_EQ(Read().gone, std::vector<std::string>{watched_});
  Spit(dir_ / "renamed/a", "x");
  EXPECT_TRUE(Read().directories.empty());  // it is not ours any more

  fs::create_directory(watched_);
  ASSERT_TRUE(watch_->Add(watched_).ok());
  Spit(watched_ + "/a", "x");
  EXPECT_EQ(Read().directories, std::vector<std::string>{watched_});
  fs::remove_all(watched_);
  EXPECT_EQ(Read().gone, std::vector<std::string>{watched_});
}

TEST_F(DirectoryWatchTest, WatchesBehindADescriptor) {
  const UniqueFd directory(::open(watched_.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  const std::string path = "/proc/self/fd/" + std::to_string(directory.get());
  ASSERT_TRUE(watch_->Add(path).ok());
  Spit(watched_ + "/a", "x");
  EXPECT_EQ(Read().directories, std::vector<std::string>{path});
}

TEST_F(DirectoryWatchTest, RefusesWhatIsNoDirectory) {
  EXPECT_EQ(watch_->Add(dir_ / "missing").error().code, ErrorCode::kNotFound);
  Spit(dir_ / "file", "x");
  EXPECT_EQ(watch_->Add(dir_ / "file").error().code, ErrorCode::kInvalid);
}

TEST_F(DirectoryWatchTest, SaysThatEventsWereLost) {
  ASSERT_TRUE(watch_->Add(watched_).ok());
  const int limit = std::atoi(Slurp("/proc/sys/fs/inotify/max_queued_events").c_str());
  ASSERT_GT(limit, 0);
  if (limit > 200'000) SECCOMPD_CANNOT_RUN("fs.inotify.max_queued_events is too large to overflow");
  Spit(watched_ + "/a", "x");
  for (int i = 0; i <= limit;
       ++i) {  // two kinds in turn: equal neighbours are merged by the kernel
    ASSERT_EQ(::rename((watched_ + (i % 2 == 0 ? "/a" : "/b")).c_str(),
                       (watched_ + (i % 2 == 0 ? "/b" : "/a")).c_str()),
              0);
  }
  bool overflow = false;
  for (int i = 0; i < 1000 && IsReadable(); ++i) overflow = Read().overflow || overflow;
  EXPECT_TRUE(overflow);
  EXPECT_FALSE(IsReadable());
  Spit(watched_ + "/c", "x");
  EXPECT_EQ(Read().directories, std::vector<std::string>{watched_});
}

TEST_F(DirectoryWatchTest, NamesTheLimitThatIsReached) {
  const int limit = std::atoi(Slurp("/proc/sys/fs/inotify/max_user_instances").c_str());
  if (limit > 10'000) SECCOMPD_CANNOT_RUN("fs.inotify.max_user_instances is too large to reach");
  std::vector<std::unique_ptr<DirectoryWatch>> all;
  for (int i = 0; i <= limit; ++i) {
    auto opened = DirectoryWatch::Open();
    if (opened.ok()) {
      all.push_back(*std::move(opened));
      continue;
    }
    EXPECT_EQ(opened.error().code, ErrorCode::kTransient);
    EXPECT_NE(opened.error().message.find("fs.inotify.max_user_instances"), std::string::npos);
    return;
  }
  FAIL() << "more instances than the limit";
}

TEST(ReadSmallFileTest, ReadsRegularFilesOnly) {
  const TempDir dir;
  Spit(dir / "file", "12345");
  fs::create_symlink("file", dir / "link");
  fs::create_symlink("fifo", dir / "link-to-fifo");
  ASSERT_EQ(::mkfifo((dir / "fifo").c_str(), 0600), 0);
  EXPECT_EQ(*ReadSmallFile(dir / "file", 5), "12345");
  EXPECT_EQ(ReadSmallFile(dir / "file", 4).error().code, ErrorCode::kInvalid);
  EXPECT_EQ(ReadSmallFile(dir / "link", 5).error().code, ErrorCode::kInvalid);
  EXPECT_EQ(*ReadSmallFile(dir / "link", 5, true), "12345");
  EXPECT_EQ(ReadSmallFile(dir / "fifo", 5).error().code, ErrorCode::kInvalid);
  EXPECT_EQ(ReadSmallFile(dir / "link-to-fifo", 5, true).error().code, ErrorCode::kInvalid);
  EXPECT_EQ(ReadSmallFile(dir.path(), 5).error().code, ErrorCode::kInvalid);
  EXPECT_EQ(ReadSmallFile("/dev/zero", 5).error().code, ErrorCode::kInvalid);
  EXPECT_EQ(ReadSmallFile(dir / "missing", 5).error().code, ErrorCode::kNotFound);
  EXPECT_EQ(ReadSmallFile("/proc/self/status", 5).error().code, ErrorCode::kInvalid);
  EXPECT_FALSE(ReadSmallFile("/proc/self/status", 1 << 20)->empty());
}

}  // namespace
}  // namespace seccompd::node
