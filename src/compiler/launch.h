// SPDX-License-Identifier: Apache-2.0
#pragma once
// Starts the executable and waits for its hello. Internal to the client.

#include <sys/types.h>

#include <string>

#include "seccompd/base/result.h"
#include "seccompd/base/unique_fd.h"
#include "seccompd/compiler/zygote.h"

namespace seccompd::compiler {

struct Launched {
  UniqueFd control;
  UniqueFd process;  // a pidfd: names the zygote even after its number is somebody else's
  pid_t pid = -1;
  std::string libseccomp_version;
};

// As Zygote::Start.
Result<Launched> Launch(const ZygoteOptions& options);

// Kills the zygote and waits for its end, which it answers in words (`HowItEnded`) where it had
// come before; harmless when it has been reaped already.
std::string EndProcess(const Launched& launched);

}  // namespace seccompd::compiler
