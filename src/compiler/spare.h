// SPDX-License-Identifier: Apache-2.0
#pragma once
// The child that waits for the next request: forked, limited and filtered beforehand, because that
// takes longer than handing it the request. Internal to the executable; one thread.

#include <sys/types.h>

#include <string>

#include "seccompd/base/unique_fd.h"

#include "compiler/child.h"

namespace seccompd::compiler {

struct Started {
  pid_t pid = -1;
  int error = 0;  // an errno when there is no pid
};

class SpareChild {
 public:
  // `filter` is the children's.
  SpareChild(const ChildSetting& setting, std::string filter);

  // Forks one unless there is one. One that keeps dying before it has anything to do is replaced
  // only when it is needed.
  void Prepare();
  // The waiting child, or a new one, serves the request that comes over `data` from now on.
  Started Hand(int data);
  // The zygote has reaped `pid`: true when it was the one that waited.
  bool Reaped(pid_t pid);

 private:
  Started Fork();

  const ChildSetting setting_;
  std::string filter_;
  pid_t zygote_pid_;
  pid_t pid_ = -1;
  UniqueFd handover_;
  int died_unasked_ = 0;
};

}  // namespace seccompd::compiler
