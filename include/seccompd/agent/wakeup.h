// SPDX-License-Identifier: Apache-2.0
#pragma once
// What one thread sleeps on when it waits for other threads, for a time and for a descriptor at
// once: an eventfd in a poll. Notify() may come from any thread; Wait() belongs to one.

#include <chrono>

#include "seccompd/base/unique_fd.h"

namespace seccompd::agent {

class Wakeup {
 public:
  Wakeup();
  void Notify();
  // Until Notify() (also one before the call), until `descriptor` (-1: none) can be read, or for
  // `limit`.
  void Wait(int descriptor, std::chrono::steady_clock::duration limit);

 private:
  UniqueFd event_;
};

}  // namespace seccompd::agent
