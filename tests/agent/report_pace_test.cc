// SPDX-License-Identifier: Apache-2.0
#include "seccompd/agent/report_pace.h"

#include <gtest/gtest.h>

namespace seccompd::agent {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;
using Time = ReportPace::Time;

constexpr Time kStart{hours(100)};

// A report at the earliest time for each of `count` changes that are known at once.
Time ReportAll(ReportPace& pace, Time now, int count) {
  for (int i = 0; i < count; ++i) {
    pace.News(now);
    now = std::max(now, pace.next());
    pace.Taken();
    pace.Reported(now);
  }
  return now;
}

TEST(ReportPaceTest, SomeoneWhoMendsAProfileSeesEveryTryAtOnce) {
  ReportPace pace(kStart, {.interval = seconds(1)}, 1);
  Time now = kStart;
  for (int i = 0; i < ReportPace::kAtOnce; ++i) {
    pace.News(now);
    EXPECT_EQ(pace.next(), now) << "try " << i;
    pace.Taken();
    pace.Reported(now);
    now += seconds(5);
  }
}

TEST(ReportPaceTest, TwoReportsKeepTheInterval) {
  ReportPace pace(kStart, {.interval = seconds(1)}, 1);
  EXPECT_EQ(ReportAll(pace, kStart, 3), kStart + seconds(2));
}

TEST(ReportPaceTest, AChangeThatNeverEndsIsAReportAMinute) {
  ReportPace pace(kStart, {.interval = seconds(1)}, 1);
  Time now = ReportAll(pace, kStart, ReportPace::kAtOnce);
  EXPECT_EQ(now, kStart + seconds(9));
  for (int minute = 1; minute <= 100; ++minute) {
    now = ReportAll(pace, now, 1);
    EXPECT_EQ(now, kStart + minutes(minute));
  }
}

// An interval that doubles while changes follow each other closely never sees these.
TEST(ReportPaceTest, ChangesWithPausesAreAReportAMinuteToo) {
  for (const auto pause : {seconds(2), seconds(3), seconds(30)}) {
    ReportPace pace(kStart, {.interval = seconds(1)}, 1);
    int reports = 0;
    Time now = kStart;
    for (; now < kStart + hours(2); now += pause) {
      pace.News(now);
      if (now < pace.next()) continue;
      pace.Taken();
      pace.Reported(now);
      ++reports;
    }
    EXPECT_LE(reports, ReportPace::kAtOnce + 120);
    EXPECT_GE(reports, 120);
  }
}

TEST(ReportPaceTest, TheBudgetIsPaidBackByTheMinuteAndNeverGrowsBeyondItself) {
  ReportPace pace(kStart, {.interval = seconds(1)}, 1);
  Time now = ReportAll(pace, kStart, ReportPace::kAtOnce);
  now = kStart + minutes(3);  // three are paid back
  EXPECT_EQ(ReportAll(pace, now, 3), now + seconds(2));
  EXPECT_EQ(ReportAll(pace, now, 1), kStart + minutes(4));
  now = kStart + hours(50);
  EXPECT_EQ(ReportAll(pace, now, ReportPace::kAtOnce), now + seconds(9));
  EXPECT_EQ(ReportAll(pace, now, 1), now + minutes(1));
}

TEST(ReportPaceTest, NodesThatHearOfAChangeTogetherTellOfItApart) {
  const seconds spread(50);
  Time first = Time::max();
  Time last = Time::min();
  for (unsigned node = 1; node <= 1000; ++node) {
    ReportPace pace(kStart, {.spread = spread}, node * 7919);
    // Each report, not only the first of a process.
    ReportAll(pace, kStart, 2);
    const Time change = kStart + hours(1);
    pace.News(change);
    const Time told = pace.next();
    pace.News(change + seconds(3));
    EXPECT_EQ(pace.next(), told) << "more news does not move it";
    first = std::min(first, told);
    last = std::max(last, told);
    EXPECT_GE(told, change);
    EXPECT_LE(told, change + spread);
  }
  EXPECT_GT(last - first, spread * 9 / 10);
}

TEST(ReportPaceTest, WhatFailsIsTriedAgainEverLaterUpToFiveMinutes) {
  ReportPace pace(kStart, {.interval = seconds(1), .spread = seconds(30)}, 1);
  pace.News(kStart);
  Time now = pace.next();
  ReportPace::Span expected = seconds(1);
  for (int i = 0; i < 20; ++i) {
    pace.Taken();
    pace.Failed(now);
    pace.News(now);  // it still has to be told, and waits for no other spread
    EXPECT_GE(pace.retry(), now + expected / 2);
    EXPECT_LE(pace.retry(), now + expected);
    EXPECT_EQ(pace.next(), pace.retry());
    now = pace.next();
    expected = std::min<ReportPace::Span>(expected * 2, minutes(5));
  }
  EXPECT_EQ(expected, minutes(5));
  pace.Taken();
  pace.Reported(now);
  pace.Succeeded();
  pace.Failed(now);
  EXPECT_LE(pace.retry(), now + seconds(1)) << "a success begins anew";
}

TEST(ReportPaceTest, AServerThatCameBackIsNotWaitedFor) {
  ReportPace pace(kStart, {.spread = seconds(30)}, 1);
  for (int i = 0; i < 10; ++i) pace.Failed(kStart);
  ASSERT_GT(pace.retry(), kStart + minutes(2));
  pace.ServerCameBack(kStart + seconds(5));
  EXPECT_LE(pace.retry(), kStart + seconds(35));
  const Time retry = pace.retry();
  pace.ServerCameBack(kStart + seconds(6));
  EXPECT_EQ(pace.retry(), retry) << "once";
}

// The Lease keeps a node known as alive: what holds reports back does not hold it back.
TEST(ReportPaceTest, OnlyAFailureHoldsEverythingBack) {
  ReportPace pace(kStart, {.interval = hours(1)}, 1);
  const Time now = ReportAll(pace, kStart, 1);
  pace.News(now);
  EXPECT_EQ(pace.next(), now + hours(1));
  EXPECT_EQ(pace.retry(), kStart);
}

}  // namespace
}  // namespace seccompd::agent
