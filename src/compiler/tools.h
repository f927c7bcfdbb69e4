// SPDX-License-Identifier: Apache-2.0
#pragma once
// The command line's questions about files, answered in a compiler child: a JSON request whose "op"
// names the question -> a JSON answer. A thin layer over profile's functions; runs in a compiler
// child only.

#include <string>
#include <string_view>

namespace seccompd::compiler {

// Ends the process when `request` is none of ours: both ends are one build.
std::string AnswerTool(std::string_view request);

}  // namespace seccompd::compiler
