// SPDX-License-Identifier: Apache-2.0
#pragma once
// When a node may write its state. A person who mends a profile sees every try; a change that never
// ends costs the API server one write a minute: kAtOnce reports, paid back one by one, each takes
// kEvery, and no two within the interval. One apply is news on every node: each waits at random, up
// to the spread, first. What fails is tried again after 1 s, doubling up to 5 min. Not thread-safe.

#include <algorithm>
#include <chrono>
#include <random>

namespace seccompd::agent {

class ReportPace {
 public:
  using Time = std::chrono::steady_clock::time_point;
  using Span = std::chrono::milliseconds;
  static constexpr int kAtOnce = 10;
  static constexpr std::chrono::seconds kEvery{60};
  struct Options {
    Span interval = std::chrono::seconds(1);
    Span spread{0};
  };

  ReportPace(Time now, Options options, unsigned seed);

  // No report before this, and nothing at all (a Lease, say) before that.
  Time next() const { return std::max(next_, retry_); }
  Time retry() const { return retry_; }

  // There is something to tell. Until Taken(), more of it changes nothing.
  void News(Time now);
  // All the news there is goes into a report now;
  void Taken() { has_news_ = false; }
  // it is written.
  void Reported(Time now);
  // The API server did all that was asked, or did not.
  void Succeeded() { backoff_ = Span{0}; }
  void Failed(Time now);
  // The API server answers again, to all nodes at once: what is left of a backoff is not waited
  // for.
  void ServerCameBack(Time now);

  // Between 0 and most.
  Span Random(Span most);

 private:
  const Options options_;
  Time next_, retry_;
  Time paid_back_;  // when all reports are
  bool has_news_ = false;
  Span backoff_{0};
  std::minstd_rand random_;
};

}  // namespace seccompd::agent
