// SPDX-License-Identifier: Apache-2.0
// Somebody else changes what is below tenants/ while the agent runs. Nothing here waits for an
// audit, and time stands still unless a test moves it: what is put right was noticed by inotify.
#include <sys/resource.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <functional>
#include <iostream>

#include <gtest/gtest.h>

#include "agent/rig.h"
#include "fakes/faulty_file_system.h"

namespace seccompd::agent {
namespace {

namespace fs = std::filesystem;
using fakes::FakeCompiler;
using std::chrono::seconds;

class DriftTest : public ::testing::Test {
 protected:
  // A running agent that has synced with these profiles.
  std::unique_ptr<Rig> Synced(const std::vector<std::string>& keys, bool quarantine = false,
                              bool watch_refused = false) {
    auto rig = std::make_unique<Rig>(node_.path(), node::RealFileSystem(), "none", quarantine,
                                     watch_refused);
    rig->Start();
    Sync(*rig, keys);
    return rig;
  }
  static void Sync(Rig& rig, const std::vector<std::string>& keys) {
    rig.agent->desired().ListStarted();
    for (const std::string& key : keys) rig.Apply(key, "{" + key + "}");
    rig.agent->desired().ListFinished("7", true);
    EXPECT_TRUE(rig.Wait([&] { return rig.agent->installer().handled_version() == "7"; }));
  }
  static bool IsIntact(const Rig& rig, const std::string& key) {
    struct stat found {};
    return ::lstat(rig.PathOf(key).c_str(), &found) == 0 && S_ISREG(found.st_mode) &&
           (found.st_mode & 07777) == 0600 && found.st_uid == ::geteuid() && found.st_nlink == 1 &&
           rig.FileText(key) == FakeCompiler::BytesFor("{" + key + "}");
  }
  // Waits until it was found `count` times; the count is made after the repair.
  static bool Noted(Rig& rig, const std::string& kind, std::uint64_t count = 1) {
    return rig.Wait([&] {
      const auto kinds = rig.agent->installer().drift().kinds;
      const auto row = kinds.find(kind);
      return row != kinds.end() && row->second.count >= count;
    });
  }
  // Waits while time goes on: the patrol may rest from a moment at which a test moved the clock.
  static bool Later(Rig& rig, const std::function<bool()>& is_so) {
    return rig.Wait([&] {
      rig.clock.Advance(std::chrono::milliseconds(1));
      return is_so();
    });
  }
  static bool NotedLater(Rig& rig, const std::string& kind, std::uint64_t count) {
    return Later(rig, [&] {
      const auto kinds = rig.agent->installer().drift().kinds;
      const auto row = kinds.find(kind);
      return row != kinds.end() && row->second.count >= count;
    });
  }
  std::string tenants() const { return node_.path() + "/seccomp/tenants"; }
  TemporaryNode node_;
};

TEST_F(DriftTest, WhateverIsDoneToAFileIsPutRight) {
  struct Row {
    const char* name;
    std::function<void(const std::string& file)> act;
  };
  const Row rows[] = {
      {"removed", [](const std::string& f) { fs::remove(f); }},
      {"written", [](const std::string& f) { std::ofstream(f) << "{}"; }},
      {"mode", [](const std::string& f) { ::chmod(f.c_str(), 0644); }},
      {"owner", [](const std::string& f) { EXPECT_EQ(::chown(f.c_str(), 1234, 0), 0); }},
      {"symlink",
       [](const std::string& f) {
         fs::remove(f);
         std::error_code raced;  // the agent may be faster than the second step
         fs::create_symlink("decoy", f, raced);
       }},
      {"fifo",
       [](const std::string& f) {
         fs::remove(f);
         ::mkfifo(f.c_str(), 0600);
       }},
      {"directory with content",
       [](const std::string& f) {
         fs::remove(f);
         std::error_code raced;
         fs::create_directory(f, raced);
         std::ofstream(f + "/inside") << "x";
       }},
      {"its directory removed",
       [](const std::string& f) {
         std::error_code raced;  // the agent may be faster than the rest of it
         fs::remove_all(fs::path(f).parent_path(), raced);
       }},
      {"its directory renamed",
       [](const std::string& f) {
         fs::rename(fs::path(f).parent_path(), fs::path(f).parent_path().string() + "-old");
       }},
      {"its directory's mode",
       [](const std::string& f) { ::chmod(fs::path(f).parent_path().c_str(), 0777); }},
      {"its directory's owner",
       [](const std::string& f) {
         EXPECT_EQ(::chown(fs::path(f).parent_path().c_str(), 1234, 0), 0);
       }},
      {"its directory a symlink",
       [](const std::string& f) {
         const std::string directory = fs::path(f).parent_path();
         fs::rename(directory, directory + "-moved");
         std::error_code raced;
         fs::create_directory_symlink(directory + "-moved", directory, raced);
       }},
  };
  std::vector<std::string> keys;
  for (std::size_t i = 0; i < std::size(rows); ++i) keys.push_back("t" + std::to_string(i) + "/x");
  const auto rig = Synced(keys);
  for (std::size_t i = 0; i < std::size(rows); ++i) {
    SCOPED_TRACE(rows[i].name);
    rows[i].act(rig->PathOf(keys[i]));
    // What takes two steps (removed, then something else) may be seen in between.
    EXPECT_TRUE(rig->Wait([&] { return IsIntact(*rig, keys[i]); }));
    EXPECT_TRUE(rig->Wait([&] {
      struct stat above {};
      return ::lstat((tenants() + "/t" + std::to_string(i)).c_str(), &above) == 0 &&
             S_ISDIR(above.st_mode) && (above.st_mode & 07777) == 0700 &&
             above.st_uid == ::geteuid();
    }));
  }
  EXPECT_EQ(rig->compiler.specs().size(), keys.size()) << "the cache was enough";
  EXPECT_EQ(rig->condition("Healthy"), "AllWell");
}

TEST_F(DriftTest, EachKindIsCountedUnderItsName) {
  const auto rig = Synced({"a/x", "b/x", "c/x", "d/x"});
  fs::remove(rig->PathOf("a/x"));
  EXPECT_TRUE(Noted(*rig, "missing"));
  ::chmod(rig->PathOf("b/x").c_str(), 0666);
  EXPECT_TRUE(Noted(*rig, "mode"));
  ASSERT_EQ(::chown(rig->PathOf("c/x").c_str(), 1234, 0), 0);
  EXPECT_TRUE(Noted(*rig, "owner"));
  std::ofstream(rig->PathOf("d/x"), std::ios::app) << "x";
  EXPECT_TRUE(Noted(*rig, "content"));
  std::ofstream(tenants() + "/a/nobodys.json") << "{}";
  EXPECT_TRUE(Noted(*rig, "foreign"));
  EXPECT_NE(rig->agent->MetricsText().find("seccompd_drift_total{kind=\"owner\"} 1\n"),
            std::string::npos);
  const StatusInput status = rig->agent->Snapshot();
  EXPECT_EQ(status.drift_kinds,
            (std::vector<std::string>{"content", "foreign", "missing", "mode", "owner"}));
  EXPECT_FALSE(status.last_drift_time.empty());
  EXPECT_EQ(status.drift.at("owner").last_entry, "tenants/c/x.json");
}

TEST_F(DriftTest, OwnWritesAreNoDrift) {
  const auto rig = Synced({"a/x"});
  for (int generation = 2; generation < 30; ++generation) {
    rig->Apply("a/x", "{" + std::to_string(generation) + "}", generation);
    rig->Apply("b/" + std::string(1, 'a') + std::to_string(generation), "{b}", 1);
  }
  EXPECT_TRUE(rig->Wait([&] {
    return rig->FileText("a/x") == FakeCompiler::BytesFor("{29}") && rig->HasFile("b/a29");
  }));
  EXPECT_TRUE(rig->WaitIdle());
  fs::remove(rig->PathOf("a/x"));  // seen after all events before it
  EXPECT_TRUE(Noted(*rig, "missing"));
  EXPECT_EQ(rig->agent->Snapshot().drift_kinds, std::vector<std::string>{"missing"});
}

TEST_F(DriftTest, AnotherTenantsDirectoryIsFilledAnew) {
  const auto rig = Synced({"a/x", "a/y", "b/x"});
  fs::rename(tenants(), node_.path() + "/moved");
  for (const char* key : {"a/x", "a/y", "b/x"}) {
    EXPECT_TRUE(rig->Wait([&] { return IsIntact(*rig, key); })) << key;
  }
  EXPECT_TRUE(Noted(*rig, "root"));
  fs::remove(rig->PathOf("a/x"));  // the new one is watched
  EXPECT_TRUE(rig->Wait([&] { return IsIntact(*rig, "a/x"); }));
  fs::rename(tenants(), node_.path() + "/moved-too");
  for (const char* key : {"a/x", "a/y", "b/x"}) {
    EXPECT_TRUE(rig->Wait([&] { return IsIntact(*rig, key); })) << key;
  }
}

TEST_F(DriftTest, AFileFoughtOverIsContestedAndLeftForAWhile) {
  const auto rig = Synced({"a/x", "a/y"});
  for (std::uint64_t i = 1; i <= 3; ++i) {
    fs::remove(rig->PathOf("a/x"));
    EXPECT_TRUE(Noted(*rig, "missing", i));
  }
  EXPECT_TRUE(Noted(*rig, "contested"));
  EXPECT_TRUE(rig->Wait([&] { return rig->condition("Healthy") == "Contested"; }));
  fs::remove(rig->PathOf("a/x"));
  fs::remove(rig->PathOf("a/y"));
  EXPECT_TRUE(rig->Wait([&] { return IsIntact(*rig, "a/y"); })) << "the others go on";
  EXPECT_FALSE(rig->HasFile("a/x")) << "time stands still";
  rig->Advance(seconds(2));
  EXPECT_TRUE(Later(*rig, [&] { return IsIntact(*rig, "a/x"); }));
  EXPECT_EQ(rig->agent->installer().drift().kinds.at("contested").count, 1U);
  rig->Advance(seconds(61));
  EXPECT_TRUE(Later(*rig, [&] { return rig->condition("Healthy") == "AllWell"; }));
}

TEST_F(DriftTest, AFileThatCannotBeWrittenIsNoFight) {
  node::FaultyFileSystem disk(node::RealFileSystem());
  Rig rig(node_.path(), disk);
  rig.Start();
  Sync(rig, {"a/x"});
  ASSERT_TRUE(rig.WaitIdle());
  disk.Inject({.call = 1, .kind = node::Call::kRename, .from_then_on = true});
  fs::remove(rig.PathOf("a/x"));
  for (std::uint64_t i = 1; i <= Suspects::kFightRepairs; ++i) {
    EXPECT_TRUE(Noted(rig, "missing", i));
    // Something came and went in its place: it is looked at again.
    fs::create_directory(rig.PathOf("a/x"));
    fs::remove(rig.PathOf("a/x"));
  }
  EXPECT_TRUE(Later(rig, [&] { return rig.condition("Healthy") == "DiskFailed"; }));
  EXPECT_FALSE(rig.agent->installer().drift().kinds.contains("contested"));
  disk.Heal();
  EXPECT_TRUE(Later(rig, [&] { return IsIntact(rig, "a/x"); }));
  EXPECT_TRUE(Later(rig, [&] { return rig.condition("Healthy") == "AllWell"; }));
}

TEST_F(DriftTest, WithoutInotifyTheDiskIsAuditedEveryTenSeconds) {
  const auto rig = Synced({"a/x"}, false, true);
  EXPECT_EQ(rig->condition("Healthy"), "NotWatched");
  fs::remove(rig->PathOf("a/x"));
  rig->Advance(seconds(11));
  EXPECT_TRUE(Later(*rig, [&] { return IsIntact(*rig, "a/x"); }));
  rig->refuse_watch = false;
  rig->Advance(seconds(61));
  EXPECT_TRUE(Later(*rig, [&] { return rig->condition("Healthy") == "AllWell"; }));
  EXPECT_TRUE(NotedLater(*rig, "missing", 1));
  fs::remove(rig->PathOf("a/x"));
  EXPECT_TRUE(NotedLater(*rig, "missing", 2)) << "seen at once again";
}

TEST_F(DriftTest, AHardLinkFromOutsideIsSeenAtOnce) {
  const auto rig = Synced({"a/x"});
  ASSERT_TRUE(rig->WaitIdle());
  for (std::uint64_t i = 1; i <= 2; ++i) {  // the file that was put in place is watched too
    const std::string outside = node_.path() + "/outside" + std::to_string(i);
    fs::create_hard_link(rig->PathOf("a/x"), outside);
    EXPECT_TRUE(Noted(*rig, "links", i));
    EXPECT_TRUE(rig->Wait([&] { return IsIntact(*rig, "a/x"); }));
    EXPECT_EQ(fs::hard_link_count(outside), 1U);
  }
}

// ---- foreign files, and what only looks like one

TEST_F(DriftTest, WithoutARecordFilesAreAdoptedByTheirContent) {
  { const auto rig = Synced({"a/same", "a/other", "a/nobodys"}); }
  std::ofstream(node_.path() + "/state/record") << "damaged";
  struct stat before {};
  ASSERT_EQ(::stat((tenants() + "/a/same.json").c_str(), &before), 0);
  std::ofstream(tenants() + "/a/other.json") << "changed meanwhile";
  Rig rig(node_.path(), node::RealFileSystem(), "none", true);
  rig.Start();
  EXPECT_TRUE(rig.Wait([&] { return !rig.agent->health().Ready().good; }));
  EXPECT_EQ(rig.agent->installer().foreign_files(), 0U) << "nobody knows yet whose they are";
  Sync(rig, {"a/same", "a/other"});
  EXPECT_TRUE(IsIntact(rig, "a/same"));
  EXPECT_TRUE(IsIntact(rig, "a/other"));
  struct stat after {};
  ASSERT_EQ(::stat(rig.PathOf("a/same").c_str(), &after), 0);
  EXPECT_EQ(before.st_ino, after.st_ino) << "not rewritten";
  rig.Advance(seconds(2));
  EXPECT_TRUE(Later(rig, [&] { return rig.agent->installer().foreign_files() == 1; }));
  EXPECT_TRUE(rig.HasFile("a/nobodys")) << "its object may be on its way";
  rig.Advance(seconds(62));
  EXPECT_TRUE(Later(rig, [&] { return !rig.HasFile("a/nobodys"); }));
  EXPECT_TRUE(IsIntact(rig, "a/same"));
  EXPECT_TRUE(IsIntact(rig, "a/other"));
}

TEST_F(DriftTest, AFileOfADeletedObjectIsNotForeignAfterARestart) {
  { const auto rig = Synced({"a/x", "a/orphan"}); }
  Rig rig(node_.path(), node::RealFileSystem(), "none", true);
  rig.Start();
  rig.source.Break(true);  // so that nobody can tell whether it is gone
  Sync(rig, {"a/x"});
  EXPECT_TRUE(rig.WaitForState("a/orphan", ProfileState::kDeleting));
  rig.Advance(std::chrono::minutes(15));
  fs::remove(rig.PathOf("a/orphan"));  // and what is the record's is put right still
  EXPECT_TRUE(Later(rig, [&] { return rig.HasFile("a/orphan"); }));
  EXPECT_EQ(rig.agent->installer().foreign_files(), 0U);
}

TEST_F(DriftTest, QuarantineTakesWhatIsNobodysAndNothingElse) {
  const auto rig = Synced({"a/x"}, true);
  std::ofstream(tenants() + "/a/notes.txt") << "x";
  fs::create_symlink("decoy", tenants() + "/a/link.json");
  std::ofstream(tenants() + "/stray") << "x";
  fs::create_directory(tenants() + "/b");
  std::ofstream(tenants() + "/b/seed.txt") << "x";
  for (const char* entry : {"/a/notes.txt", "/a/link.json", "/stray"}) {
    EXPECT_TRUE(rig->Wait([&] { return !fs::exists(fs::symlink_status(tenants() + entry)); }))
        << entry;
  }
  rig->Advance(seconds(2));  // a directory that is new is listed a second after the last time
  EXPECT_TRUE(Later(*rig, [&] { return !fs::exists(tenants() + "/b"); }));
  std::size_t kept = 0;
  for ([[maybe_unused]] const auto& entry :
       fs::directory_iterator(node_.path() + "/state/quarantine")) {
    ++kept;
  }
  EXPECT_EQ(kept, 4U);
  EXPECT_TRUE(IsIntact(*rig, "a/x"));
  EXPECT_EQ(rig->agent->installer().drift().kinds.at("foreign").count, 4U);
}

TEST_F(DriftTest, ManyNobodysProfilesAtOnceAreLeft) {
  const auto rig = Synced({"a/x"}, true);
  for (int i = 0; i < 20; ++i) std::ofstream(tenants() + "/a/f" + std::to_string(i) + ".json") << i;
  EXPECT_TRUE(rig->Wait([&] { return rig->agent->installer().foreign_files() == 20; }));
  rig->Advance(std::chrono::minutes(11));
  rig->Advance(std::chrono::minutes(11));
  EXPECT_EQ(rig->agent->installer().foreign_files(), 20U);
  EXPECT_TRUE(rig->HasFile("a/f0"));
}

}  // namespace
}  // namespace seccompd::agent
