// SPDX-License-Identifier: Apache-2.0
#pragma once
// Starts `seccompd-compile` as a zygote and talks to it: forked children with limits (2 s of CPU,
// 96 MiB, 5 s of wall time), each for one request, or for a moment for those of one namespace.
// Thread-safe after Start. Not for untrusted executables.

#include <chrono>
#include <memory>
#include <string>

#include "seccompd/compiler/compiler.h"

namespace seccompd::compiler {

struct ZygoteOptions {
  std::string executable;  // absolute path of seccompd-compile
  std::chrono::milliseconds wall_limit =
      std::chrono::seconds(5);  // per child, from its first request on
  // The node that most requests are for, and their ceiling: the zygote compiles it once, beside the
  // first request, and all later children inherit it. Requests for others are served too, and cost
  // more.
  profile::NodeContext node = {};  // labels do not matter
  std::string ceiling = "none";
};

class Zygote : public Compiler {
 public:
  // Call on the main thread, before the first other: the zygote dies with the thread that started
  // it. kNotFound/kDenied: the executable is not there or cannot run. kTransient: it did not say
  // hello within 5 s. The object's end is the zygote's end; no request may be under way then.
  static Result<std::unique_ptr<Zygote>> Start(const ZygoteOptions& options);

  // "2.5.4": of the libseccomp that compiles.
  virtual std::string libseccomp_version() const = 0;
  // The zygote's process id: its SIGCHLD tells the owner that it is gone.
  virtual int pid() const = 0;
};

}  // namespace seccompd::compiler
