// SPDX-License-Identifier: Apache-2.0
#pragma once
// Questions to a compiler child about profiles that were read: the JSON of compiler/tools.h. Not
// thread-safe.

#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "input.h"

namespace seccompd::cli {

// The members of a question that say which profile, and on which node.
nlohmann::json QuestionAbout(const profile::FoundProfile& found, const Target& target,
                             const std::vector<InputFile>& files);

// kInvalid: the compiler refuses the question, for an error in the profile mostly; the message
// names the file.
Result<nlohmann::json> Ask(compiler::Compiler& compiler, const nlohmann::json& request,
                           const InputFile& file, const profile::FoundProfile& found);

// What an answer without the thing asked for says.
Error RefusalOf(const nlohmann::json& answer, const InputFile& file,
                const profile::FoundProfile& found);

// Where places stand in a file's text; columns in characters.
Result<std::vector<profile::Position>> LocatePlaces(compiler::Compiler& compiler,
                                                    const std::string& text,
                                                    const std::vector<profile::Wanted>& wanted);
Result<std::vector<profile::Position>> LocatePlaces(compiler::Compiler& compiler,
                                                    const std::string& text,
                                                    const std::vector<profile::Place>& places);

}  // namespace seccompd::cli
