// SPDX-License-Identifier: Apache-2.0
// Somebody with write access below tenants/ (which no tenant has) tries to lead the store outside.
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <string>

#include <gtest/gtest.h>

#include "seccompd/base/digest.h"
#include "seccompd/node/store.h"

#include "node/temp_dir.h"

namespace seccompd::node {
namespace {

namespace fs = std::filesystem;

constexpr int kRounds = 2000;

// A process that does `step` as fast as it can until it is killed.
class Attacker {
 public:
  explicit Attacker(void (*step)(const std::string& tenants, const std::string& outside),
                    const std::string& tenants, const std::string& outside)
      : pid_(::fork()) {
    if (pid_ != 0) return;
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    while (true) step(tenants, outside);
  }
  ~Attacker() {
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }
  Attacker(const Attacker&) = delete;
  Attacker& operator=(const Attacker&) = delete;

 private:
  const pid_t pid_;
};

// tenants/a is by turns its directory and a symlink to the directory outside: exchanged at once, so
// that there is always something.
void SwapDirectory(const std::string& tenants, const std::string& outside) {
  (void)outside;
  ::syscall(SYS_renameat2, AT_FDCWD, (tenants + "/a").c_str(), AT_FDCWD,
            (tenants + "/link").c_str(), 2 /* RENAME_EXCHANGE */);
}

// The file itself is by turns a symlink to, and a hard link of, one outside.
void SwapFile(const std::string& tenants, const std::string& outside) {
  const std::string file = tenants + "/a/x.json";
  const std::string fresh = tenants + "/swap";
  if (::symlink((outside + "/x.json").c_str(), fresh.c_str()) == 0)
    ::rename(fresh.c_str(), file.c_str());
  if (::link((outside + "/x.json").c_str(), fresh.c_str()) == 0)
    ::rename(fresh.c_str(), file.c_str());
  ::unlink(fresh.c_str());
}

class PathAttackTest : public ::testing::Test {
 protected:
  PathAttackTest() {
    fs::create_directory(outside_);
    for (const char* name : {"x.json", "sentinel"}) Spit(outside_ + "/" + name, "outside");
    fs::create_directory_symlink(outside_, tenants_ + "/link");
  }
  void CheckOutside() const {
    std::size_t entries = 0;
    for (const auto& entry : fs::directory_iterator(outside_)) {
      EXPECT_TRUE(entry.path().filename() == "x.json" || entry.path().filename() == "sentinel")
          << entry.path();
      EXPECT_EQ(Slurp(entry.path()), "outside") << entry.path();
      ++entries;
    }
    EXPECT_EQ(entries, 2U);
  }
  // Every operation, over and over. Each may fail; none may reach outside.
  void Work() {
    const std::string digest = Sha256Hex("inside");
    for (int i = 0; i < kRounds; ++i) {
      if (store_->Put(PathOf("a", "x"), "inside" + std::to_string(i % 3)).ok()) ++written_;
      (void)store_->Inspect(PathOf("a", "x"), digest);
      if (i % 5 == 0 && store_->Remove(PathOf("a", "x")).ok()) ++removed_;
      if (i % 50 == 0) (void)store_->Scan();
    }
  }
  StoreFixture fixture_;
  const std::unique_ptr<ProfileStore> store_ = fixture_.Open();
  const std::string tenants_ = fs::path(fixture_.FileOf("a", "x")).parent_path().parent_path();
  const std::string outside_ = fs::path(tenants_).parent_path().parent_path() / "outside";
  int written_ = 0;
  int removed_ = 0;
};

TEST_F(PathAttackTest, ADirectorySwappedForASymlinkLeadsNowhere) {
  ASSERT_TRUE(store_->Put(PathOf("a", "x"), "inside").ok());
  {
    const Attacker attacker(SwapDirectory, tenants_, outside_);
    Work();
  }
  CheckOutside();
  EXPECT_GT(written_, 0) << "it was never a directory: nothing was tried";
  EXPECT_GT(removed_, 0);
}

TEST_F(PathAttackTest, AFileSwappedForLinksIsReplacedNeverWrittenThrough) {
  {
    const Attacker attacker(SwapFile, tenants_, outside_);
    Work();
  }
  CheckOutside();
  EXPECT_GT(written_, 0);
}

TEST_F(PathAttackTest, NamesThatAreNoLabelsAreNoPaths) {
  const std::string label(63, 'a');
  const std::vector<std::string> bad = {"",
                                        ".",
                                        "..",
                                        "../outside",
                                        "a/b",
                                        "/etc",
                                        std::string("a\0b", 3),
                                        std::string("a\0", 2),
                                        "a\n",
                                        "A",
                                        "a.b",
                                        ".tmp-1",
                                        "-a",
                                        "a-",
                                        "a b",
                                        "\xc3\xa9",
                                        label + "a",
                                        std::string(253, 'a')};
  for (const std::string& name : bad) {
    EXPECT_FALSE(ProfilePath::Make("a", name).ok()) << name.size() << " " << name;
    EXPECT_FALSE(ProfilePath::Make(name, "x").ok()) << name.size() << " " << name;
  }
  EXPECT_TRUE(ProfilePath::Make(label, label).ok());
}

}  // namespace
}  // namespace seccompd::node
