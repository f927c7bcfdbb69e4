// SPDX-License-Identifier: Apache-2.0
#include "seccompd/node/store.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <functional>
#include <string>
#include <tuple>
#include <vector>

#include <gtest/gtest.h>

#include "seccompd/base/digest.h"

#include "node/temp_dir.h"

namespace seccompd::node {
namespace {

namespace fs = std::filesystem;

TEST(ProfilePathTest, TakesDnsLabelsOnly) {
  const std::string longest(63, 'a');
  for (const std::string& good :
       {std::string("a"), std::string("0-9"), std::string("a--b"), longest}) {
    EXPECT_TRUE(ProfilePath::Make(good, good).ok()) << good;
  }
  const std::string nul("a\0b", 3);
  for (const std::string& bad :
       {std::string(""), std::string("."), std::string(".."), std::string("a/b"), std::string("/"),
        nul, std::string("-a"), std::string("a-"), std::string("A"), std::string("a.b"),
        std::string("a_b"), std::string("\xc3\xa4"), longest + "a", std::string(253, 'a'),
        std::string("a\n")}) {
    EXPECT_EQ(ProfilePath::Make(bad, "x").error().code, ErrorCode::kInvalid) << bad;
    EXPECT_EQ(ProfilePath::Make("x", bad).error().code, ErrorCode::kInvalid) << bad;
  }
  EXPECT_EQ(PathOf("team", "web").localhost_profile(), "tenants/team/web.json");
}

TEST(ProfileStoreTest, WritesReplacesAndLeavesTheSameInPlace) {
  const StoreFixture fixture;
  const auto store = fixture.Open();
  EXPECT_EQ(*store->Put(PathOf("a", "x"), "one"), PutOutcome::kWritten);
  EXPECT_EQ(Slurp(fixture.FileOf("a", "x")), "one");
  const ino_t inode = InodeOf(fixture.FileOf("a", "x"));
  EXPECT_EQ(*store->Put(PathOf("a", "x"), "one"), PutOutcome::kUnchanged);
  EXPECT_EQ(InodeOf(fixture.FileOf("a", "x")), inode);
  EXPECT_EQ(*store->Put(PathOf("a", "x"), "two"), PutOutcome::kWritten);
  EXPECT_NE(InodeOf(fixture.FileOf("a", "x")), inode);
  EXPECT_EQ(*store->Put(PathOf("a", "empty"), ""), PutOutcome::kWritten);
  EXPECT_EQ(*store->ReadCache(Sha256Hex("one")), "one");
}

TEST(ProfileStoreTest, TheLastOfTwoRequestsForOnePathCounts) {
  const StoreFixture fixture;
  const auto store = fixture.Open();
  ASSERT_TRUE(store->Put(PathOf("a", "x"), "one").ok());
  const std::vector<PutRequest> requests{{PathOf("a", "x"), "two"}, {PathOf("a", "x"), "one"}};
  for (const auto& result : store->PutAll(requests)) EXPECT_EQ(*result, PutOutcome::kWritten);
  EXPECT_EQ(Slurp(fixture.FileOf("a", "x")), "one");
}

TEST(ProfileStoreTest, RefusesAFileOfUnreasonableSize) {
  const StoreFixture fixture;
  const std::string huge((std::size_t{4} << 20) + 1, 'x');
  EXPECT_EQ(fixture.Open()->Put(PathOf("a", "x"), huge).error().code, ErrorCode::kInvalid);
}

TEST(ProfileStoreTest, ModesAreExactWhateverTheUmaskIs) {
  for (const mode_t mask : {000, 022, 077}) {
    for (const auto& [directory_mode, file_mode] :
         std::vector<std::tuple<mode_t, mode_t>>{{0700, 0600}, {0755, 0644}}) {
      const StoreFixture fixture(directory_mode, file_mode);
      const mode_t before = ::umask(mask);
      const auto store = fixture.Open();
      EXPECT_TRUE(store->Put(PathOf("a", "x"), "text").ok());
      ::umask(before);
      EXPECT_EQ(ModeOf(fixture.Tenants()), directory_mode);
      EXPECT_EQ(ModeOf(fixture.Tenants() / "a"), directory_mode);
      EXPECT_EQ(ModeOf(fixture.FileOf("a", "x")), file_mode);
      EXPECT_EQ(ModeOf(fixture.options.state_dir), 0700U);
      EXPECT_EQ(ModeOf(fixture.options.state_dir + "/cache"), 0700U);
    }
  }
}

// What an attacker, or an operator's mistake, may have put in a profile's place.
struct Foreign {
  const char* name;
  FileState state;
  std::function<void(const fs::path& file, const fs::path& outside)> place;
};

std::vector<Foreign> Foreigns() {
  const auto write = [](const fs::path& file, mode_t mode) {
    Spit(file, "text");
    ::chmod(file.c_str(), mode);
  };
  return {
      {"symlink", FileState::kType,
       [](const fs::path& file, const fs::path& outside) { fs::create_symlink(outside, file); }},
      {"dangling symlink", FileState::kType,
       [](const fs::path& file, const fs::path&) { fs::create_symlink("/nowhere/at/all", file); }},
      {"fifo", FileState::kType,
       [](const fs::path& file, const fs::path&) { ::mkfifo(file.c_str(), 0600); }},
      {"directory", FileState::kType,
       [](const fs::path& file, const fs::path&) { fs::create_directory(file); }},
      {"directory with content", FileState::kType,
       [](const fs::path& file, const fs::path&) {
         fs::create_directory(file);
         Spit(file / "inside", "x");
       }},
      {"other content", FileState::kContent,
       [](const fs::path& file, const fs::path&) {
         Spit(file, "tExt");
         ::chmod(file.c_str(), 0600);
       }},
      {"mode", FileState::kMode, [=](const fs::path& file, const fs::path&) { write(file, 0666); }},
      {"setuid", FileState::kMode,
       [=](const fs::path& file, const fs::path&) { write(file, 04600); }},
      {"hard link", FileState::kLinks,
       [=](const fs::path& file, const fs::path& outside) {
         write(outside, 0600);
         fs::create_hard_link(outside, file);
       }},
      {"missing", FileState::kMissing, [](const fs::path&, const fs::path&) {}},
  };
}

TEST(ProfileStoreTest, WhateverIsInTheFilesPlaceIsSeenAndReplaced) {
  for (const Foreign& foreign : Foreigns()) {
    SCOPED_TRACE(foreign.name);
    const StoreFixture fixture;
    const auto store = fixture.Open();
    const fs::path outside = fixture.dir.path() / "outside";
    Spit(outside, "untouched");
    ASSERT_TRUE(store->Put(PathOf("a", "other"), "other").ok());
    foreign.place(fixture.FileOf("a", "x"), outside);
    const std::string outside_before = Slurp(outside);
    EXPECT_EQ(*store->Inspect(PathOf("a", "x"), Sha256Hex("text")), foreign.state);
    EXPECT_EQ(*store->Put(PathOf("a", "x"), "text"), PutOutcome::kWritten);
    EXPECT_EQ(*store->Inspect(PathOf("a", "x"), Sha256Hex("text")), FileState::kIntact);
    EXPECT_EQ(Slurp(outside), outside_before);
    EXPECT_EQ(Slurp(fixture.FileOf("a", "x")), "text");
    const bool was_full = std::string(foreign.name) == "directory with content";
    EXPECT_EQ(store->Scan()->size(), was_full ? 3U : 2U);  // moved aside, and reported
  }
}

TEST(ProfileStoreTest, WhateverIsInTheFilesPlaceIsRemoved) {
  for (const Foreign& foreign : Foreigns()) {
    SCOPED_TRACE(foreign.name);
    const StoreFixture fixture;
    const auto store = fixture.Open();
    const fs::path outside = fixture.dir.path() / "outside";
    Spit(outside, "untouched");
    fs::create_directory(fixture.Tenants() / "a");
    ::chmod((fixture.Tenants() / "a").c_str(), 0700);
    foreign.place(fixture.FileOf("a", "x"), outside);
    const std::string outside_before = Slurp(outside);
    EXPECT_TRUE(store->Remove(PathOf("a", "x")).ok());
    EXPECT_EQ(*store->Inspect(PathOf("a", "x"), Sha256Hex("text")), FileState::kMissing);
    EXPECT_EQ(Slurp(outside), outside_before);
  }
}

TEST(ProfileStoreTest, ForeignOwnersAreSeenAndReplaced) {
  if (::geteuid() != 0) SECCOMPD_CANNOT_RUN("only root can give a file to another user");
  const StoreFixture fixture;
  const auto store = fixture.Open();
  ASSERT_TRUE(store->Put(PathOf("a", "x"), "text").ok());
  ASSERT_EQ(::chown(fixture.FileOf("a", "x").c_str(), 1234, 0), 0);
  EXPECT_EQ(*store->Inspect(PathOf("a", "x"), Sha256Hex("text")), FileState::kOwner);
  EXPECT_EQ(*store->Put(PathOf("a", "x"), "text"), PutOutcome::kWritten);
  EXPECT_EQ(*store->Inspect(PathOf("a", "x"), Sha256Hex("text")), FileState::kIntact);

  ASSERT_EQ(::chown((fixture.Tenants() / "a").c_str(), 1234, 0), 0);
  EXPECT_EQ(*store->Inspect(PathOf("a", "x"), Sha256Hex("text")), FileState::kOwner);
  EXPECT_EQ(*store->Put(PathOf("a", "x"), "text"), PutOutcome::kWritten);
  EXPECT_EQ(*store->Inspect(PathOf("a", "x"), Sha256Hex("text")), FileState::kIntact);
  EXPECT_EQ(NamesWith(fixture.Tenants(), ".foreign-").size(), 1U);
}

TEST(ProfileStoreTest, ASymlinkInTheNamespacesPlaceLeadsNowhere) {
  const StoreFixture fixture;
  const auto store = fixture.Open();
  const fs::path outside = fixture.dir.path() / "outside";
  fs::create_directory(outside);
  Spit(outside / "x.json", "untouched");
  fs::create_directory_symlink(outside, fixture.Tenants() / "a");
  EXPECT_EQ(*store->Inspect(PathOf("a", "x"), Sha256Hex("untouched")), FileState::kType);
  EXPECT_EQ(store->Scan()->size(), 1U);
  EXPECT_EQ(*store->Put(PathOf("a", "x"), "text"), PutOutcome::kWritten);
  EXPECT_FALSE(fs::is_symlink(fixture.Tenants() / "a"));
  EXPECT_EQ(Slurp(fixture.FileOf("a", "x")), "text");
  EXPECT_EQ(Slurp(outside / "x.json"), "untouched");

  fs::create_directory_symlink(outside, fixture.Tenants() / "b");
  EXPECT_TRUE(store->Remove(PathOf("b", "x")).ok());
  EXPECT_TRUE(fs::exists(outside / "x.json"));
  EXPECT_FALSE(fs::exists(fs::symlink_status(fixture.Tenants() / "b")));
  Spit(fixture.Tenants() / "c", "a file");
  EXPECT_TRUE(store->Put(PathOf("c", "x"), "text").ok());
}

TEST(ProfileStoreTest, ANamespacesModeIsSeenAndPutRight) {
  const StoreFixture fixture;
  const auto store = fixture.Open();
  ASSERT_TRUE(store->Put(PathOf("a", "x"), "text").ok());
  ::chmod((fixture.Tenants() / "a").c_str(), 0777);
  EXPECT_EQ(*store->Inspect(PathOf("a", "x"), Sha256Hex("text")), FileState::kMode);
  EXPECT_EQ(*store->Put(PathOf("a", "x"), "text"), PutOutcome::kUnchanged);
  EXPECT_EQ(ModeOf(fixture.Tenants() / "a"), 0700U);
}

TEST(ProfileStoreTest, RemoveTakesTheLastFilesDirectoryWithIt) {
  const StoreFixture fixture;
  const auto store = fixture.Open();
  ASSERT_TRUE(store->Put(PathOf("a", "x"), "1").ok());
  ASSERT_TRUE(store->Put(PathOf("a", "y"), "2").ok());
  EXPECT_TRUE(store->Remove(PathOf("a", "x")).ok());
  EXPECT_TRUE(fs::exists(fixture.FileOf("a", "y")));
  EXPECT_TRUE(store->Remove(PathOf("a", "y")).ok());
  EXPECT_FALSE(fs::exists(fixture.Tenants() / "a"));
  EXPECT_TRUE(store->Remove(PathOf("a", "y")).ok());
  EXPECT_EQ(*store->Put(PathOf("a", "y"), "2"), PutOutcome::kWritten);
}

TEST(ProfileStoreTest, ScanTellsProfilesFromTheRestAndCleansWhatACrashLeft) {
  const StoreFixture fixture;
  const auto store = fixture.Open();
  ASSERT_TRUE(store->Put(PathOf("a", "x"), "text").ok());
  const std::string temporary = ".tmp-0123456789abcdef0123456789abcdef";
  Spit(fixture.Tenants() / "a" / temporary, "half");
  Spit(fixture.Tenants() / temporary, "half");
  Spit(fixture.Tenants() / "a" / ".tmp-notours", "x");
  Spit(fixture.Tenants() / "a" / "Upper.json", "x");
  Spit(fixture.Tenants() / "a" / "z.yaml", "x");
  Spit(fixture.Tenants() / "stray", "x");
  fs::create_symlink("x.json", fixture.Tenants() / "a" / "link.json");
  fs::create_directory(fixture.Tenants() / "Not-A-Label");
  std::vector<std::string> seen;
  const Result<std::vector<FoundEntry>> found = store->Scan();
  for (const FoundEntry& entry : *found) {
    seen.push_back(entry.name_space + "|" + entry.file_name +
                   (entry.is_profile_path ? "|yes" : "|no"));
  }
  std::sort(seen.begin(), seen.end());
  EXPECT_EQ(seen, (std::vector<std::string>{"Not-A-Label||no", "a|.tmp-notours|no",
                                            "a|Upper.json|no", "a|link.json|no", "a|x.json|yes",
                                            "a|z.yaml|no", "stray||no"}));
  EXPECT_FALSE(fs::exists(fixture.Tenants() / temporary));
  EXPECT_FALSE(fs::exists(fixture.Tenants() / "a" / temporary));
}

TEST(ProfileStoreTest, TheCacheAnswersOnlyWhatItsDigestSays) {
  const StoreFixture fixture;
  const auto store = fixture.Open();
  ASSERT_TRUE(store->Put(PathOf("a", "x"), "text").ok());
  const std::string digest = Sha256Hex("text");
  const fs::path copy = fs::path(fixture.options.state_dir) / "cache" / digest;
  EXPECT_EQ(*store->ReadCache(digest), "text");
  EXPECT_NE(InodeOf(copy), InodeOf(fixture.FileOf("a", "x")));
  Spit(copy, "tExt");
  EXPECT_EQ(store->ReadCache(digest).error().code, ErrorCode::kNotFound);
  EXPECT_FALSE(fs::exists(copy));
  EXPECT_TRUE(store->Put(PathOf("a", "x"), "text").ok());  // unchanged, yet the copy comes back
  EXPECT_EQ(*store->ReadCache(digest), "text");
  for (const char* name : {"", "../record", "x", "/etc/passwd"}) {
    EXPECT_EQ(store->ReadCache(name).error().code, ErrorCode::kNotFound) << name;
  }
  ASSERT_TRUE(store->Put(PathOf("a", "y"), "dead").ok());
  EXPECT_TRUE(store->TrimCache({digest}).ok());
  EXPECT_EQ(*store->ReadCache(digest), "text");
  EXPECT_EQ(store->ReadCache(Sha256Hex("dead")).error().code, ErrorCode::kNotFound);
}

TEST(ProfileStoreTest, ACopyUnderADigestThatWasGivenIsReadOnlyIfItIsTrue) {
  const StoreFixture fixture;
  const auto store = fixture.Open();
  const std::string good = Sha256Hex("text");
  const std::string wrong = Sha256Hex("tExt");
  const std::vector<PutRequest> requests{{PathOf("a", "x"), "text", good},
                                         {PathOf("a", "y"), "dead", wrong},
                                         {PathOf("a", "z"), "beef", "../record"}};
  for (const auto& result : store->PutAll(requests)) EXPECT_EQ(*result, PutOutcome::kWritten);
  EXPECT_EQ(*store->ReadCache(good), "text");
  EXPECT_EQ(store->ReadCache(wrong).error().code, ErrorCode::kNotFound);
  EXPECT_EQ(*store->ReadCache(Sha256Hex("beef")), "beef") << "what is no digest names nothing";
}

TEST(ProfileStoreTest, CheckWritableLeavesNothing) {
  const StoreFixture fixture;
  const auto store = fixture.Open();
  EXPECT_TRUE(store->CheckWritable().ok());
  EXPECT_TRUE(fs::is_empty(fixture.Tenants()));
}

}  // namespace
}  // namespace seccompd::node
