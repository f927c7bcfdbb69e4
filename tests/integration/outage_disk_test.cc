// SPDX-License-Identifier: Apache-2.0
// What a node's disk may do to the real executable while it runs: fill up, become read-only, lose,
// move or swap directories. Each time a reader finds the old file or the new, the report says what
// is so, and all mends without a restart.
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "fakes/cannot_run.h"
#include "integration/cluster_fixture.h"
#include "integration/failing_disk.h"

namespace seccompd::integration {
namespace {

namespace fs = std::filesystem;

class OutageDiskTest : public ClusterTest {
 protected:
  // The audit finds what the disk lost; with inotify it is sooner.
  // Not sandboxed: a sandboxed agent ends when tenants/ is replaced, to be started anew
  // (sandbox_test.cc); here the same agent goes on.
  std::vector<std::string> DiskArgs() const { return Args({"--resync", "1s", "--sandbox", "off"}); }
  bool WaitForHealth(const char* healthy, const char* reason) const {
    return WaitForStatus([&](const json& status) {
      for (const json& condition : status["conditions"]) {
        if (condition["type"] == "Healthy")
          return condition["status"] == healthy && condition["reason"] == reason;
      }
      return false;
    });
  }
  bool WaitForAllWell(int installed) const {
    return WaitForStatus([&](const json& status) {
      bool well = status["installed"] == installed && status["failed"] == 0;
      for (const json& condition : status["conditions"]) {
        well &= condition["type"] == "Sandboxed" || condition["status"] == "True";
      }
      return well;
    });
  }
  bool NoTemporaries() const {
    for (const auto& entry : fs::recursive_directory_iterator(Tenants())) {
      if (entry.path().filename().string().starts_with(".tmp-")) return false;
    }
    return true;
  }
  fs::path Tenants() const { return space_.seccomp_root() + "/tenants"; }
};

// A file system of its own on tenants/, which the whole machine sees: gone with the object.
class Mount {
 public:
  Mount(fs::path at, const char* options) : at_(std::move(at)) {
    fs::create_directories(at_);
    made_ = ::mount("tmpfs", at_.c_str(), "tmpfs", 0, options) == 0;
    if (!made_) why_ = std::strerror(errno);
  }
  ~Mount() {
    if (made_) ::umount2(at_.c_str(), MNT_DETACH);
  }
  Mount(const Mount&) = delete;
  Mount& operator=(const Mount&) = delete;
  bool Remount(bool read_only) const {
    return ::mount("none", at_.c_str(), nullptr,
                   static_cast<unsigned>(MS_REMOUNT | (read_only ? MS_RDONLY : 0)), nullptr) == 0;
  }
  bool made() const { return made_; }
  const std::string& why() const { return why_; }

