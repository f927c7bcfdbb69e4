// SPDX-License-Identifier: Apache-2.0
#pragma once
// Shared by the profile tests: test data, goldens, findings as text.

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "seccompd/profile/diagnostic.h"
#include "seccompd/profile/render.h"

namespace seccompd::profile {

inline constexpr std::string_view kNode = "SCMP_ARCH_X86_64";

inline std::string ReadText(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  EXPECT_TRUE(in.good()) << path;
  return {std::istreambuf_iterator<char>(in), {}};
}

inline std::filesystem::path TestData(std::string_view name) {
  return std::filesystem::path(SECCOMPD_TESTDATA) / name;
}

// SECCOMPD_UPDATE_GOLDEN=1 writes what the code does now; look at the difference before you commit
// it.
inline void ExpectGolden(std::string_view name, const std::string& actual) {
  const std::filesystem::path path = TestData("golden") / name;
  if (std::getenv("SECCOMPD_UPDATE_GOLDEN") != nullptr) {
    std::ofstream(path, std::ios::binary) << actual;
  }
  EXPECT_EQ(ReadText(path), actual) << "golden " << path;
}

inline Result<Rendered> RenderOn(std::string_view architecture, std::string_view spec) {
  return Render({std::string(spec), {std::string(architecture), "", {}, "both"}, {}, "none"});
}

inline std::string FindingsText(const std::vector<Diagnostic>& findings) {
  std::string text;
  for (const Diagnostic& finding : findings) {
    text += std::string(SeverityName(finding.severity)) + " " + finding.code + " " +
            finding.pointer + ": " + finding.message + "\n";
  }
  return text;
}

// "Code pointer", sorted: what a table row expects.
inline std::vector<std::string> CodesAt(const std::vector<Diagnostic>& findings) {
  std::vector<std::string> codes;
  for (const Diagnostic& finding : findings) codes.push_back(finding.code + " " + finding.pointer);
  std::sort(codes.begin(), codes.end());
  return codes;
}

// What a profile with default SCMP_ACT_ERRNO must name to have no finding at all: what runtimes and
// programs start with, and the calls that programs fall back from.
inline constexpr std::string_view kStartNames =
    R"("execve","exit_group","arch_prctl","brk","capget","capset","chdir","close","close_range",)"
    R"("epoll_pwait2","faccessat2","fchmodat2","fstat","fstatfs","futex","futex_waitv","getcwd",)"
    R"("getdents64","getppid","mmap","mprotect","newfstatat","openat","openat2","prctl","pselect6",)"
    R"("read","rt_sigaction","rt_sigprocmask","rt_sigreturn","set_tid_address","setgid","setgroups",)"
    R"("setresgid","setresuid","setuid","statx","write")";
inline constexpr std::string_view kCloneRules =
    R"({"names":["clone"],"action":"SCMP_ACT_ALLOW","args":[{"index":0,"op":"SCMP_CMP_MASKED_EQ",)"
    R"("value":2114060288,"valueTwo":0}]},)"
    R"({"names":["clone3"],"action":"SCMP_ACT_ERRNO","errnoRet":38})";

// A spec around the members of a profile that can start: all but those of `members` allowed.
// `syscalls` begins at /profile/syscalls/1.
inline std::string SpecWith(const std::string& members, const std::string& syscalls = "") {
  const std::string start =
      R"({"names":[)" + std::string(kStartNames) + R"(],"action":"SCMP_ACT_ALLOW"})";
  return R"({"profile":{"defaultAction":"SCMP_ACT_ERRNO")" +
         (members.empty() ? "" : "," + members) + R"(,"syscalls":[)" + start +
         (syscalls.empty() ? "" : "," + syscalls) + "," + std::string(kCloneRules) + "]}}";
}

}  // namespace seccompd::profile
