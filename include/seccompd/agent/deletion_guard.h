// SPDX-License-Identifier: Apache-2.0
#pragma once
// Stops a removal that is too large to be meant: more than max(10, 20 %) of the files within one
// window, or a source that is not the one the files came from. It goes on by itself after 15
// minutes of the same CRD in the same cluster; never for files of another cluster. Not thread-safe:
// the workers share it behind the Reconciler's mutex.

#include <chrono>
#include <cstddef>
#include <deque>
#include <optional>
#include <string>

#include "seccompd/agent/object_source.h"

namespace seccompd::agent {

class DeletionGuard {
 public:
  using Time = std::chrono::steady_clock::time_point;
  static constexpr std::chrono::minutes kHold{15};
  static constexpr std::size_t kAlwaysAllowed = 10;
  static constexpr std::size_t kPercentAllowed = 20;

  // recorded: whom the files on the disk came from; empty fields: not known yet.
  explicit DeletionGuard(std::chrono::milliseconds window) : window_(window) {}

  struct Question {
    Time now;
    std::size_t files = 0;   // on the disk now
    std::size_t absent = 0;  // of them, without an object now
    SourceIdentity recorded;
    SourceIdentity current;
  };
  struct Answer {
    bool go = false;
    std::string reason;                     // why not, a sentence; empty when go
    bool is_news = false;                   // the last answer had another cause
    std::chrono::milliseconds again_in{0};  // when to ask again
  };
  // May one absent file be removed?
  Answer Ask(const Question& question);
  // One was.
  void Removed(Time now);

  // Not empty while removal is held.
  const std::string& held() const { return held_; }

 private:
  enum class Cause { kNone, kOtherCluster, kCrdTerminating, kOtherCrd, kTooMany };
  void DropOld(Time now);
  Answer Hold(Time now, Time since, Cause cause, std::string reason);

  const std::chrono::milliseconds window_;
  std::deque<Time> removed_;
  std::optional<Time> too_many_since_;
  std::optional<SourceIdentity> last_identity_;
  Time identity_since_;
  Cause cause_ = Cause::kNone;
  std::string held_;
};

}  // namespace seccompd::agent
