// SPDX-License-Identifier: Apache-2.0
#include "seccompd/node/drift_watch.h"

#include <fcntl.h>
#include <poll.h>

#include <gtest/gtest.h>

#include "seccompd/base/unique_fd.h"

#include "node/temp_dir.h"

namespace seccompd::node {
namespace {

namespace fs = std::filesystem;
using Entries = std::set<std::pair<std::string, std::string>>;

class DriftWatchTest : public testing::Test {
 protected:
  DriftWatchTest() {
    fs::create_directory(team_);
    EXPECT_TRUE(*Watch("", tenants_.path()));
    EXPECT_TRUE(*Watch("team", team_));
  }
  Result<bool> Watch(const std::string& name, const fs::path& path) {
    const UniqueFd directory(::open(path.c_str(), O_RDONLY | O_DIRECTORY));
    return watch_->Watch(name, directory.get());
  }
  DriftWatch::Changes Read() { return *watch_->Read(); }
  TempDir tenants_;
  std::string team_ = tenants_ / "team";
  std::unique_ptr<DriftWatch> watch_ = *DriftWatch::Open();
};

TEST_F(DriftWatchTest, NamesTheEntryThatSomethingHappenedTo) {
  const std::string file = team_ + "/web.json";
  struct Row {
    const char* name;
    std::function<void()> act;
  };
  std::ofstream open_for_long;
  const Row rows[] = {
      {"created", [&] { Spit(file, "1"); }},
      {"written and kept open",
       [&] {
         open_for_long.open(file);
         open_for_long << "2" << std::flush;
       }},
      {"closed", [&] { open_for_long.close(); }},
      {"mode", [&] { fs::permissions(file, fs::perms::all); }},
      {"removed", [&] { fs::remove(file); }},
      {"symlink", [&] { fs::create_symlink("/nowhere", file); }},
      {"renamed onto",
       [&] {
         Spit(tenants_ / ".tmp-0123456789abcdef0123456789abcdef", "3");
         fs::rename(tenants_ / ".tmp-0123456789abcdef0123456789abcdef", file);
       }},
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(row.name);
    row.act();
    const auto changes = Read();
    EXPECT_EQ(changes.entries, (Entries{{"team", "web.json"}}));
    EXPECT_TRUE(changes.directories.empty());
    EXPECT_FALSE(changes.overflow);
  }
  EXPECT_TRUE(Read().entries.empty());
}

TEST_F(DriftWatchTest, ADirectorysOwnChangesAreToldUnderItsName) {
  fs::permissions(team_, fs::perms::all);
  auto changes = Read();
  EXPECT_TRUE(changes.directories.contains("team"));
  EXPECT_TRUE(changes.entries.contains({"", "team"}));

  fs::rename(team_, tenants_ / "other");
  changes = Read();
  EXPECT_TRUE(changes.directories.contains("team"));
  EXPECT_EQ(changes.entries, (Entries{{"", "team"}, {"", "other"}}));
  EXPECT_TRUE(*Watch("other", tenants_ / "other")) << "the same directory under its new name";
  EXPECT_FALSE(*Watch("other", tenants_ / "other"));
  Spit(tenants_ / "other/x", "x");
  EXPECT_EQ(Read().entries, (Entries{{"other", "x"}}));

  fs::create_directory(team_);
  EXPECT_TRUE(*Watch("team", team_));
  static_cast<void>(Read());
  fs::remove_all(tenants_ / "other");
  EXPECT_TRUE(Read().directories.contains("other"));
  watch_->Forget("team");
  static_cast<void>(Read());
  Spit(team_ + "/y", "y");
  EXPECT_TRUE(Read().entries.empty());
}

TEST_F(DriftWatchTest, AFilesOwnWatchTellsWhatIsDoneByAnotherName) {
  const auto watch_file = [&](const std::string& entry) {
    const UniqueFd directory(::open(team_.c_str(), O_PATH | O_DIRECTORY));
    return watch_->WatchFile("team", directory.get(), entry).ok();
  };
  const std::string file = team_ + "/web.json";
  Spit(file, "1");
  static_cast<void>(Read());
  fs::create_hard_link(file, tenants_ / "outside");
  EXPECT_EQ(Read().entries, (Entries{{"", "outside"}})) << "a directory's watch does not tell";
  fs::remove(tenants_ / "outside");
  EXPECT_TRUE(watch_file("web.json"));
  EXPECT_TRUE(watch_file("web.json"));
  EXPECT_TRUE(watch_file("missing.json"));
  static_cast<void>(Read());

  const TempDir elsewhere;
  fs::create_hard_link(file, elsewhere / "link");
  EXPECT_EQ(Read().entries, (Entries{{"team", "web.json"}}));
  std::ofstream(elsewhere / "link", std::ios::app) << "2";
  EXPECT_EQ(Read().entries, (Entries{{"team", "web.json"}}));

  Spit(team_ + "/new", "3");
  fs::rename(team_ + "/new", file);
  EXPECT_TRUE(Read().entries.contains({"team", "web.json"}));
  EXPECT_TRUE(watch_file("web.json")) << "in place of the old one";
  static_cast<void>(Read());
  std::ofstream(elsewhere / "link", std::ios::app) << "4";
  EXPECT_TRUE(Read().entries.empty()) << "the old one is nobody's";
  fs::create_symlink("/nowhere", team_ + "/symlink");
  static_cast<void>(Read());
  EXPECT_TRUE(watch_file("symlink")) << "itself, not what it names";
}

TEST_F(DriftWatchTest, AStormEndsInAnOverflowNotInMemory) {
  const int limit = std::atoi(Slurp("/proc/sys/fs/inotify/max_queued_events").c_str());
  ASSERT_GT(limit, 0);
  if (limit > 200'000) SECCOMPD_CANNOT_RUN("fs.inotify.max_queued_events is too large to overflow");
  Spit(team_ + "/a", "x");
  for (int i = 0; i <= limit; ++i) {  // two names in turn: equal neighbours are merged
    ASSERT_EQ(::rename((team_ + (i % 2 == 0 ? "/a" : "/b")).c_str(),
                       (team_ + (i % 2 == 0 ? "/b" : "/a")).c_str()),
              0);
  }
  bool overflow = false;
  std::size_t entries = 0;
  pollfd waiting{watch_->fd(), POLLIN, 0};
  while (::poll(&waiting, 1, 0) == 1) {
    const auto changes = Read();
    overflow = overflow || changes.overflow;
    entries = std::max(entries, changes.entries.size());
  }
  EXPECT_TRUE(overflow);
  EXPECT_EQ(entries, 2U) << "each entry once, however often it changed";
}

}  // namespace
}  // namespace seccompd::node
