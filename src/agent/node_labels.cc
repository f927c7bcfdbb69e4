// SPDX-License-Identifier: Apache-2.0
#include "seccompd/agent/node_labels.h"

#include "seccompd/base/digest.h"

namespace seccompd::agent {
namespace {

std::string DigestOf(const Labels& labels) {
  Sha256 sha;
  for (const auto& [name, value] : labels) {
    sha.UpdateField(name);
    sha.UpdateField(value);
  }
  return sha.FinishHex();
}

}  // namespace

std::optional<Labels> NodeLabels::known() const {
  const std::lock_guard lock(mutex_);
  return labels_;
}

std::optional<Labels> NodeLabels::KnownSince(Time later_than) const {
  const std::lock_guard lock(mutex_);
  return labels_ && asked_ > later_than ? labels_ : std::nullopt;
}

std::string NodeLabels::digest() const {
  const std::lock_guard lock(mutex_);
  return digest_;
}

Result<Labels> NodeLabels::Read(Time later_than, std::stop_token stop) {
  {
    const std::lock_guard lock(mutex_);
    if (labels_ && asked_ > later_than) return *labels_;
  }
  const Time now = clock_.SteadyNow();
  Result<Labels> labels = source_.NodeLabels(std::move(stop));
  if (!labels.ok()) return labels;
  std::string digest = DigestOf(*labels);
  bool changed = false;
  {
    const std::lock_guard lock(mutex_);
    if (labels_ && now < asked_) return *labels_;  // another's answer is newer than ours
    changed = digest_ != digest;
    labels_ = *labels;
    digest_ = std::move(digest);
    asked_ = now;
  }
  if (changed && on_change_) on_change_();
  return labels;
}

}  // namespace seccompd::agent
