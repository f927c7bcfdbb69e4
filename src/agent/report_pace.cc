// SPDX-License-Identifier: Apache-2.0
#include "seccompd/agent/report_pace.h"

#include <cstdint>
#include <utility>

namespace seccompd::agent {
namespace {

constexpr ReportPace::Span kMinBackoff = std::chrono::seconds(1);
constexpr ReportPace::Span kMaxBackoff = std::chrono::minutes(5);

}  // namespace

ReportPace::ReportPace(Time now, Options options, unsigned seed)
    : options_(options), next_(now), retry_(now), paid_back_(now), random_(seed) {}

void ReportPace::News(Time now) {
  if (!std::exchange(has_news_, true)) next_ = std::max(next_, now + Random(options_.spread));
}

void ReportPace::Reported(Time now) {
  paid_back_ = std::max(paid_back_, now) + kEvery;
  next_ = std::max(now + options_.interval, paid_back_ - (kAtOnce - 1) * kEvery);
}

void ReportPace::Failed(Time now) {
  has_news_ = true;  // the backoff is its wait
  backoff_ = std::clamp(backoff_ * 2, kMinBackoff, kMaxBackoff);
  retry_ = now + backoff_ / 2 + Random(backoff_ / 2);
}

void ReportPace::ServerCameBack(Time now) {
  if (std::exchange(backoff_, Span{0}) != Span{0}) retry_ = now + Random(options_.spread);
}

ReportPace::Span ReportPace::Random(Span most) {
  return Span(std::uniform_int_distribution<std::int64_t>(0, most.count())(random_));
}

}  // namespace seccompd::agent
