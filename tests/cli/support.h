// SPDX-License-Identifier: Apache-2.0
#pragma once
// The commands about profile files, run within the test by the real parser and the real
// seccompd-compile.

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>
#include <gtest/gtest.h>

#include "seccompd/cli/commands.h"
#include "seccompd/compiler/zygote.h"

namespace seccompd::cli {

struct Ran {
  int code = -1;
  std::string out, err;
};

inline std::string ReadText(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  EXPECT_TRUE(in.good()) << path;
  return {std::istreambuf_iterator<char>(in), {}};
}

// SECCOMPD_UPDATE_GOLDEN=1 writes what the code does now; look at the difference before you commit
// it.
inline void ExpectGolden(const std::string& name, const std::string& actual) {
  const std::string path = SECCOMPD_TESTDATA "/golden/cli/" + name;
  if (std::getenv("SECCOMPD_UPDATE_GOLDEN") != nullptr) {
    std::ofstream(path, std::ios::binary) << actual;
  }
  EXPECT_EQ(ReadText(path), actual) << "golden " << path;
}

// `line`: the words behind "seccompd", for a node of x86_64 unless they say otherwise.
inline Ran RunCommand(std::vector<std::string> words, const std::string& input = "") {
  CLI::App app("", "seccompd");
  FileCommands commands;
  commands.Declare(app);
  std::reverse(words.begin(), words.end());
  try {
    app.parse(words);
  } catch (const CLI::ParseError& error) {
    return {kExitUsage, "", error.what()};
  }
  std::istringstream in(input);
  std::ostringstream out;
  std::ostringstream err;
  const Console console{[]() -> Result<std::unique_ptr<compiler::Compiler>> {
                          auto zygote = compiler::Zygote::Start({.executable = SECCOMPD_COMPILE});
                          if (!zygote.ok()) return zygote.error();
                          return std::unique_ptr<compiler::Compiler>(*std::move(zygote));
                        },
                        in,
                        out,
                        err,
                        false,
                        false};
  const auto code = commands.Run(console);
  return {code.value_or(-1), out.str(), err.str()};
}

}  // namespace seccompd::cli
