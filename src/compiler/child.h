// SPDX-License-Identifier: Apache-2.0
#pragma once
// One child of the zygote, after the fork: forked before its request comes, so that its start is on
// nobody's way. All hardening of a child has its place here and in filter.cc. Internal to the
// executable.

#include <sys/types.h>

#include <string>

#include "seccompd/compiler/serve.h"

namespace seccompd::compiler {

// Everything but `socket` closed, resources limited, privileges gone, and last the filter. The
// socket is kControlFd from then on. False: it must not serve.
bool LimitChild(int socket, pid_t zygote_pid, const std::string& filter);

// Waits on kControlFd for the one request's data socket, answers the request, ends the process.
[[noreturn]] void ServeOneRequest(const ServeOptions& options);

}  // namespace seccompd::compiler
