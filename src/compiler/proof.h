// SPDX-License-Identifier: Apache-2.0
#pragma once
// Requests of the zygote's own, through children like all others: a kernel or C library on which an
// honest child dies under its limits and filter must not look like profiles that crash it. Of the
// zygote's one thread.

#include <optional>
#include <string>

#include "seccompd/compiler/serve.h"

#include "compiler/spare.h"

namespace seccompd::compiler {

// How a child ended that could not do its work here ("was killed by signal 31 ..."). Nothing: all
// could.
std::optional<std::string> Disprove(SpareChild& spare, const ServeOptions& options);

}  // namespace seccompd::compiler
