// SPDX-License-Identifier: Apache-2.0
#include "seccompd/agent/work_queue.h"

#include <future>
#include <thread>

#include <gtest/gtest.h>

#include "fakes/manual_clock.h"

namespace seccompd::agent {
namespace {

using fakes::ManualClock;

TEST(WorkQueueTest, MergesAKeyThatIsAddedTwice) {
  const ManualClock clock;
  WorkQueue queue(clock);
  queue.Add("a");
  queue.Add("b");
  queue.Add("a");
  EXPECT_EQ(queue.depth(), 2U);
  EXPECT_EQ(queue.Get({}), "a");
  EXPECT_EQ(queue.Get({}), "b");
  queue.Done("a");
  queue.Done("b");
  EXPECT_TRUE(queue.idle());
}

TEST(WorkQueueTest, GivesAKeyToOneWorkerAtATimeAndOnceMoreAfterwards) {
  const ManualClock clock;
  WorkQueue queue(clock);
  queue.Add("a");
  ASSERT_EQ(queue.Get({}), "a");
  queue.Add("a");
  queue.Add("a");
  queue.Add("b");
  EXPECT_EQ(queue.Get({}), "b") << "a is still with its worker";
  queue.Done("a");
  EXPECT_EQ(queue.Get({}), "a");
  queue.Done("a");
  queue.Done("b");
  EXPECT_TRUE(queue.idle());
}

TEST(WorkQueueTest, HoldsADelayedKeyBackUntilItsTime) {
  ManualClock clock;
  WorkQueue queue(clock);
  queue.AddAfter("late", std::chrono::seconds(10));
  queue.AddAfter("soon", std::chrono::seconds(5));
  EXPECT_TRUE(queue.idle()) << "waiting is no work";
  clock.Advance(std::chrono::seconds(6));
  EXPECT_EQ(queue.Get({}), "soon");
  clock.Advance(std::chrono::seconds(6));
  EXPECT_EQ(queue.Get({}), "late");
}

TEST(WorkQueueTest, SoonestTimeWins) {
  ManualClock clock;
  WorkQueue queue(clock);
  queue.AddAfter("a", std::chrono::seconds(100));
  queue.AddAfter("a", std::chrono::seconds(1));
  queue.AddAfter("a", std::chrono::seconds(50));
  clock.Advance(std::chrono::seconds(2));
  EXPECT_EQ(queue.Get({}), "a");
  queue.Done("a");
  clock.Advance(std::chrono::seconds(200));
  queue.Add("b");
  EXPECT_EQ(queue.Get({}), "b") << "a does not come again";
}

TEST(WorkQueueTest, BackoffGrowsPerKeyAndStartsAfreshAfterForget) {
  ManualClock clock;
  WorkQueue queue(clock);
  const auto first = queue.AddRateLimited("a");
  EXPECT_LE(first, std::chrono::milliseconds(250));
  for (int i = 0; i < 20; ++i) queue.AddRateLimited("a");
  const auto later = queue.AddRateLimited("a");
  EXPECT_GE(later, std::chrono::seconds(150));
  EXPECT_LE(later, std::chrono::minutes(5));
  EXPECT_LE(queue.AddRateLimited("b"), std::chrono::milliseconds(250))
      << "another key's failures are its own";
  queue.Forget("a");
  EXPECT_LE(queue.AddRateLimited("a"), std::chrono::milliseconds(250));
}

TEST(WorkQueueTest, StopWakesASleepingWorker) {
  const ManualClock clock;
  WorkQueue queue(clock);
  std::promise<bool> ended;
  std::jthread worker([&](std::stop_token stop) { ended.set_value(!queue.Get(stop).has_value()); });
  worker.request_stop();
  EXPECT_TRUE(ended.get_future().get());
}

TEST(WorkQueueTest, AddWakesAWorkerThatWaitsForADelayedKey) {
  const ManualClock clock;
  WorkQueue queue(clock);
  queue.AddAfter("never", std::chrono::hours(1));
  std::promise<std::string> got;
  std::jthread worker([&](std::stop_token stop) { got.set_value(queue.Get(stop).value_or("")); });
  queue.Add("now");
  EXPECT_EQ(got.get_future().get(), "now");
}

TEST(WorkQueueTest, GivesTheKeysBehindThatBelongTogether) {
  const fakes::ManualClock clock;
  WorkQueue queue(clock);
  for (int i = 0; i < 16; ++i) queue.Add("a/" + std::to_string(i));
  EXPECT_EQ(queue.Get({}), "a/0");
  const std::vector<std::string> none;
  EXPECT_EQ(queue.TakeNext("b/", 8), none);
  const std::vector<std::string> two = {"a/1", "a/2"};
  EXPECT_EQ(queue.TakeNext("a/", 2), two);
  const std::vector<std::string> share = {"a/3", "a/4", "a/5"};
  EXPECT_EQ(queue.TakeNext("a/", 8), share) << "a fourth of the 13 that are in line";
  queue.Add("a/3");
  queue.Done("a/4");
  EXPECT_EQ(queue.depth(), 16U) << "taken is not done";
  for (const char* key : {"a/0", "a/1", "a/2", "a/3", "a/5"}) queue.Done(key);
  EXPECT_EQ(queue.depth(), 11U) << "a/3 comes again";
}

TEST(WorkQueueTest, TakesNoKeyFromTheMiddleOfTheLine) {
  const fakes::ManualClock clock;
  WorkQueue queue(clock);
  for (const char* key : {"a/1", "a/2", "b/1", "a/3", "a/4", "a/5", "a/6", "a/7", "a/8"}) {
    queue.Add(key);
  }
  EXPECT_EQ(queue.Get({}), "a/1");
  const std::vector<std::string> one = {"a/2"};
  EXPECT_EQ(queue.TakeNext("a/", 8), one);
  EXPECT_EQ(queue.Get({}), "b/1");
}

TEST(WorkQueueTest, ManyWorkersLoseNoKey) {
  const RealClock clock;
  WorkQueue queue(clock);
  std::atomic<int> done = 0;
  std::atomic<bool> doubled = false;
  std::array<std::atomic<int>, 50> busy{};
  {
    std::vector<std::jthread> workers;
    for (int w = 0; w < 4; ++w) {
      workers.emplace_back([&](std::stop_token stop) {
        while (auto key = queue.Get(stop)) {
          const std::size_t index = std::stoul(*key);
          if (busy[index].fetch_add(1) != 0) doubled = true;
          busy[index].fetch_sub(1);
          ++done;
          queue.Done(*key);
        }
      });
    }
    for (int round = 0; round < 200; ++round) {
      for (std::size_t k = 0; k < busy.size(); ++k) queue.Add(std::to_string(k));
    }
    while (!queue.idle()) std::this_thread::yield();
  }
  EXPECT_FALSE(doubled);
  EXPECT_GE(done, 50);
}

}  // namespace
}  // namespace seccompd::agent
