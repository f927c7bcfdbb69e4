// SPDX-License-Identifier: Apache-2.0
// THE test: a Put that fails at step k, for every k, leaves for every file the old bytes or the
// new.
#include <cerrno>
#include <map>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "seccompd/base/digest.h"
#include "seccompd/node/store.h"

#include "fakes/faulty_file_system.h"
#include "node/temp_dir.h"

namespace seccompd::node {
namespace {

struct File {
  ProfilePath path;
  std::string before;  // empty: none
  std::string after;
};

struct Scenario {
  const char* name;
  std::vector<File> files;
};

std::string Text(char c, std::size_t size) { return std::string(size, c) + "\n"; }

std::vector<Scenario> Scenarios() {
  const File create{PathOf("a", "one"), "", Text('n', 6000)};
  const File replace{PathOf("a", "one"), Text('o', 5000), Text('n', 6000)};
  return {
      {"create", {create}},
      {"replace", {replace}},
      {"batch of 3 in 2 namespaces",
       {replace,
        {PathOf("a", "two"), "", Text('2', 3000)},
        {PathOf("b", "three"), "", Text('3', 40000)}}},
      {"batch with one unchanged",
       {{PathOf("a", "one"), Text('s', 10), Text('s', 10)},
        {PathOf("a", "two"), Text('o', 20), Text('n', 30)}}},
  };
}

std::vector<PutRequest> RequestsOf(const Scenario& scenario) {
  std::vector<PutRequest> requests;
  for (const File& file : scenario.files) requests.push_back({file.path, file.after});
  return requests;
}

void Prepare(const Scenario& scenario, ProfileStore& store) {
  for (const File& file : scenario.files) {
    if (!file.before.empty()) {
      ASSERT_TRUE(store.Put(file.path, file.before).ok());
    }
  }
}

void ExpectOldOrNew(const Scenario& scenario, const StoreFixture& fixture,
                    const std::vector<Result<PutOutcome>>& results) {
  for (std::size_t i = 0; i < scenario.files.size(); ++i) {
    const File& file = scenario.files[i];
    const std::filesystem::path path = fixture.FileOf(file.path.name_space(), file.path.name());
    const bool exists = std::filesystem::exists(path);
    const std::string now = Slurp(path);
    EXPECT_TRUE((!exists && file.before.empty()) || (exists && now == file.after) ||
                (exists && !file.before.empty() && now == file.before))
        << file.path.key() << " is torn: " << now.size() << " bytes";
    if (results[i].ok()) {
      EXPECT_EQ(now, file.after) << file.path.key() << " was called written";
    } else {
      EXPECT_NE(results[i].error().message.find(file.path.key()), std::string::npos)
          << "the error does not name its profile: " << results[i].error().message;
      EXPECT_NE(results[i].error().message.find("; "), std::string::npos)
          << "the error does not say what to do: " << results[i].error().message;
      EXPECT_NE(results[i].error().code, ErrorCode::kNotFound) << results[i].error().message;
    }
    if (exists) {
      EXPECT_EQ(ModeOf(path), 0600U);
    }
  }
}

// Without fault all succeeds, and whatever had not been flushed is flushed.
void ExpectRecovers(const Scenario& scenario, const StoreFixture& fixture, ProfileStore& store,
                    FaultyFileSystem& faulty) {
  faulty.Heal();
  const std::vector<PutRequest> requests = RequestsOf(scenario);
  for (const Result<PutOutcome>& result : store.PutAll(requests)) {
    EXPECT_TRUE(result.ok()) << result.error().message;
  }
  for (const File& file : scenario.files) {
    EXPECT_EQ(*store.Inspect(file.path, Sha256Hex(file.after)), FileState::kIntact);
  }
  EXPECT_EQ(store.Scan()->size(), scenario.files.size());
  EXPECT_TRUE(store.TrimCache({}).ok());
  EXPECT_TRUE(NamesWith(fixture.dir.path(), ".tmp-").empty());
  EXPECT_TRUE(NamesWith(fixture.dir.path(), ".foreign-").empty());
}

void FailAt(const Scenario& scenario, FaultyFileSystem::Fault fault, bool* reached) {
  const StoreFixture fixture;
  FaultyFileSystem faulty(RealFileSystem());
  faulty.ShortWrites(4096);
  const auto store = fixture.Open(faulty);
  Prepare(scenario, *store);
  faulty.Inject(fault);
  const std::vector<PutRequest> requests = RequestsOf(scenario);
  const auto results = store->PutAll(requests);
  *reached = faulty.hit();
  faulty.Heal();
  ExpectOldOrNew(scenario, fixture, results);
  if (!fault.from_then_on && !fault.done_anyway) {
    EXPECT_TRUE(NamesWith(fixture.Tenants(), ".tmp-").empty()) << "a temporary file is left";
  }
  ExpectRecovers(scenario, fixture, *store, faulty);
}

TEST(ProfileStoreFaultTest, FailingAtEveryStepLeavesTheOldBytesOrTheNew) {
  int runs = 0;
  for (const Scenario& scenario : Scenarios()) {
    for (const int errno_value : {EIO, ENOSPC, EROFS, EINTR}) {
      for (const int mode : {0, 1, 2}) {
        for (int k = 1;; ++k) {
          SCOPED_TRACE(std::string(scenario.name) + ", call " + std::to_string(k) + ", errno " +
                       std::to_string(errno_value) + ", mode " + std::to_string(mode));
          bool reached = false;
          FailAt(scenario, {k, {}, errno_value, mode == 1, mode == 2}, &reached);
          if (!reached) break;
          ASSERT_FALSE(testing::Test::HasFailure());
          ++runs;
        }
      }
    }
  }
  EXPECT_GT(runs, 1000);
}

TEST(ProfileStoreFaultTest, FailureOfTheDirectoryFlushIsAnErrorUntilItIsFlushed) {
  const StoreFixture fixture;
  FaultyFileSystem faulty(RealFileSystem());
  const auto store = fixture.Open(faulty);
  ASSERT_TRUE(store->Put(PathOf("a", "x"), "old").ok());

  faulty.Inject({2, Call::kSync, EIO});  // the file's, then the directory's
  const auto first = store->Put(PathOf("a", "x"), "new");
  ASSERT_FALSE(first.ok());
  EXPECT_EQ(first.error().code, ErrorCode::kTransient);
  EXPECT_EQ(Slurp(fixture.FileOf("a", "x")), "new");

  faulty.Inject(
      {1, Call::kSync, EIO});  // nothing to write any more, but the directory is not flushed
  EXPECT_FALSE(store->Put(PathOf("a", "x"), "new").ok());
  faulty.Heal();
  EXPECT_EQ(*store->Put(PathOf("a", "x"), "new"), PutOutcome::kUnchanged);
  EXPECT_EQ(faulty.count(Call::kSync), 1);
  faulty.ResetCounts();
  EXPECT_EQ(*store->Put(PathOf("a", "x"), "new"), PutOutcome::kUnchanged);
  EXPECT_EQ(faulty.count(Call::kSync), 0);
}

TEST(ProfileStoreFaultTest, RemoveFailingAtEveryStepIsFinishedByTheNext) {
  for (const bool done_anyway : {false, true}) {
    for (int k = 1;; ++k) {
      SCOPED_TRACE(k);
      const StoreFixture fixture;
      FaultyFileSystem faulty(RealFileSystem());
      const auto store = fixture.Open(faulty);
      ASSERT_TRUE(store->Put(PathOf("a", "x"), "text").ok());
      faulty.Inject({k, {}, EIO, false, done_anyway});
      const Result<void> removed = store->Remove(PathOf("a", "x"));
      const bool reached = faulty.hit();
      faulty.Heal();
      if (removed.ok()) {
        EXPECT_FALSE(std::filesystem::exists(fixture.FileOf("a", "x")));
      }
      EXPECT_TRUE(store->Remove(PathOf("a", "x")).ok());
      EXPECT_FALSE(std::filesystem::exists(fixture.Tenants() / "a"));
      if (!reached) break;
    }
  }
}

// What only looks must not be led to a wrong answer: right, or an error that names its object.
TEST(ProfileStoreFaultTest, LookingFailingAtEveryStepIsRightOrAnError) {
  const StoreFixture fixture;
  FaultyFileSystem faulty(RealFileSystem());
  const auto store = fixture.Open(faulty);
  const std::string digest = Sha256Hex("text");
  ASSERT_TRUE(store->Put(PathOf("a", "x"), "text").ok());
  ASSERT_TRUE(store->Put(PathOf("b", "y"), "text").ok());
  const auto at_every_call = [&](const char* what, const auto& look, const auto& then) {
    for (const int errno_value : {EIO, EACCES, ENOMEM, EMFILE}) {
      for (int k = 1;; ++k) {
        SCOPED_TRACE(std::string(what) + ", call " + std::to_string(k) + ", errno " +
                     std::to_string(errno_value));
        faulty.Inject({k, {}, errno_value});
        look();
        const bool reached = faulty.hit();
        faulty.Heal();
        then();
        const Result<FileState> healed = store->Inspect(PathOf("a", "x"), digest);
        ASSERT_TRUE(healed.ok()) << healed.error().message;
        ASSERT_EQ(*healed, FileState::kIntact);
        if (!reached) break;
      }
    }
  };
  const auto nothing = [] {};
  const auto look_in_place = [&] {
    const Result<FileState> found = store->Inspect(PathOf("a", "x"), digest);
    // Whoever may not read it replaces it: to the runtime it is as good as gone.
    if (found.ok()) {
      EXPECT_NE(*found, FileState::kMissing);
    } else {
      EXPECT_NE(found.error().code, ErrorCode::kNotFound) << found.error().message;
    }
  };
  at_every_call("Inspect", look_in_place, nothing);
  const auto scan = [&] {
    const auto found = store->Scan();
    if (found.ok()) {
      EXPECT_EQ(found->size(), 2U) << "an entry was left out";
    } else {
      EXPECT_NE(found.error().message.find("; "), std::string::npos) << found.error().message;
    }
  };
  at_every_call("Scan", scan, nothing);
  const auto read_copy = [&] {
    const auto bytes = store->ReadCache(digest);
    if (bytes.ok()) {
      EXPECT_EQ(*bytes, "text");
    }
  };
  const auto has_copy = [&] {
    const Result<std::string> copy = store->ReadCache(digest);
    ASSERT_TRUE(copy.ok()) << copy.error().message;
    EXPECT_EQ(*copy, "text");
  };
  // What could not be read may have been dropped, and comes back with the next Put.
  at_every_call("ReadCache", read_copy, [&] {
    ASSERT_TRUE(store->Put(PathOf("a", "x"), "text").ok());
    has_copy();
  });
  const auto trim = [&] { static_cast<void>(store->TrimCache({digest})); };
  at_every_call("TrimCache", trim, has_copy);
  const auto probe = [&] { static_cast<void>(store->CheckWritable()); };
  at_every_call("CheckWritable", probe, nothing);
  EXPECT_EQ(store->Scan()->size(), 2U);
  EXPECT_TRUE(NamesWith(fixture.dir.path(), ".tmp-").empty());
}

TEST(ProfileStoreFaultTest, AFileRemovedAtAnyStepOfALookIsMissingOrWasIntact) {
  const StoreFixture fixture;
  FaultyFileSystem watched(RealFileSystem());
  const auto store = fixture.Open(watched);
  const auto look = [&] { return *store->Inspect(PathOf("a", "x"), Sha256Hex("text")); };
  ASSERT_TRUE(store->Put(PathOf("a", "x"), "text").ok());
  watched.ResetCounts();
  ASSERT_EQ(look(), FileState::kIntact);
  const int steps = watched.total();
  int missing = 0;
  for (int step = 1; step <= steps; ++step) {
    watched.Heal();
    ASSERT_TRUE(store->Put(PathOf("a", "x"), "text").ok());
    const std::string file = fixture.FileOf("a", "x");
    watched.Inject({.call = step, .meanwhile = [&] { ::unlink(file.c_str()); }});
    const FileState state = look();
    missing += state == FileState::kMissing ? 1 : 0;
    if (state != FileState::kMissing) {
      EXPECT_EQ(FileStateName(state), "intact") << "removed at step " << step << " of " << steps;
    }
    EXPECT_TRUE(watched.hit());
  }
  EXPECT_GE(missing, 4);
}

TEST(ProfileStoreFaultTest, OneFailureDoesNotStopTheOthers) {
  const StoreFixture fixture;
  FaultyFileSystem faulty(RealFileSystem());
  const auto store = fixture.Open(faulty);
  faulty.Inject({2, Call::kRename, ENOSPC});
  const std::vector<PutRequest> requests{
      {PathOf("a", "x"), "1"}, {PathOf("a", "y"), "2"}, {PathOf("a", "z"), "3"}};
  const auto results = store->PutAll(requests);
  EXPECT_TRUE(results[0].ok());
  ASSERT_FALSE(results[1].ok());
  EXPECT_EQ(results[1].error().code, ErrorCode::kTransient);
  EXPECT_TRUE(results[2].ok());
}

TEST(ProfileStoreFaultTest, ErrorCodesFollowTheReactionOfTheCaller) {
  struct Row {
    int errno_value;
    ErrorCode code;
  };
  for (const Row& row : {Row{ENOSPC, ErrorCode::kTransient}, Row{EDQUOT, ErrorCode::kTransient},
                         Row{EIO, ErrorCode::kTransient}, Row{EROFS, ErrorCode::kDenied},
                         Row{EPERM, ErrorCode::kDenied}, Row{ENOENT, ErrorCode::kConflict}}) {
    const StoreFixture fixture;
    FaultyFileSystem faulty(RealFileSystem());
    const auto store = fixture.Open(faulty);
    faulty.Inject({1, Call::kWrite, row.errno_value});
    const auto result = store->Put(PathOf("a", "x"), "text");
    ASSERT_FALSE(result.ok());
    EXPECT_EQ(result.error().code, row.code) << result.error().message;
  }
}

TEST(ProfileStoreFaultTest, FlushesOncePerFileAndOncePerDirectory) {
  const StoreFixture fixture;
  FaultyFileSystem faulty(RealFileSystem());
  const auto store = fixture.Open(faulty);
  ASSERT_TRUE(store->Put(PathOf("a", "x"), "text").ok());
  faulty.ResetCounts();
  std::vector<PutRequest> requests;
  requests.reserve(100);
  for (int i = 0; i < 100; ++i) {
    requests.push_back({PathOf("a", "p" + std::to_string(i)), "text"});
  }
  for (const auto& result : store->PutAll(requests)) EXPECT_EQ(*result, PutOutcome::kWritten);
  EXPECT_EQ(faulty.count(Call::kSync), 101);
  faulty.ResetCounts();
  for (const auto& result : store->PutAll(requests)) EXPECT_EQ(*result, PutOutcome::kUnchanged);
  EXPECT_EQ(faulty.count(Call::kSync), 0);
}

TEST(ProfileStoreFaultTest, FailureOfTheCacheIsNoFailureOfPut) {
  const StoreFixture fixture;
  FaultyFileSystem faulty(RealFileSystem());
  const auto store = fixture.Open(faulty);
  faulty.Inject({2, Call::kRename, ENOSPC});  // the profile's, then the copy's
  EXPECT_TRUE(store->Put(PathOf("a", "x"), "text").ok());
  EXPECT_TRUE(faulty.hit());
  EXPECT_EQ(store->ReadCache(Sha256Hex("text")).error().code, ErrorCode::kNotFound);
}

}  // namespace
}  // namespace seccompd::node
