// SPDX-License-Identifier: Apache-2.0
#pragma once
// The standalone agent's report: state.json in the state directory, written anew after changes by a
// thread of its own, because the state of 5,000 profiles takes a while and installs and repairs
// must not wait for it. A tenth of the time at most: what changes meanwhile shares the next one.

#include <condition_variable>
#include <functional>
#include <mutex>
#include <string>
#include <thread>

#include "seccompd/agent/log.h"
#include "seccompd/node/record.h"

namespace seccompd {

class StateFile {
 public:
  // `text` is called on the thread of its own, and by Finish().
  StateFile(std::function<std::string()> text, node::StateDir& state_dir, const agent::Log& log);
  void Changed();  // thread-safe
  // Writes what is not written yet, and no more after. The caller's last word: not from two
  // threads.
  void Finish();

 private:
  void Run(std::stop_token stop);
  void Write();

  std::function<std::string()> text_;
  node::StateDir& state_dir_;
  const agent::Log& log_;
  std::mutex mutex_;
  std::condition_variable_any wake_;
  bool changed_ = false;  // guarded by mutex_
  std::jthread thread_;   // last: it uses all of the above
};

}  // namespace seccompd
