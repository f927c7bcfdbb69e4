// SPDX-License-Identifier: Apache-2.0
// The executable as a shell sees it: exit codes, pipes, standard input, completion.
#include <sys/wait.h>

#include <array>
#include <cstdio>
#include <memory>
#include <string>

#include <gtest/gtest.h>

namespace seccompd::integration {
namespace {

struct Ran {
  int code = -1;
  std::string output;  // both streams
};

// By bash, with $S as the executable and $SEED as the directory of the seed profiles.
Ran Shell(const std::string& script) {
  const std::string command =
      "S='" SECCOMPD_EXECUTABLE "' SEED='" SECCOMPD_TESTDATA "/seed' bash -c '" + script + "' 2>&1";
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> pipe(::popen(command.c_str(), "r"),
                                                             [](std::FILE*) { return 0; });
  Ran ran;
  std::array<char, 4096> buffer{};
  for (std::size_t count = 0;
       (count = std::fread(buffer.data(), 1, buffer.size(), pipe.get())) > 0;)
    ran.output.append(buffer.data(), count);
  const int status = ::pclose(pipe.get());
  ran.code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  return ran;
}

TEST(FileCommandsTest, ExitCodesTellFineFindingsUsageAndFailure) {
  EXPECT_EQ(Shell("$S lint $SEED/web-server.json").code, 1);
  EXPECT_EQ(Shell("echo \"{defaultAction: SCMP_ACT_ALLOW}\" | $S lint -").code, 0);
  EXPECT_EQ(Shell("$S lint --no-such-option").code, 2);
  EXPECT_EQ(Shell("$S lint /nowhere").code, 3);
  EXPECT_EQ(Shell("$S").code, 2);
}

TEST(FileCommandsTest, AnUnknownCommandIsNamed) {
  const Ran ran = Shell("$S lnt");
  EXPECT_EQ(ran.code, 2);
  EXPECT_EQ(ran.output.rfind("seccompd: no command 'lnt'; did you mean 'lint'?", 0), 0U)
      << ran.output;
}

TEST(FileCommandsTest, WrongUsageNamesTheCommandAndWhatWasMeant) {
  const Ran ran = Shell("$S lint --strct x");
  EXPECT_EQ(ran.code, 2);
  EXPECT_EQ(ran.output,
            "seccompd: lint: The following argument was not expected: --strct; did you mean "
            "--strict? (seccompd lint --help tells how)\n");
  EXPECT_EQ(Shell("$S render").output,
            "seccompd: render: FILE is required (seccompd render --help tells how)\n");
}

TEST(FileCommandsTest, EveryCommandHasHelpWithExamples) {
  for (const char* command : {"lint", "explain", "render", "convert", "diff", "completion"}) {
    const Ran ran = Shell(std::string("$S ") + command + " --help");
    EXPECT_EQ(ran.code, 0) << command;
    EXPECT_NE(ran.output.find("Examples:"), std::string::npos) << command << ran.output;
  }
}

TEST(FileCommandsTest, AReaderThatGoesAwayIsNoError) {
  const Ran ran = Shell("$S explain $SEED/basic.json --all -o json | head -1");
  EXPECT_EQ(ran.output, "[\n");
}

TEST(FileCommandsTest, BashCompletesCommandsOptionsAndValues) {
  const auto complete = [](const std::string& words, const std::string& index) {
    return Shell("source <($S completion bash); complete -p seccompd >/dev/null && COMP_WORDS=(" +
                 words + ") COMP_CWORD=" + index + " && _seccompd && echo ${COMPREPLY[@]}")
        .output;
  };
  EXPECT_EQ(complete("seccompd li", "1"), "lint\n");
  EXPECT_EQ(complete("seccompd lint --str", "2"), "--strict\n");
  EXPECT_EQ(complete("seccompd lint -o s", "3"), "sarif\n");
  EXPECT_EQ(complete("seccompd explain x --sys", "3"), "--syscall\n");
  EXPECT_EQ(complete("seccompd completion z", "2"), "zsh\n");
  EXPECT_NE(complete("seccompd lint $SEED/web", "2").find("web-server.json"), std::string::npos);
}

TEST(FileCommandsTest, ZshCompletesCommandsOptionsAndValues) {
  EXPECT_EQ(Shell("$S completion zsh | zsh -f -n /dev/stdin").code, 0);
  const auto complete = [](const std::string& line) {
    return Shell(
               "T=$(mktemp); $S completion zsh >$T; timeout 60 zsh -f "
               "$SEED/../../integration/zsh_complete.zsh $T \"" +
               line + "\"; rm $T")
        .output;
  };
  EXPECT_EQ(complete("seccompd exp"), "explain\n");
  EXPECT_EQ(complete("seccompd lint --stri"), "lint --strict\n");
  EXPECT_EQ(complete("seccompd lint --output sa"), "lint --output sarif\n");
  EXPECT_EQ(complete("seccompd completion fi"), "completion fish\n");
  EXPECT_EQ(complete("seccompd lint builtin/au"), "lint builtin/audit-v1\n");
}

TEST(FileCommandsTest, FishCompletesCommandsOptionsAndValues) {
  EXPECT_EQ(Shell("$S completion fish | fish --no-execute /dev/stdin").code, 0);
  const auto complete = [](const std::string& line) {
    return Shell(
               "T=$(mktemp); $S completion fish >$T; HOME=/nowhere fish --no-config -c \"source "
               "$T; "
               "complete -C \\\"" +
               line + "\\\"\" | cut -f1; rm $T")
        .output;
  };
  EXPECT_EQ(complete("seccompd exp"), "explain\n");
  EXPECT_EQ(complete("seccompd lint --stri"), "--strict\n");
  EXPECT_EQ(complete("seccompd lint --output sa"), "sarif\n");
  EXPECT_EQ(complete("seccompd completion zs"), "zsh\n");
  EXPECT_EQ(complete("seccompd lint builtin/au"), "builtin/audit-v1\n");
}

}  // namespace
}  // namespace seccompd::integration
