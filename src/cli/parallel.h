// SPDX-License-Identifier: Apache-2.0
#pragma once
// A compiler serves several threads at once, each request of theirs in a process of its own.

#include <algorithm>
#include <atomic>
#include <functional>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "seccompd/base/result.h"

namespace seccompd::cli {

// Calls `work` for 0 to count - 1 from as many threads as there are processors. The first error
// ends it.
inline Result<void> InParallel(std::size_t count,
                               const std::function<Result<void>(std::size_t)>& work) {
  std::atomic<std::size_t> next{0};
  std::mutex mutex;
  std::optional<Error> failure;  // guarded by mutex
  {
    std::vector<std::jthread> workers;
    const unsigned most = std::clamp(std::thread::hardware_concurrency(), 1U, 8U);
    for (unsigned i = 0; i < most && i < count; ++i) {
      workers.emplace_back([&] {
        for (std::size_t at = next++; at < count; at = next++) {
          const Result<void> done = work(at);
          if (done.ok()) continue;
          const std::lock_guard lock(mutex);
          failure = done.error();
          next = count;
        }
      });
    }
  }
  if (failure) return *failure;
  return {};
}

}  // namespace seccompd::cli
