// SPDX-License-Identifier: Apache-2.0
// The seccomp root and tenants/: what Open refuses, and what happens when they are changed under a
// store.
#include <sys/stat.h>
#include <unistd.h>

#include <functional>
#include <string>

#include <gtest/gtest.h>

#include "seccompd/base/digest.h"
#include "seccompd/node/store.h"

#include "node/temp_dir.h"

namespace seccompd::node {
namespace {

namespace fs = std::filesystem;

TEST(ProfileStoreOpenTest, RefusesARootThatIsNotToBeTrusted) {
  struct Row {
    const char* name;
    ErrorCode code;
    const char* says;
    std::function<void(StoreFixture&)> spoil;
  };
  const Row rows[] = {
      {"missing", ErrorCode::kNotFound, "create it",
       [](StoreFixture& f) { fs::remove(f.options.seccomp_root); }},
      {"symlink", ErrorCode::kInvalid, "symlink",
       [](StoreFixture& f) {
         fs::rename(f.options.seccomp_root, f.dir / "real");
         fs::create_directory_symlink(f.dir / "real", f.options.seccomp_root);
       }},
      {"file", ErrorCode::kInvalid, "no directory",
       [](StoreFixture& f) {
         fs::remove(f.options.seccomp_root);
         Spit(f.options.seccomp_root, "x");
       }},
      {"symlink on the way", ErrorCode::kInvalid, "symlink",
       [](StoreFixture& f) {
         fs::create_directory_symlink(f.dir.path(), f.dir / "link");
         f.options.seccomp_root = f.dir / "link/seccomp";
       }},
      {"relative", ErrorCode::kInvalid, "absolute",
       [](StoreFixture& f) { f.options.seccomp_root = "seccomp"; }},
      {"dots", ErrorCode::kInvalid, "..",
       [](StoreFixture& f) { f.options.seccomp_root = f.dir / "seccomp/../seccomp"; }},
      {"group may write", ErrorCode::kInvalid, "go-w",
       [](StoreFixture& f) { ::chmod(f.options.seccomp_root.c_str(), 0775); }},
      {"tenants is a symlink", ErrorCode::kInvalid, "symlink",
       [](StoreFixture& f) { fs::create_directory_symlink(f.dir.path(), f.Tenants()); }},
      {"others may write tenants", ErrorCode::kInvalid, "go-w",
       [](StoreFixture& f) {
         fs::create_directory(f.Tenants());
         ::chmod(f.Tenants().c_str(), 01777);
       }},
      {"state directory is a symlink", ErrorCode::kInvalid, "symlink",
       [](StoreFixture& f) { fs::create_directory_symlink(f.dir.path(), f.options.state_dir); }},
      {"state directory's parent is missing", ErrorCode::kNotFound, "create it",
       [](StoreFixture& f) { f.options.state_dir = f.dir / "no/state"; }},
      {"cache is a file", ErrorCode::kInvalid, "cache",
       [](StoreFixture& f) {
         fs::create_directory(f.options.state_dir);
         ::chmod(f.options.state_dir.c_str(), 0700);
         Spit(f.options.state_dir + "/cache", "x");
       }},
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(row.name);
    StoreFixture fixture;
    row.spoil(fixture);
    const auto store = ProfileStore::Open(RealFileSystem(), fixture.options);
    ASSERT_FALSE(store.ok());
    EXPECT_EQ(store.error().code, row.code) << store.error().message;
    EXPECT_NE(store.error().message.find(row.says), std::string::npos) << store.error().message;
  }
}

TEST(ProfileStoreOpenTest, RefusesARootOfSomebodyElse) {
  if (::geteuid() != 0) SECCOMPD_CANNOT_RUN("only root can give a directory to another user");
  const StoreFixture fixture;
  ASSERT_EQ(::chown(fixture.options.seccomp_root.c_str(), 1234, 1234), 0);
  EXPECT_EQ(ProfileStore::Open(RealFileSystem(), fixture.options).error().code, ErrorCode::kDenied);
}

TEST(ProfileStoreOpenTest, TakesATrailingSlashAndWhatIsThere) {
  StoreFixture fixture;
  ASSERT_TRUE(fixture.Open()->Put(PathOf("a", "x"), "text").ok());
  fixture.options.seccomp_root += "/";
  EXPECT_EQ(*fixture.Open()->Put(PathOf("a", "x"), "text"), PutOutcome::kUnchanged);
}

class AnchorTest : public testing::Test {
 protected:
  void SetUp() override { ASSERT_TRUE(store_->Put(PathOf("a", "x"), "text").ok()); }
  StoreFixture fixture_;
  std::unique_ptr<ProfileStore> store_ = fixture_.Open();
};

TEST_F(AnchorTest, ARemovedDirectoryIsMadeAnew) {
  fs::remove_all(fixture_.Tenants());
  EXPECT_EQ(*store_->Inspect(PathOf("a", "x"), Sha256Hex("text")), FileState::kMissing);
  EXPECT_EQ(*store_->Put(PathOf("a", "x"), "text"), PutOutcome::kWritten);
  EXPECT_EQ(Slurp(fixture_.FileOf("a", "x")), "text");
}

TEST_F(AnchorTest, ARenamedDirectoryIsNotWrittenToAnyMore) {
  fs::rename(fixture_.Tenants(), fixture_.dir / "elsewhere");
  EXPECT_EQ(*store_->Put(PathOf("a", "x"), "new"), PutOutcome::kWritten);
  EXPECT_EQ(Slurp(fixture_.FileOf("a", "x")), "new");
  EXPECT_EQ(Slurp(fixture_.dir.path() / "elsewhere/a/x.json"), "text");
}

TEST_F(AnchorTest, ASymlinkInItsPlaceIsRefusedByEveryCall) {
  fs::rename(fixture_.Tenants(), fixture_.dir / "elsewhere");
  fs::create_directory(fixture_.dir / "trap");
  fs::create_directory_symlink(fixture_.dir / "trap", fixture_.Tenants());
  EXPECT_EQ(store_->Put(PathOf("a", "x"), "new").error().code, ErrorCode::kInvalid);
  EXPECT_EQ(store_->Inspect(PathOf("a", "x"), "").error().code, ErrorCode::kInvalid);
  EXPECT_EQ(store_->Remove(PathOf("a", "x")).error().code, ErrorCode::kInvalid);
  EXPECT_EQ(store_->Scan().error().code, ErrorCode::kInvalid);
  EXPECT_EQ(store_->CheckWritable().error().code, ErrorCode::kInvalid);
  EXPECT_TRUE(fs::is_empty(fixture_.dir / "trap"));
  fs::remove(fixture_.Tenants());
  EXPECT_TRUE(store_->Put(PathOf("a", "x"), "new").ok());
}

TEST_F(AnchorTest, AReplacedRootIsVerifiedAnew) {
  fs::rename(fixture_.options.seccomp_root, fixture_.dir / "old");
  EXPECT_EQ(store_->Put(PathOf("a", "x"), "new").error().code, ErrorCode::kNotFound);
  fs::create_directory(fixture_.options.seccomp_root);
  ::chmod(fixture_.options.seccomp_root.c_str(), 0777);
  EXPECT_EQ(store_->Put(PathOf("a", "x"), "new").error().code, ErrorCode::kInvalid);
  ::chmod(fixture_.options.seccomp_root.c_str(), 0755);
  EXPECT_EQ(*store_->Put(PathOf("a", "x"), "new"), PutOutcome::kWritten);
}

TEST_F(AnchorTest, ATenantsDirectoryOpenedToOthersIsNotWritten) {
  ::chmod(fixture_.Tenants().c_str(), 0777);
  EXPECT_EQ(store_->Put(PathOf("a", "x"), "new").error().code, ErrorCode::kInvalid);
  ::chmod(fixture_.Tenants().c_str(), 0700);
  EXPECT_TRUE(store_->Put(PathOf("a", "x"), "new").ok());
}

}  // namespace
}  // namespace seccompd::node
