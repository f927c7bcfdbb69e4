// SPDX-License-Identifier: Apache-2.0
#include "seccompd/node/record.h"

#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <iostream>
#include <limits>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "seccompd/base/digest.h"

#include "fakes/faulty_file_system.h"
#include "node/temp_dir.h"

namespace seccompd::node {
namespace {

namespace fs = std::filesystem;

std::string AllBytes() {
  std::string all;
  for (int i = 0; i < 256; ++i) all += static_cast<char>(i);
  return all;
}

Record Example() {
  Record record{"cluster-uid", "crd-uid", "12345", {}};
  record.entries["a/x"] = RecordEntry{"uid-1",
                                      3,
                                      2,
                                      std::string(64, 'a'),
                                      std::string(64, 'b'),
                                      412,
                                      "Invalid",
                                      "UnknownSyscall",
                                      "no such\tcall \\x41\n",
                                      1700000000};
  record.entries["b/" + AllBytes()] = RecordEntry{AllBytes(),
                                                  std::numeric_limits<std::int64_t>::max(),
                                                  std::numeric_limits<std::int64_t>::min(),
                                                  "",
                                                  "",
                                                  4294967295,
                                                  "",
                                                  "",
                                                  AllBytes(),
                                                  -1};
  record.entries["c/y"] = RecordEntry{};
  RecordEntry& built = record.entries["d/z"];
  built.bases = {"base-1", "base-2"};
  built.uses_labels = true;
  built.dependency_digest = std::string(64, 'd');
  built.has_unchecked_tree = true;
  record.entries["d/zz"].remove_when_invalid = true;
  return record;
}

class StateDirTest : public testing::Test {
 protected:
  std::unique_ptr<StateDir> Open() const { return *StateDir::Open(RealFileSystem(), path_); }
  TempDir dir_;
  std::string path_ = dir_ / "state";
};

TEST_F(StateDirTest, RecordComesBackAsItWas) {
  const auto state = Open();
  EXPECT_EQ(state->LoadRecord().error().code, ErrorCode::kNotFound);
  for (const Record& record : {Record{}, Example()}) {
    ASSERT_TRUE(state->SaveRecord(record).ok());
    EXPECT_EQ(*Open()->LoadRecord(), record);
  }
  EXPECT_EQ(ModeOf(path_), 0700U);
  EXPECT_EQ(ModeOf(path_ + "/record"), 0600U);
  EXPECT_TRUE(Slurp(path_ + "/record").starts_with("seccompd-record 3\ncluster\tcluster-uid\n"));
}

TEST_F(StateDirTest, AnyFlippedBitAndAnyLengthIsDetected) {
  const auto state = Open();
  ASSERT_TRUE(state->SaveRecord(Example()).ok());
  const std::string whole = Slurp(path_ + "/record");
  const auto expect_damaged = [&](const std::string& text, const std::string& what) {
    Spit(path_ + "/record", text);
    const Result<Record> loaded = state->LoadRecord();
    ASSERT_FALSE(loaded.ok()) << what;
    ASSERT_EQ(loaded.error().code, ErrorCode::kInvalid) << what;
    ASSERT_EQ(Slurp(path_ + "/record.damaged"), text) << what;
    ASSERT_EQ(state->LoadRecord().error().code, ErrorCode::kNotFound) << what;
  };
  for (std::size_t i = 0; i < whole.size(); ++i) {
    for (const int bit : {0, 5, 7}) {
      std::string text = whole;
      text[i] = static_cast<char>(text[i] ^ (1 << bit));
      expect_damaged(text, "byte " + std::to_string(i));
    }
    expect_damaged(whole.substr(0, i), "length " + std::to_string(i));
  }
  expect_damaged(whole + "\n", "a line more");
}

// A right checksum does not make nonsense a record.
TEST_F(StateDirTest, NonsenseWithARightChecksumIsRefused) {
  const auto state = Open();
  const std::string fields = "cluster\t\ncrd\t\nresourceVersion\t\n";
  ASSERT_TRUE(state->SaveRecord(Record{}).ok());
  ASSERT_TRUE(Slurp(path_ + "/record").starts_with("seccompd-record 3\n" + fields + "sha256 "));
  std::vector<std::string> bodies{
      "seccompd-record 1\n",
      "seccompd-record 2\n",
      "seccompd-record 3\n",
      "seccompd-record 4\n" + fields,
      "seccompd-record 3\n" + fields + "profile\ta/x\tu\t0\t0\t\t\t0\t\t\t\t0\t\t0\t\t2\t0\n",
      "seccompd-record 3\n" + fields + "profile\ta/x\tu\t0\t0\t\t\t0\t\t\t\t0\t\t0\t\t0\t\n",
      "seccompd-record 3\n" + fields + "profile\ta/x\tu\t0\t0\t\t\t0\t\t\t\t0\t\t0\t\n",
      "seccompd-record 2\n" + fields + "profile\ta/x\tu\t0\t0\t\t\t0\t\t\t\t0\t\t2\t\n",
      "seccompd-record 2\n" + fields + "profile\ta/x\tu\t0\t0\t\t\t0\t\t\t\t0\tb  c\t0\t\n",
      "seccompd-record 1\n" + fields + "profile\ta/x\tu\t0\t0\t\t\t0\t\t\t\t0\t\t0\t\n",
      "seccompd-record 2\n" + fields + "profile\ta/x\tu\t0\t0\t\t\t0\t\t\t\t0\n"};
  // In a tail, "@" stands for the fields of an entry that holds nothing, "$" for the last ones.
  for (const char* tail :
       {"profile\tb/x@profile\ta/x@", "profile\ta/x@profile\ta/x@",  // order; twice
        "profile\ta/x\tu\t+1\t0\t\t\t0\t\t\t\t0$", "profile\ta/x\tu\t01\t0\t\t\t0\t\t\t\t0$",
        "profile\ta/x\tu\t9223372036854775808\t0\t\t\t0\t\t\t\t0$",
        "profile\ta/x\tu\t0\t0\t\t\t-1\t\t\t\t0$", "profile\ta/x@\n", "profile\ta/\\x6@",
        "profile\ta/\\x61@", "unknown\tx\n", "cluster\tx\n", "\t\t\t\t\t\t\t\t\t\t\t$",
        "no newline"}) {
    for (const auto& [version, last] : {std::pair<std::string, std::string>{"1", "\n"},
                                        {"2", "\t\t0\t\n"},
                                        {"3", "\t\t0\t\t0\t0\n"}}) {
      std::string body = "seccompd-record " + version + "\n" + fields;
      for (const char c : std::string_view(tail)) {
        body += c == '@' ? "\tu\t0\t0\t\t\t0\t\t\t\t0" + last : c == '$' ? last : std::string(1, c);
      }
      bodies.push_back(body);
    }
  }
  for (const std::string& body : bodies) {
    Spit(path_ + "/record", body + "sha256 " + Sha256Hex(body) + "\n");
    EXPECT_EQ(state->LoadRecord().error().code, ErrorCode::kInvalid) << body;
  }
}

TEST_F(StateDirTest, TheFirstFormatIsStillRead) {
  const auto state = Open();
  const std::string body =
      "seccompd-record 1\ncluster\tc\ncrd\td\nresourceVersion\t7\n"
      "profile\ta/x\tu\t3\t2\tin\tfile\t9\tInstalled\tWarnings\tso so\t1700000000\n";
  Spit(path_ + "/record", body + "sha256 " + Sha256Hex(body) + "\n");
  const auto record = state->LoadRecord();
  ASSERT_TRUE(record.ok()) << record.error().message;
  EXPECT_EQ(record->resource_version, "7");
  EXPECT_EQ(record->entries.at("a/x"), (RecordEntry{"u", 3, 2, "in", "file", 9, "Installed",
                                                    "Warnings", "so so", 1700000000}));
  ASSERT_TRUE(state->SaveRecord(*record).ok());
  EXPECT_TRUE(Slurp(path_ + "/record").starts_with("seccompd-record 3\n"));
  EXPECT_EQ(*state->LoadRecord(), *record);
}

TEST_F(StateDirTest, TheSecondFormatIsStillRead) {
  const auto state = Open();
  const std::string body =
      "seccompd-record 2\ncluster\tc\ncrd\td\nresourceVersion\t7\n"
      "profile\ta/x\tu\t3\t2\tin\tfile\t9\tInstalled\t\t\t1700000000\tbase\t1\tover\n";
  Spit(path_ + "/record", body + "sha256 " + Sha256Hex(body) + "\n");
  const auto record = state->LoadRecord();
  ASSERT_TRUE(record.ok()) << record.error().message;
  const RecordEntry& entry = record->entries.at("a/x");
  EXPECT_EQ(entry.bases, std::vector<std::string>{"base"});
  EXPECT_TRUE(entry.uses_labels);
  EXPECT_EQ(entry.dependency_digest, "over");
  EXPECT_FALSE(entry.has_unchecked_tree);
}

TEST_F(StateDirTest, WhatIsNoFileIsNoRecord) {
  const auto state = Open();
  fs::create_symlink("decoy", path_ + "/record");
  EXPECT_EQ(state->LoadRecord().error().code, ErrorCode::kInvalid);
  ASSERT_EQ(::mkfifo((path_ + "/record").c_str(), 0600), 0);
  EXPECT_EQ(state->LoadRecord().error().code, ErrorCode::kInvalid);
  fs::create_directory(path_ + "/record");
  EXPECT_TRUE(state->SaveRecord(Example()).ok());
  EXPECT_EQ(*state->LoadRecord(), Example());
}

TEST_F(StateDirTest, SavingFailingAtEveryStepLeavesTheOldRecordOrTheNew) {
  Record other = Example();
  other.resource_version = "other";
  for (const bool done_anyway : {false, true}) {
    for (int k = 1;; ++k) {
      FaultyFileSystem faulty(RealFileSystem());
      const auto state = *StateDir::Open(faulty, path_);
      ASSERT_TRUE(state->SaveRecord(Example()).ok());
      faulty.Inject({k, {}, ENOSPC, false, done_anyway});
      const Result<void> saved = state->SaveRecord(other);
      const bool reached = faulty.hit();
      faulty.Heal();
      const Result<Record> loaded = state->LoadRecord();
      ASSERT_TRUE(loaded.ok());
      EXPECT_TRUE(*loaded == other || (!saved.ok() && *loaded == Example()));
      if (!reached) break;
    }
  }
  ASSERT_TRUE(Open()->TakeLock().ok());
  EXPECT_TRUE(NamesWith(path_, ".tmp-").empty());
}

// A disk that cannot be read is no damaged record: nothing is put aside, nothing forgotten.
TEST_F(StateDirTest, StartingFailingAtEveryStepLosesNothing) {
  const std::string tried(64, '1');
  ASSERT_TRUE(Open()->SaveRecord(Example()).ok());
  for (const int errno_value : {EIO, EACCES, EMFILE}) {
    for (int k = 1;; ++k) {
      SCOPED_TRACE("call " + std::to_string(k) + ", errno " + std::to_string(errno_value));
      ASSERT_TRUE(Open()->MarkTried({&tried, 1}).ok());
      FaultyFileSystem faulty(RealFileSystem());
      faulty.Inject({k, {}, errno_value});
      if (const auto state = StateDir::Open(faulty, path_); state.ok()) {
        static_cast<void>((*state)->TakeLock());
        const Result<Record> loaded = (*state)->LoadRecord();
        if (loaded.ok()) {
          EXPECT_EQ(*loaded, Example());
        } else {
          EXPECT_NE(loaded.error().code, ErrorCode::kInvalid) << loaded.error().message;
          EXPECT_NE(loaded.error().code, ErrorCode::kNotFound) << loaded.error().message;
        }
        static_cast<void>((*state)->TakeTried());
      }
      const bool reached = faulty.hit();
      EXPECT_EQ(*Open()->LoadRecord(), Example());
      EXPECT_FALSE(fs::exists(path_ + "/record.damaged"));
      EXPECT_EQ(Open()->TakeTried()->count(tried), 1U) << "what was tried is forgotten";
      fs::remove_all(path_ + "/tried");
      if (!reached) break;
    }
  }
  ASSERT_TRUE(Open()->TakeLock().ok());
  EXPECT_TRUE(NamesWith(path_, ".tmp-").empty());
}

TEST_F(StateDirTest, FiveThousandEntriesTakeMilliseconds) {
  Record record{"cluster", "crd", "1", {}};
  for (int i = 0; i < 5000; ++i) {
    record.entries["namespace-" + std::to_string(i % 50) + "/profile-" + std::to_string(i)] =
        RecordEntry{"0b5d0c3e-7c1f-4a55-9a1c-0f6a1a3c2b1d",
                    1,
                    1,
                    std::string(64, 'a'),
                    std::string(64, 'b'),
                    400,
                    "Installed",
                    "",
                    "",
                    1700000000};
  }
  const auto state = Open();
  const auto now = [] { return std::chrono::steady_clock::now(); };
  const auto begin = now();
  ASSERT_TRUE(state->SaveRecord(record).ok());
  const auto saved = now();
  const Result<Record> loaded = state->LoadRecord();
  const auto end = now();
  ASSERT_EQ(*loaded, record);
  using Milliseconds = std::chrono::duration<double, std::milli>;
  std::cout << "5,000 entries, " << fs::file_size(path_ + "/record") << " bytes: save "
            << Milliseconds(saved - begin).count() << " ms, load "
            << Milliseconds(end - saved).count() << " ms\n";
}

using Digests = std::vector<std::string>;
using Counts = std::map<std::string, int>;

TEST_F(StateDirTest, TriedCountsTheStartsAtWhichItWasFound) {
  const std::string one(64, '1');
  const std::string two(64, '2');
  ASSERT_TRUE(Open()->MarkTried(Digests{one}).ok());
  EXPECT_EQ(*Open()->TakeTried(), (Counts{{one, 1}}));
  ASSERT_TRUE(Open()->MarkTried(Digests{one, two}).ok());
  EXPECT_EQ(*Open()->TakeTried(), (Counts{{one, 2}, {two, 1}})) << "one again, and no third time";
  EXPECT_TRUE(NamesWith(path_ + "/tried", "with-").empty()) << "of an agent that is gone";
  const auto state = Open();
  EXPECT_EQ(*state->TakeTried(), (Counts{{one, 3}, {two, 2}}));
  ASSERT_TRUE(state->ForgetTried(one).ok());
  ASSERT_TRUE(state->ForgetTried(one).ok());
  Spit(path_ + "/tried/" + two, "-99999999999999999999 nonsense");
  Spit(path_ + "/tried/readme", "x");
  EXPECT_EQ(*Open()->TakeTried(), (Counts{{two, 1}}));
  for (const char* bad : {"", "../record", "x"}) {
    EXPECT_EQ(Open()->MarkTried(Digests{bad}).error().code, ErrorCode::kInvalid) << bad;
    EXPECT_EQ(Open()->ForgetTried(bad).error().code, ErrorCode::kInvalid) << bad;
  }
}

TEST_F(StateDirTest, WhatWasJudgedIsMarkedNoMore) {
  const std::string one(64, '1');
  const std::string two(64, '2');
  const std::string three(64, '3');
  const auto state = Open();
  const Result<std::size_t> first = state->MarkTried(Digests{one, two});
  const Result<std::size_t> second = state->MarkTried(Digests{two, three});
  ASSERT_TRUE(first.ok() && second.ok());
  state->UnmarkTried(*first);
  EXPECT_EQ(NamesWith(path_ + "/tried", "with-").size(), 2U);
  EXPECT_EQ(*state->MarkTried(Digests{three}), *first) << "its file is used again";
  EXPECT_EQ(NamesWith(path_ + "/tried", "with-").size(), 2U);
  state->UnmarkTried(*first);
  EXPECT_EQ(*Open()->TakeTried(), (Counts{{two, 1}, {three, 1}})) << "the second request's";
}

TEST_F(StateDirTest, ALineThatWasNotWrittenToItsEndIsLeftOut) {
  const std::string one(64, '1');
  ASSERT_TRUE(Open()->MarkTried(Digests{one}).ok());
  const std::vector<std::string> names = NamesWith(path_ + "/tried", "with-");
  ASSERT_EQ(names.size(), 1U);
  std::ofstream(path_ + "/tried/" + names.front(), std::ios::app) << std::string(63, '2');
  fs::create_symlink(path_ + "/record", path_ + "/tried/with-link");
  EXPECT_EQ(*Open()->TakeTried(), (Counts{{one, 1}}));
}

// Whatever fails, an input that was judged is not left marked while others can be marked.
TEST_F(StateDirTest, MarkingFailingAtEveryStepLeavesNothingBehind) {
  const std::string one(64, '1');
  const std::string two(64, '2');
  const std::string three(64, '3');
  for (int k = 1;; ++k) {
    SCOPED_TRACE("call " + std::to_string(k));
    FaultyFileSystem faulty(RealFileSystem());
    const auto state = StateDir::Open(faulty, path_);
    ASSERT_TRUE(state.ok());
    faulty.ShortWrites(one.size() + 1);
    faulty.Inject({k, {}, ENOSPC});
    for (int i = 0; i < 2; ++i) {
      if (const auto mark = (*state)->MarkTried(Digests{one, three}); mark.ok()) {
        (*state)->UnmarkTried(*mark);
      }
    }
    const bool reached = faulty.hit();
    faulty.Heal();
    EXPECT_TRUE((*state)->MarkTried(Digests{two}).ok());
    EXPECT_EQ(*Open()->TakeTried(), (Counts{{two, 1}}));
    ASSERT_TRUE(fs::remove(path_ + "/tried/" + two));
    if (!reached) break;
  }
}

TEST_F(StateDirTest, WriteFileReplacesAndStaysInside) {
  const auto state = Open();
  EXPECT_TRUE(state->WriteFile("state.json", "{}").ok());
  EXPECT_TRUE(state->WriteFile("state.json", "{\"a\":1}").ok());
  EXPECT_EQ(Slurp(path_ + "/state.json"), "{\"a\":1}");
  EXPECT_EQ(ModeOf(path_ + "/state.json"), 0600U);
  EXPECT_FALSE(state->WriteFile("../x", "x").ok());
  EXPECT_FALSE(state->WriteFile("", "x").ok());
}

TEST_F(StateDirTest, RefusesADirectoryOpenToOthers) {
  fs::create_directory(path_);
  ::chmod(path_.c_str(), 0777);
  EXPECT_EQ(StateDir::Open(RealFileSystem(), path_).error().code, ErrorCode::kInvalid);
}

TEST_F(StateDirTest, OneProcessHoldsTheLockAndTheOtherIsToldWhich) {
  int ready[2];
  int leave[2];
  ASSERT_EQ(::pipe(ready), 0);
  ASSERT_EQ(::pipe(leave), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    const auto state = Open();
    const char took = state->TakeLock().ok() ? 'y' : 'n';
    ::close(leave[1]);
    char ignored = 0;
    if (::write(ready[1], &took, 1) == 1) static_cast<void>(!::read(leave[0], &ignored, 1));
    ::_exit(0);
  }
  ::close(leave[0]);
  char took = 0;
  ASSERT_EQ(::read(ready[0], &took, 1), 1);
  ASSERT_EQ(took, 'y');
  const auto state = Open();
  const Result<void> lock = state->TakeLock();
  ASSERT_FALSE(lock.ok());
  EXPECT_EQ(lock.error().code, ErrorCode::kConflict);
  EXPECT_NE(lock.error().message.find("pid " + std::to_string(child)), std::string::npos)
      << lock.error().message;
  ::close(leave[1]);
  ASSERT_EQ(::waitpid(child, nullptr, 0), child);
  EXPECT_TRUE(state->TakeLock().ok());
  EXPECT_EQ(Open()->TakeLock().error().code, ErrorCode::kConflict);
  ::close(ready[0]);
  ::close(ready[1]);
}

}  // namespace
}  // namespace seccompd::node
