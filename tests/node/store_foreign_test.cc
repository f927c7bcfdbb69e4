// SPDX-License-Identifier: Apache-2.0
// Entries that are nobody's: found, looked at and taken away, and nothing else with them.
#include <sys/stat.h>

#include <gtest/gtest.h>

#include "fakes/faulty_file_system.h"
#include "node/temp_dir.h"

namespace seccompd::node {
namespace {

namespace fs = std::filesystem;

std::vector<std::string> Quarantined(const StoreFixture& fixture) {
  return NamesWith(fixture.options.state_dir + "/quarantine", "");
}

struct Row {
  const char* name;
  std::function<void(const fs::path& file)> place;
  bool is_profile_path;
};

std::vector<Row> Rows() {
  return {
      {"file", [](const fs::path& file) { Spit(file, "foreign"); }, true},
      {"symlink", [](const fs::path& file) { fs::create_symlink("decoy", file); }, false},
      {"fifo", [](const fs::path& file) { ::mkfifo(file.c_str(), 0666); }, false},
      {"directory", [](const fs::path& file) { fs::create_directory(file); }, false},
      {"directory with content",
       [](const fs::path& file) {
         fs::create_directory(file);
         Spit(file / "inside", "x");
       },
       false},
  };
}

TEST(ProfileStoreForeignTest, AnEntryIsMovedIntoQuarantineAsItIs) {
  for (const Row& row : Rows()) {
    SCOPED_TRACE(row.name);
    const StoreFixture fixture;
    const auto store = fixture.Open();
    ASSERT_TRUE(store->Put(PathOf("a", "ours"), "ours").ok());
    const fs::path file = fixture.FileOf("a", "x");
    row.place(file);
    const ino_t inode = InodeOf(file);
    const auto found = *store->Look("a", "x.json");
    ASSERT_TRUE(found.has_value());
    EXPECT_EQ(found->is_profile_path, row.is_profile_path);
    EXPECT_EQ(*store->TakeAway(*found), TakenAway::kQuarantined);
    EXPECT_FALSE(fs::exists(fs::symlink_status(file)));
    ASSERT_GE(Quarantined(fixture).size(), 1U);
    bool kept = false;
    for (const std::string& path : Quarantined(fixture)) kept = kept || InodeOf(path) == inode;
    EXPECT_TRUE(kept) << "the very inode, not a copy";
    EXPECT_EQ(Slurp(fixture.FileOf("a", "ours")), "ours");
    EXPECT_FALSE(store->Look("a", "x.json")->has_value());
  }
}

TEST(ProfileStoreForeignTest, OnAnotherFileSystemItIsRemovedAndAFullDirectoryIsLeft) {
  for (const Row& row : Rows()) {
    SCOPED_TRACE(row.name);
    const StoreFixture fixture;
    FaultyFileSystem faulty(RealFileSystem());
    const auto store = fixture.Open(faulty);
    ASSERT_TRUE(store->Put(PathOf("a", "ours"), "ours").ok());
    row.place(fixture.FileOf("a", "x"));
    faulty.Inject({.call = 1, .kind = Call::kMove, .errno_value = EXDEV});
    const bool is_full = std::string(row.name) == "directory with content";
    EXPECT_EQ(*store->TakeAway(**store->Look("a", "x.json")),
              is_full ? TakenAway::kLeft : TakenAway::kRemoved);
    EXPECT_EQ(fs::exists(fs::symlink_status(fixture.FileOf("a", "x"))), is_full);
    EXPECT_TRUE(Quarantined(fixture).empty());
  }
}

TEST(ProfileStoreForeignTest, TheQuarantineIsBoundedAndNamesInItAreSafe) {
  const StoreFixture fixture;
  auto store = fixture.Open();
  ASSERT_TRUE(store->Put(PathOf("a", "ours"), "ours").ok());  // its directory stays
  const auto take = [&](const std::string& name) {
    Spit(fixture.Tenants() / "a" / name, name);
    return *store->TakeAway(**store->Look("a", name));
  };
  EXPECT_EQ(take("-rf \n\x1b[31m;\xff"), TakenAway::kQuarantined);
  for (const fs::path path : Quarantined(fixture)) {
    EXPECT_EQ(path.filename().string().find_first_not_of(
                  "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_"),
              std::string::npos)
        << path;
  }
  for (int i = 1; i < 100; ++i) {
    ASSERT_EQ(take("f" + std::to_string(i)), TakenAway::kQuarantined) << i;
    if (i == 50) store = fixture.Open();  // a restart counts what is there
  }
  EXPECT_EQ(take("one.too.many"), TakenAway::kRemoved);
  EXPECT_EQ(Quarantined(fixture).size(), 100U);
}

TEST(ProfileStoreForeignTest, LooksAtTenantsItself) {
  const StoreFixture fixture;
  const auto store = fixture.Open();
  fs::create_directory(fixture.Tenants() / "empty");
  fs::create_directory(fixture.Tenants() / "No-Namespace");
  const fs::path outside = fs::path(fixture.dir.path()) / "outside";
  fs::create_directory(outside);
  Spit(outside / "passwd", "the host's");
  fs::create_symlink(outside, fixture.Tenants() / "link");
  EXPECT_FALSE(store->Look("empty", "")->has_value());
  EXPECT_FALSE(store->Look("missing", "")->has_value());
  EXPECT_FALSE(store->Look("link", "passwd")->has_value()) << "never through a symlink";
  for (const char* name : {"No-Namespace", "link"}) {
    const auto found = *store->Look(name, "");
    ASSERT_TRUE(found.has_value()) << name;
    EXPECT_EQ(*store->TakeAway(*found), TakenAway::kQuarantined);
  }
  EXPECT_TRUE(fs::exists(outside / "passwd"));
  EXPECT_EQ(*store->Namespaces(), std::vector<std::string>{"empty"});
}

TEST(ProfileStoreForeignTest, AnotherTenantsDirectoryIsCountedAsAnotherRoot) {
  const StoreFixture fixture;
  const auto store = fixture.Open();
  ASSERT_TRUE(store->Put(PathOf("a", "x"), "text").ok());
  const auto before = store->root_changes();
  EXPECT_TRUE(store->VerifyRoot().ok());
  EXPECT_EQ(store->root_changes(), before);
  fs::rename(fixture.Tenants(), fixture.dir / "moved");
  EXPECT_TRUE(store->VerifyRoot().ok());
  EXPECT_EQ(store->root_changes(), before + 1);
  EXPECT_TRUE(fs::exists(fixture.dir / "moved/a/x.json"));
}

}  // namespace
}  // namespace seccompd::node