 private:
  fs::path at_;
  bool made_ = false;
  std::string why_;
};

TEST_F(OutageDiskTest, AFullDiskIsReportedAndMendsWhenThereIsRoom) {
  const Mount mount(Tenants(), "size=64k,mode=0700");
  ASSERT_TRUE(mount.made()) << "mounting needs root: " << mount.why();
  cluster_.Put(kProfiles, Profile("one", "mkdir"));
  AgentProcess agent(DiskArgs());
  ASSERT_TRUE(WaitForAllWell(1));
  const fs::path filler = Tenants() / "filler";
  {
    std::ofstream file(filler);
    const std::string block(4096, 'f');
    while (file.write(block.data(), 4096).flush()) {
    }
  }
  cluster_.Put(kProfiles, Profile("one", "rmdir"));
  const std::string line = agent.WaitForLine("the seccomp directory cannot be written");
  EXPECT_NE(line.find("free space"), std::string::npos) << agent.log();
  EXPECT_TRUE(WaitForHealth("False", "DiskFailed"));
  EXPECT_NE(ReadAll(space_.profile("team/one")).find("mkdir"), std::string::npos)
      << "the old file is not there";
  EXPECT_EQ(HttpGet(space_.state_dir() + "/state.sock", "/").status, 200);
  fs::remove(filler);
  EXPECT_TRUE(WaitForProfile("team/one", "rmdir"));
  EXPECT_TRUE(WaitForAllWell(1));
  EXPECT_TRUE(NoTemporaries());
}

TEST_F(OutageDiskTest, AReadOnlyDiskIsReportedAndMendsWhenItIsRemounted) {
  const Mount mount(Tenants(), "size=1m,mode=0700");
  ASSERT_TRUE(mount.made()) << "mounting needs root: " << mount.why();
  cluster_.Put(kProfiles, Profile("one", "mkdir"));
  AgentProcess agent(DiskArgs());
  ASSERT_TRUE(WaitForAllWell(1));
  ASSERT_TRUE(mount.Remount(true));
  cluster_.Put(kProfiles, Profile("one", "rmdir"));
  const std::string line = agent.WaitForLine("the seccomp directory cannot be written");
  EXPECT_NE(line.find("remount"), std::string::npos) << agent.log();
  EXPECT_TRUE(WaitForHealth("False", "DiskFailed"));
  EXPECT_NE(ReadAll(space_.profile("team/one")).find("mkdir"), std::string::npos);
  ASSERT_TRUE(mount.Remount(false));
  EXPECT_TRUE(WaitForProfile("team/one", "rmdir"));
  EXPECT_TRUE(WaitForAllWell(1));
}

TEST_F(OutageDiskTest, NoInodesLeftIsAFullDisk) {
  const Mount mount(Tenants(), "size=1m,nr_inodes=3,mode=0700");  // tenants, team, one.json
  ASSERT_TRUE(mount.made()) << "mounting needs root: " << mount.why();
  cluster_.Put(kProfiles, Profile("one", "mkdir"));
  AgentProcess agent(DiskArgs());
  ASSERT_TRUE(WaitForProfile("team/one", "mkdir"));
  cluster_.Put(kProfiles, Profile("two", "mkdir"));
  EXPECT_NE(agent.WaitForLine("inodes"), "") << agent.log();
  ASSERT_EQ(::mount("none", Tenants().c_str(), nullptr, MS_REMOUNT, "nr_inodes=100"), 0);
  EXPECT_TRUE(WaitForProfile("team/two", "mkdir"));
  EXPECT_TRUE(WaitForAllWell(2));
}

TEST_F(OutageDiskTest, AFailingDiskIsReportedAndMendsWhenItWritesAgain) {
  if (!FailingDisk::Exists()) SECCOMPD_CANNOT_RUN("this kernel has no zram, a disk that fails");
  const FailingDisk disk(Tenants());
  ASSERT_TRUE(disk.made()) << disk.why();
  cluster_.Put(kProfiles, Profile("one", "mkdir"));
  AgentProcess agent(DiskArgs());
  ASSERT_TRUE(WaitForAllWell(1));
  disk.Fail(true);
  cluster_.Put(kProfiles, Profile("one", "rmdir"));
  const std::string line = agent.WaitForLine("the seccomp directory cannot be written");
  EXPECT_NE(line.find("Input/output error"), std::string::npos) << agent.log();
  EXPECT_TRUE(WaitForHealth("False", "DiskFailed"));
  EXPECT_NE(ReadAll(space_.profile("team/one")).find("mkdir"), std::string::npos)
      << "the old file is not there";
  disk.Fail(false);
  EXPECT_TRUE(WaitForProfile("team/one", "rmdir"));
  EXPECT_TRUE(WaitForAllWell(1));
  EXPECT_TRUE(NoTemporaries());
}

TEST_F(OutageDiskTest, DirectoriesThatAreRemovedAreMadeAnew) {
  cluster_.Put(kProfiles, Profile("one", "mkdir"));
  cluster_.Put(kProfiles, Profile("two", "mkdir", "other"));
  AgentProcess agent(DiskArgs());
  ASSERT_TRUE(WaitForAllWell(2));
  for (const fs::path& gone : {Tenants() / "team", Tenants()}) {
    agent.Pause();  // all of it goes: nothing is put back meanwhile
    fs::remove_all(gone);
    agent.Signal(SIGCONT);
    EXPECT_TRUE(WaitForProfile("team/one", "mkdir")) << gone;
    EXPECT_TRUE(WaitForProfile("other/two", "mkdir")) << gone;
  }
  EXPECT_TRUE(WaitForAllWell(2));
}

TEST_F(OutageDiskTest, DirectoriesThatAreRenamedAreLeftAndMadeAnew) {
  cluster_.Put(kProfiles, Profile("one", "mkdir"));
  AgentProcess agent(DiskArgs());
  ASSERT_TRUE(WaitForAllWell(1));
  fs::rename(Tenants() / "team", Tenants() / "moved");
  EXPECT_TRUE(WaitForProfile("team/one", "mkdir"));
  fs::rename(Tenants(), space_.seccomp_root() + "/old");
  EXPECT_TRUE(WaitForProfile("team/one", "mkdir"));
  // The host replaces the whole seccomp directory: an empty one stands in its place.
  fs::rename(space_.seccomp_root(), space_.path() + "/seccomp-old");
  fs::create_directory(space_.seccomp_root());
  ::chmod(space_.seccomp_root().c_str(), 0755);
  EXPECT_TRUE(WaitForProfile("team/one", "mkdir"));
  cluster_.Put(kProfiles, Profile("one", "rmdir"));
  EXPECT_TRUE(WaitForProfile("team/one", "rmdir"));
  const std::string old = space_.path() + "/seccomp-old";
  EXPECT_EQ(ReadAll(old + "/tenants/team/one.json").find("rmdir"), std::string::npos)
      << "written where nobody reads";
}

// In one step: the agent makes a directory anew as soon as it is gone.
void PutLinkInPlaceOf(const fs::path& place, const fs::path& target, const fs::path& aside) {
  fs::create_directory_symlink(target, aside);
  ASSERT_EQ(::renameat2(AT_FDCWD, aside.c_str(), AT_FDCWD, place.c_str(), RENAME_EXCHANGE), 0)
      << place << ": " << std::strerror(errno);
}

TEST_F(OutageDiskTest, SymlinksInTheirPlaceLeadNowhere) {
  const fs::path trap = space_.path() + "/trap";
  fs::create_directories(trap / "team");
  cluster_.Put(kProfiles, Profile("one", "mkdir"));
  AgentProcess agent(DiskArgs());
  ASSERT_TRUE(WaitForAllWell(1));
  PutLinkInPlaceOf(Tenants() / "team", trap / "team", space_.path() + "/aside");
  EXPECT_TRUE(WaitForProfile("team/one", "mkdir"));
  EXPECT_FALSE(fs::is_symlink(Tenants() / "team"));
  PutLinkInPlaceOf(Tenants(), trap, space_.path() + "/aside-too");
  cluster_.Put(kProfiles, Profile("one", "rmdir"));
  EXPECT_NE(agent.WaitForLine("is a symlink"), "") << agent.log();
  EXPECT_TRUE(fs::is_empty(trap / "team")) << "written through a symlink";
  EXPECT_TRUE(WaitForHealth("False", "DiskFailed"));
  fs::remove(Tenants());
  EXPECT_TRUE(WaitForProfile("team/one", "rmdir"));
  EXPECT_TRUE(WaitForAllWell(1));
  EXPECT_TRUE(fs::is_empty(trap / "team"));
}

}  // namespace
}  // namespace seccompd::integration
