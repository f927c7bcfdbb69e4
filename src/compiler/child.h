// SPDX-License-Identifier: Apache-2.0
#pragma once
// One child of the zygote, after the fork: forked before its request comes, so that its start is on
// nobody's way. All hardening of a child has its place here and in filter.cc. Internal to the
// executable.

#include <sys/types.h>

#include <optional>
#include <string>

#include "seccompd/compiler/serve.h"
#include "seccompd/profile/ceiling.h"

namespace seccompd::compiler {

// Everything but `socket` closed, resources limited, privileges gone, and last the filter. The
// socket is kControlFd from then on. False: it must not serve.
bool LimitChild(int socket, pid_t zygote_pid, const std::string& filter);

// What a child inherits from the zygote, beside its filter.
struct ChildSetting {
  const ServeOptions& options;
  const std::optional<profile::Ceiling>& ceiling;  // a whole one
};

// Waits on kControlFd for the data socket, answers its request, and others of the same namespace if
// it may stay for them, ends the process.
[[noreturn]] void ServeRequests(const ChildSetting& setting);

}  // namespace seccompd::compiler
