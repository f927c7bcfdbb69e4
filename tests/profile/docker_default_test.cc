// SPDX-License-Identifier: Apache-2.0
// builtin/runtime-default-v1 against the defaults it stands for, for the capabilities that runtimes
// give a container: every call that gets another verdict stands in a table here, with the reason.
#include <map>
#include <set>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "seccompd/profile/builtins.h"
#include "seccompd/profile/capabilities.h"
#include "seccompd/profile/compare.h"
#include "seccompd/profile/compile.h"
#include "seccompd/profile/json.h"
#include "seccompd/profile/meaning.h"
#include "seccompd/profile/prepare.h"
#include "seccompd/profile/simulate.h"

#include "profile/support.h"

namespace seccompd::profile {
namespace {

constexpr const char* kNodes[] = {"SCMP_ARCH_X86_64", "SCMP_ARCH_AARCH64"};

// "cachestat EPERM -> ALLOW", by the architecture of the call.
using Differences = std::map<std::string, std::set<std::string>>;

struct Row {
  std::vector<std::string> calls;
  std::string change;
  std::string why;
  bool is_old = false;  // of x86 and arm only: their successors are everywhere
  bool is_here = true;  // false: this libseccomp leaves these calls out of ours
};

// libseccomp 2.5.4 (Debian 12) ends with Linux 6.7, 2.6.0 (Debian 13, and the image) with 6.13.
const bool kKnowsNewCalls = !LibseccompVersion().starts_with("2.5.");
const std::vector<std::string> kNewCalls = {"getxattrat", "listmount",     "listxattrat",
                                            "mseal",      "removexattrat", "setxattrat",
                                            "statmount",  "uretprobe"};

CompiledProfile Resolved(const std::string& profile, const std::string& node) {
  std::string held;
  for (const std::string_view name : RuntimeCapabilities()) {
    held += (held.empty() ? "\"" : ",\"") + std::string(name) + "\"";
  }
  RenderRequest request;
  request.spec = R"({"capabilities":[)" + held + R"(],"profile":)" + profile + "}";
  request.node = {node, "6.1.0", {}, "both"};
  std::vector<Diagnostic> findings;
  const auto compiled = PrepareCompiled(request, findings);
  EXPECT_TRUE(compiled.ok() && compiled->has_value()) << FindingsText(findings);
  return compiled.ok() && compiled->has_value() ? **compiled : CompiledProfile{};
}

std::string Ours() {
  const auto spec = ParseJson(FindBuiltin("runtime-default-v1")->spec, kMaxSpecDepth);
  EXPECT_TRUE(spec.ok());
  return WriteJson(*spec->Find("profile"));
}

std::string ActionOf(const Verdict& verdict) {
  const std::string text = VerdictText(verdict);  // "ERRNO 1 (EPERM)"
  const std::size_t begin = text.find('(');
  return begin == std::string::npos ? text : text.substr(begin + 1, text.size() - begin - 2);
}

// From the profile of that file to ours. Of a call whose arguments decide, one example is named.
Differences FromFile(const std::string& file, const std::string& node) {
  const auto found =
      Compare(Resolved(ReadText(TestData("profiles/" + file)), node), Resolved(Ours(), node));
  EXPECT_TRUE(found.ok()) << found.error().message;
  Differences differences;
  if (!found.ok()) return differences;
  for (const Difference& difference : *found) {
    const std::string on = difference.architecture.has_value()
                               ? std::string(ArchitectureName(*difference.architecture))
                               : "others";
    const std::string what = difference.is_any_other ? "any other" : difference.syscall;
    differences[on].insert(what + " " + ActionOf(difference.a) + " -> " + ActionOf(difference.b));
  }
  return differences;
}

// The differences are those of the table, on each architecture, and each of its rows is one.
void ExpectDifferences(const std::string& file, const std::vector<Row>& table) {
  std::set<std::string> everywhere;
  std::set<std::string> all;
  for (const Row& row : table) {
    if (!row.is_here) continue;
    for (const std::string& call : row.calls) {
      all.insert(call + " " + row.change);
      if (!row.is_old) everywhere.insert(call + " " + row.change);
    }
  }
  std::set<std::string> seen;
  for (const std::string node : kNodes) {
    const Differences differences = FromFile(file, node);
    EXPECT_TRUE(differences.contains(node)) << node;
    for (const auto& [architecture, found] : differences) {
      for (const std::string& difference : found) {
        const bool is_known = (architecture == node ? everywhere : all).contains(difference);
        EXPECT_TRUE(is_known) << difference << " on " << architecture;
      }
      seen.insert(found.begin(), found.end());
    }
  }
  EXPECT_EQ(seen, all) << "a row of the table is no difference any more";
}

// Docker's own default: profiles/seccomp/default.json of moby 20.10.24 (Apache-2.0), as Debian's
// package golang-github-docker-docker-dev ships it. Docker of 2026 allows and denies what we do.
TEST(DockerDefaultTest, DiffersFromDockers20InTheseCallsOnly) {
  ExpectDifferences(
      "docker-20.10-default.json",
      {
          {{"cachestat", "fchmodat2", "futex_requeue", "futex_wait", "futex_wake",
            "map_shadow_stack"},
           "EPERM -> ALLOW",
           "newer than that list; Docker allows them since"},
          {kNewCalls, "EPERM -> ALLOW", "as those", false, kKnowsNewCalls},
          {{"pkey_alloc", "pkey_free", "pkey_mprotect"},
           "EPERM -> ALLOW",
           "a program's protection of its own memory; Docker allows them since"},
          {{"name_to_handle_at"},
           "EPERM -> ALLOW",
           "without open_by_handle_at it opens nothing; Docker allows it since"},
          {{"process_vm_readv", "process_vm_writev"},
           "EPERM -> ALLOW",
           "they may what ptrace may, which both allow from Linux 4.8 on"},
          {{"io_uring_enter", "io_uring_register", "io_uring_setup"},
           "ALLOW -> EPERM",
           "many holes, and it opens and connects past filters; Docker denies it since 2023"},
          {{"socket"},
           "ALLOW -> EPERM",
           "AF_VSOCK, AF_ALG and families of the past; Docker denies them since"},
      });
}

// What Podman and CRI-O give (Debian's golang-github-containers-common, 0.50): their containers
// often have a user namespace of their own, in which they may mount.
TEST(DockerDefaultTest, DiffersFromPodmansInTheseCallsOnly) {
  ExpectDifferences(
      "containers-default.json",
      {
          {{"clone", "fsconfig", "fsmount", "fsopen", "fspick", "mount", "mount_setattr",
            "move_mount", "open_tree", "pivot_root", "setns", "umount2", "unshare"},
           "ALLOW -> EPERM",
           "namespaces and mounts; Docker wants CAP_SYS_ADMIN for them"},
          {{"umount"}, "ALLOW -> EPERM", "as umount2", true},
          {{"clone3"}, "ALLOW -> ENOSYS", "its flags cannot be seen; the C library takes clone"},
          {{"keyctl"}, "ALLOW -> EPERM", "keys are the kernel's, not the container's"},
          {{"pidfd_getfd", "reboot", "syslog"},
           "ALLOW -> EPERM",
           "Docker wants CAP_SYS_PTRACE, CAP_SYS_BOOT and CAP_SYSLOG"},
          {{"get_mempolicy", "mbind", "set_mempolicy"},
           "ALLOW -> EPERM",
           "Docker wants CAP_SYS_NICE"},
          {{"socket"}, "ALLOW -> EPERM", "as above"},
          {{"cachestat", "fchmodat2", "futex_requeue", "futex_wait", "futex_waitv", "futex_wake",
            "map_shadow_stack"},
           "ENOSYS -> ALLOW",
           "newer than that list"},
          {kNewCalls, "ENOSYS -> ALLOW", "as those", false, kKnowsNewCalls},
          {{"io_pgetevents_time64"}, "ENOSYS -> ALLOW", "as io_pgetevents", true},
          {{"io_pgetevents", "vmsplice"}, "EPERM -> ALLOW", "that list forgot them, Docker's not"},
          {{"readdir", "sigaction", "signal", "sigpending", "sigsuspend"},
           "ALLOW -> EPERM",
           "calls of the past, which no C library makes",
           true},
          {{"any other", "personality"},
           "ENOSYS -> EPERM",
           "that list's default; Docker's is EPERM"},
      });
}

// Of a socket's family, every one: the comparison above names one example.
TEST(DockerDefaultTest, SocketsOfTheseFamiliesOnlyAreDenied) {
  const std::set<std::uint64_t> denied = {12, 19, 20, 23, 25, 34, 37, 38, 40};
  constexpr std::uint64_t kLastKnown = 45;  // AF_MCTP
  const CompiledProfile ours = Resolved(Ours(), "SCMP_ARCH_X86_64");
  const auto program = Program::Decode(ours.filter.program, ours.filter.is_big_endian);
  ASSERT_TRUE(program.ok());
  for (std::uint64_t family = 0; family < 64; ++family) {
    CallData call{41, AuditArchitecture(Architecture::kX8664), 0, {}};  // 41: socket
    call.args[0] = family;
    const bool is_denied = denied.contains(family) || family > kLastKnown;
    EXPECT_EQ(VerdictOf(program->Run(call)).action == Action::kErrno, is_denied) << family;
  }
}

}  // namespace
}  // namespace seccompd::profile
