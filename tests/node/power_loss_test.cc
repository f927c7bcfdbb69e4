// SPDX-License-Identifier: Apache-2.0
// The power goes before call k of a life of the store and the record, for every k: after the reboot
// each profile is a whole version, what was called durable is there, and all mends.
#include <functional>
#include <map>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "seccompd/base/digest.h"
#include "seccompd/node/record.h"
#include "seccompd/node/store.h"

#include "fakes/power_loss_file_system.h"
#include "node/temp_dir.h"

namespace seccompd::node {
namespace {

using Fate = PowerLossFileSystem::Fate;

const std::string kNone;  // no file

// The bytes of each path and of the record: what is known to be durable, and what may be there
// because it was under way when the power went.
class Expectation {
 public:
  void Begin(const std::string& what, const std::string& bytes) { possible_[what].insert(bytes); }
  void Durable(const std::string& what, const std::string& bytes) { possible_[what] = {bytes}; }
  bool Allows(const std::string& what, const std::string& bytes) const {
    const auto found = possible_.find(what);
    return found == possible_.end() ? bytes == kNone : found->second.contains(bytes);
  }

 private:
  std::map<std::string, std::set<std::string>> possible_;
};

std::string Version(const std::string& key, int version) {
  return key + " version " + std::to_string(version) + std::string(150, 'x') + "\n";
}

class Machine {
 public:
  Machine() {
    // The host's directories are there and flushed: the machine has run before.
    UniqueFd above = std::move(disk_.OpenFileSystemRoot().value);
    EXPECT_EQ(disk_.MakeDirectory(above.get(), "seccomp", 0755), 0);
    EXPECT_EQ(disk_.Sync(above.get()), 0);
  }
  // What an agent does in its life. False: the power went.
  bool Live() {
    if (!Boot()) return false;
    int version = 0;
    Put({"a/x"}, ++version);
    Save("1");
    Put({"a/x", "a/y", "b/z"}, ++version);
    Save("2");
    Remove("b/z");
    Put({"a/y"}, ++version);
    Save("3");
    Remove("a/x");
    Put({"b/z"}, ++version);
    Remove("a/y");  // the last of its namespace
    Put({"a/x", "a/y"}, ++version);
    Save("4");
    return !disk_.is_off();
  }
  void Check() {
    ASSERT_TRUE(Boot()) << "the store or the state directory does not open after the reboot";
    for (const char* key : {"a/x", "a/y", "b/z"}) {
      const std::string now = BytesOf(key);
      EXPECT_TRUE(expected_.Allows(key, now)) << key << " is \"" << now << "\"";
    }
    const Result<Record> record = state_->LoadRecord();
    if (!record.ok()) {
      EXPECT_EQ(record.error().code, ErrorCode::kNotFound) << record.error().message;
    }
    EXPECT_TRUE(expected_.Allows("record", record.ok() ? record->resource_version : kNone))
        << (record.ok() ? record->resource_version : record.error().message);
    ExpectMends();
  }
  PowerLossFileSystem& disk() { return disk_; }

