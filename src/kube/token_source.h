// SPDX-License-Identifier: Apache-2.0
#pragma once
// Where bearer tokens come from. All thread-safe.

#include <chrono>
#include <memory>
#include <mutex>
#include <string>

#include "seccompd/base/clock.h"
#include "seccompd/kube/credentials.h"

namespace seccompd::kube {

// Without white space around it. kInvalid when empty or when it holds a control character, which
// would let it write headers of its own. The message never shows it.
Result<std::string> CleanToken(std::string_view text, const std::string& where);

// At most 1 MiB. kNotFound, kDenied, or as the errno says.
Result<std::string> ReadSmallFile(const std::string& path);

// Empty: no token.
std::shared_ptr<TokenSource> FixedToken(std::string token);
// Re-read when older than 60 s (by `clock`, which outlives it), and after it was refused each
// time until it is another; when that fails the last good one goes on until the server refuses it.
std::shared_ptr<TokenSource> FileToken(std::string path, const Clock& clock);

}  // namespace seccompd::kube
