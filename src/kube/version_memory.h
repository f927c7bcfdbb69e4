// SPDX-License-Identifier: Apache-2.0
#pragma once
// The resourceVersion up to which we know everything, and whether the server has gone back behind
// it. Not thread-safe.

#include <chrono>
#include <string>
#include <string_view>

namespace seccompd::kube {

// The only comparison that Kubernetes allows: decimal numbers of one server. False when either is
// no number.
bool IsOlderVersion(std::string_view a, std::string_view b);

class VersionMemory {
 public:
  using TimePoint = std::chrono::steady_clock::time_point;

  void Set(std::string_view version, TimePoint now) {
    Roll(now);
    version_ = version;
    set_at_ = now;
  }
  void Clear() {
    version_.clear();
    settled_.clear();
    checkpoint_.clear();
  }
  const std::string& version() const { return version_; }

  // `server_version` was given to another request, which may have waited a while for its turn
  // since: it is compared with what we knew a minute ago, so that an event that overtook it raises
  // no alarm.
  bool IsBehindUs(std::string_view server_version, TimePoint now) {
    Roll(now);
    const std::string& ours = now - set_at_ >= kSettle ? version_ : settled_;
    return IsOlderVersion(server_version, ours);
  }

 private:
  static constexpr std::chrono::seconds kSettle{60};
  void Roll(TimePoint now) {
    if (now - checkpoint_at_ < kSettle) return;
    settled_ = checkpoint_;
    checkpoint_ = version_;
    checkpoint_at_ = now;
  }

  std::string version_, checkpoint_, settled_;
  TimePoint set_at_{}, checkpoint_at_{};
};

}  // namespace seccompd::kube
