// SPDX-License-Identifier: Apache-2.0
#include "seccompd/profile/builtins.h"

#include <algorithm>
#include <array>

namespace seccompd::profile {
namespace {

// The texts are made into literals by CMake (see CMakeLists.txt).
constexpr std::array<Builtin, 5> kBuiltins = {{
    {
        "builtin/audit-v1",
        "Logs every system call and denies none: to see in the audit log what a program makes.",
#include "builtins/audit-v1.inc"
    },
    {
        "builtin/database-v1",
        "For a database server such as PostgreSQL: files, memory shared by its processes, sockets "
        "of "
        "the ordinary families. No namespaces, mounts, tracing, kernel keys or io_uring; anything "
        "else answers ENOSYS. Not for s390x, where clone has its flags elsewhere.",
#include "builtins/database-v1.inc"
    },
    {
        "builtin/runtime-default-v1",
        "What Docker and containerd let a container do without a profile of its own, resolved for "
        "its "
        "capabilities: the usual ceiling, and a base to build on.",
#include "builtins/runtime-default-v1.inc"
    },
    {
        "builtin/runtime-start-v1",
        "Only what runc and crun, old and new, need to start a container, and the C library to "
        "reach "
        "main(): a base to build a list of one's own on. Not for s390x.",
#include "builtins/runtime-start-v1.inc"
    },
    {
        "builtin/web-server-v1",
        "For a web server such as nginx: files, sockets of the ordinary families, worker processes "
        "and threads. No namespaces, mounts, tracing, kernel keys or io_uring; anything else "
        "answers "
        "ENOSYS. Not for s390x.",
#include "builtins/web-server-v1.inc"
    },
}};

}  // namespace

const Builtin* FindBuiltin(std::string_view name) {
  if (name.starts_with(kBuiltinPrefix)) name.remove_prefix(kBuiltinPrefix.size());
  const auto* builtin = std::find_if(kBuiltins.begin(), kBuiltins.end(), [&](const Builtin& b) {
    return b.name.substr(kBuiltinPrefix.size()) == name;
  });
  return builtin == kBuiltins.end() ? nullptr : builtin;
}

std::span<const Builtin> AllBuiltins() { return kBuiltins; }

}  // namespace seccompd::profile