 private:
  bool Boot() {
    auto store = ProfileStore::Open(disk_, {"/seccomp", "/state"});
    auto state = StateDir::Open(disk_, "/state");
    if (!store.ok() || !state.ok() || !(*state)->TakeLock().ok()) {
      if (!disk_.is_off()) {
        ADD_FAILURE() << (store.ok() ? "" : store.error().message)
                      << (state.ok() ? "" : state.error().message);
      }
      return false;
    }
    store_ = *std::move(store);
    state_ = *std::move(state);
    return true;
  }
  static ProfilePath At(const std::string& key) { return PathOf(key.substr(0, 1), key.substr(2)); }
  void Put(const std::vector<std::string>& keys, int version) {
    std::vector<std::string> texts;
    std::vector<PutRequest> requests;
    texts.reserve(keys.size());
    for (const std::string& key : keys) {
      texts.push_back(Version(key, version));
      requests.push_back({At(key), texts.back()});
      if (!disk_.is_off()) {
        expected_.Begin(key, texts.back());
        Keep(key);
      }
    }
    const auto results = store_->PutAll(requests);
    for (std::size_t i = 0; i < keys.size(); ++i) {
      if (results[i].ok()) Done(keys[i], texts[i]);
    }
  }
  void Remove(const std::string& key) {
    if (!disk_.is_off()) {
      expected_.Begin(key, kNone);
      Keep(key);
    }
    if (store_->Remove(At(key)).ok()) Done(key, kNone);
  }
  void Save(const std::string& version) {
    if (!disk_.is_off()) {
      expected_.Begin("record", version);
      Keep("record");
    }
    Record record{"cluster", "crd", version, {}};
    record.entries["a/x"].uid = "uid";
    if (state_->SaveRecord(record).ok()) Done("record", version);
  }
  // What is there now stays possible until the next step is done.
  void Keep(const std::string& what) {
    const auto durable = durable_.find(what);
    expected_.Begin(what, durable == durable_.end() ? kNone : durable->second);
  }
  void Done(const std::string& what, const std::string& bytes) {
    durable_[what] = bytes;
    expected_.Durable(what, bytes);
  }
  // Found by its digest: the disk is not asked by other ways than the store's.
  std::string BytesOf(const std::string& key) {
    const Result<FileState> none = store_->Inspect(At(key), std::string(64, '0'));
    if (!none.ok()) return none.error().message;
    if (*none == FileState::kMissing) return kNone;
    for (int version = 1; version < 9; ++version) {
      const std::string text = Version(key, version);
      const Result<FileState> found = store_->Inspect(At(key), Sha256Hex(text));
      if (found.ok() && *found == FileState::kIntact) return text;
    }
    return "torn, or with a wrong mode: " + std::string(FileStateName(*none));
  }
  void ExpectMends() {
    const std::string text = Version("a/x", 9);
    for (const char* key : {"a/x", "b/z"}) {
      const auto put = store_->Put(At(key), text);
      EXPECT_TRUE(put.ok()) << put.error().message;
    }
    EXPECT_TRUE(store_->Remove(At("a/y")).ok());
    EXPECT_EQ(*store_->Inspect(At("a/x"), Sha256Hex(text)), FileState::kIntact);
    EXPECT_EQ(*store_->ReadCache(Sha256Hex(text)), text);
    EXPECT_TRUE(store_->TrimCache({Sha256Hex(text)}).ok());
    const auto found = store_->Scan();
    ASSERT_TRUE(found.ok()) << found.error().message;
    EXPECT_EQ(found->size(), 2U) << "something is left below tenants/";
    EXPECT_TRUE(state_->SaveRecord(Record{}).ok());
    EXPECT_EQ(*state_->LoadRecord(), Record{});
  }

  PowerLossFileSystem disk_;
  std::unique_ptr<ProfileStore> store_;
  std::unique_ptr<StateDir> state_;
  Expectation expected_;
  std::map<std::string, std::string> durable_;
};

// How many calls a life has; the power stays.
int CallsOfALife() {
  Machine machine;
  machine.disk().CutPowerAt(0);
  EXPECT_TRUE(machine.Live());
  return machine.disk().calls();
}

class PowerLossTest : public testing::TestWithParam<Fate> {};

TEST_P(PowerLossTest, BeforeEveryCallOfALifeNothingIsTornAndNothingDurableIsLost) {
  const int calls = CallsOfALife();
  ASSERT_GT(calls, 200);
  const int draws = GetParam() == Fate::kDrawn ? 20 : 1;
  for (int call = 1; call <= calls; ++call) {
    for (int draw = 0; draw < draws; ++draw) {
      SCOPED_TRACE("call " + std::to_string(call) + ", draw " + std::to_string(draw));
      std::mt19937 random(static_cast<unsigned>(call * 1000 + draw));
      Machine machine;
      machine.disk().CutPowerAt(call);
      EXPECT_FALSE(machine.Live());
      machine.disk().Reboot(GetParam(), random);
      machine.Check();
      ASSERT_FALSE(HasFailure());
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Disk, PowerLossTest,
                         testing::Values(Fate::kOnlyFlushed, Fate::kEverything, Fate::kDrawn),
                         [](const auto& row) -> std::string {
                           switch (row.param) {
                             case Fate::kOnlyFlushed:
                               return "KeepsOnlyWhatWasFlushed";
                             case Fate::kEverything:
                               return "KeepsEverything";
                             case Fate::kDrawn:
                               return "KeepsAnyPart";
                           }
                           return "";
                         });

}  // namespace
}  // namespace seccompd::node
