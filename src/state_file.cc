// SPDX-License-Identifier: Apache-2.0
#include "state_file.h"

#include <algorithm>
#include <chrono>
#include <utility>

namespace seccompd {
namespace {

using SteadyClock = std::chrono::steady_clock;

constexpr int kRestPerWrite = 9;  // times what the write took
constexpr SteadyClock::duration kLongestRest = std::chrono::seconds(1);

}  // namespace

StateFile::StateFile(std::function<std::string()> text, node::StateDir& state_dir,
                     const agent::Log& log)
    : text_(std::move(text)),
      state_dir_(state_dir),
      log_(log),
      thread_([this](std::stop_token stop) { Run(std::move(stop)); }) {}

void StateFile::Changed() {
  {
    const std::lock_guard lock(mutex_);
    changed_ = true;
  }
  wake_.notify_one();
}

void StateFile::Finish() {
  thread_.request_stop();
  thread_.join();
  if (std::exchange(changed_, false)) Write();
}

void StateFile::Run(std::stop_token stop) {
  const auto never = [] { return false; };
  while (true) {
    {
      std::unique_lock lock(mutex_);
      if (!wake_.wait(lock, stop, [this] { return changed_; }) || stop.stop_requested()) return;
      changed_ = false;
    }
    const auto begin = SteadyClock::now();
    Write();
    const auto rest = std::min(kRestPerWrite * (SteadyClock::now() - begin), kLongestRest);
    std::unique_lock lock(mutex_);
    wake_.wait_for(lock, stop, rest, never);
  }
}

void StateFile::Write() {
  const Result<void> written = state_dir_.WriteFile("state.json", text_() + "\n");
  if (!written.ok()) {
    log_.Warn("state.json could not be written", {{"error", written.error().message}});
  }
}

}  // namespace seccompd
