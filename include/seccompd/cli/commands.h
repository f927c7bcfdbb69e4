// SPDX-License-Identifier: Apache-2.0
#pragma once
// The commands about profile files: lint, explain, render, convert, diff; and completion. Each
// hands the files' text to a compiler child. Not thread-safe.

#include <functional>
#include <iosfwd>
#include <memory>
#include <optional>
#include <string>

#include "seccompd/base/result.h"
#include "seccompd/compiler/compiler.h"

namespace CLI {
class App;
}

namespace seccompd::cli {

inline constexpr int kExitFine = 0;
inline constexpr int kExitFindings = 1;
inline constexpr int kExitUsage = 2;
inline constexpr int kExitFailed = 3;

// What a command reaches of the world.
struct Console {
  std::function<Result<std::unique_ptr<compiler::Compiler>>()> start_compiler;  // called once
  std::istream& in;
  std::ostream& out;
  std::ostream& err;
  bool out_is_terminal = false;
  bool no_color = false;  // $NO_COLOR is set and not empty
};

class FileCommands {
 public:
  FileCommands();
  ~FileCommands();
  FileCommands(const FileCommands&) = delete;
  FileCommands& operator=(const FileCommands&) = delete;

  // `app` outlives this object.
  void Declare(CLI::App& app);
  // After the command line was parsed: the exit code, or nothing when no command of these was
  // given.
  std::optional<int> Run(const Console& console) const;

 private:
  struct Options;
  std::unique_ptr<Options> options_;
};

// A shell's completion script for all commands and options of `app`; empty for another shell than
// bash, zsh and fish.
std::string CompletionScript(const CLI::App& app, const std::string& shell);

// What to say of a first word that is no command; empty when it is one, or an option.
std::string UnknownCommand(const CLI::App& app, const std::string& word);

// The parser's complaint `what`, with the command it is about, the option that was perhaps meant,
// and where to read on.
std::string WrongUsage(const CLI::App& app, const std::string& what);

}  // namespace seccompd::cli
