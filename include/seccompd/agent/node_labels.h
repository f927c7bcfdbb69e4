// SPDX-License-Identifier: Apache-2.0
#pragma once
// The labels of this node, read from the source when a profile first asks for them and not before:
// most clusters have no profile with a nodeSelector, and then nobody asks. Thread-safe; Read()
// blocks.

#include <chrono>
#include <functional>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>

#include "seccompd/agent/object_source.h"
#include "seccompd/base/clock.h"

namespace seccompd::agent {

class NodeLabels {
 public:
  using Time = std::chrono::steady_clock::time_point;

  NodeLabels(ObjectSource& source, const Clock& clock) : source_(source), clock_(clock) {}

  // Called after a read that gave others than before, or the first. Set before any read.
  void OnChange(std::function<void()> callback) { on_change_ = std::move(callback); }

  // What was read last; nothing: not read yet.
  std::optional<Labels> known() const;
  // Those of a moment after `later_than`, where they have been read already.
  std::optional<Labels> KnownSince(Time later_than) const;
  // Their SHA-256; "" while they are not known.
  std::string digest() const;
  // Those of a moment after `later_than`; asks the source when what is known is older.
  Result<Labels> Read(Time later_than, std::stop_token stop);

 private:
  ObjectSource& source_;
  const Clock& clock_;
  std::function<void()> on_change_;
  mutable std::mutex mutex_;  // guards all below
  std::optional<Labels> labels_;
  std::string digest_;
  Time asked_;
};

}  // namespace seccompd::agent
