// SPDX-License-Identifier: Apache-2.0
#include "seccompd/agent/sandbox.h"

#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <netdb.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>

#include <nlohmann/json.hpp>

#include "seccompd/base/digest.h"

#include "agent/landlock.h"
#include "agent/sandbox_needs.h"
#include "compiler/sanitized.h"

namespace seccompd::agent {
namespace {

using nlohmann::json;

constexpr std::size_t kMostInstructions = 4096;  // BPF_MAXINSNS
constexpr char kSandboxSetting[] = "--sandbox=require";

// What libraries load when they are first used comes in before memory can no longer be made
// executable and files no longer be opened: the modules that nsswitch.conf names, libcrypto's
// configuration.
void LoadWhatIsLazy() {
  addrinfo* found = nullptr;
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  if (::getaddrinfo("localhost", "443", &hints, &found) == 0) ::freeaddrinfo(found);
  (void)Sha256Hex("");
}

// A process's directory in /proc loses its inode, and the rule on it, when nobody holds it.
void HoldProcSelf() { (void)::open("/proc/self", O_PATH | O_DIRECTORY | O_CLOEXEC); }

Result<void> InstallSeccomp(const std::string& program) {
  std::vector<sock_filter> instructions(program.size() / sizeof(sock_filter));
  program.copy(reinterpret_cast<char*>(instructions.data()),
               instructions.size() * sizeof(sock_filter));
  const sock_fprog filter{static_cast<decltype(sock_fprog::len)>(instructions.size()),
                          instructions.data()};
  // Kernels before 5.16 would otherwise slow every thread down; nothing hostile runs in here.
  constexpr unsigned kFlags = SECCOMP_FILTER_FLAG_TSYNC | SECCOMP_FILTER_FLAG_SPEC_ALLOW;
  const auto done = ::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, kFlags, &filter);
  if (done > 0) return Error{ErrorCode::kDenied, "seccomp: a thread runs already"};
  if (done < 0) return ErrnoError(errno, "seccomp: install the agent's filter");
  return {};
}

struct Part {
  bool is_in_force = false;
  std::string text;
};

Part EnterLandlock(const LandlockRules& rules) {
  const int kernel = LandlockAbi();
  if (kernel == 0) {
    return {false,
            "no landlock (the kernel has none, or not among the security modules of its lsm= "
            "setting)"};
  }
  const int abi = std::min(kernel, kNewestLandlockAbi);
  if (const auto entered = RestrictByLandlock(abi, rules); !entered.ok())
    return {false, "no landlock (" + entered.error().message + ")"};
  const std::string not_ruled = HandledByLandlock(abi).not_ruled;
  return {true, "landlock ABI " + std::to_string(abi) +
                    (not_ruled.empty() ? "" : " (this kernel does not rule " + not_ruled + ")")};
}

Part EnterSeccomp(const Result<std::string>& filter) {
  if (!filter.ok()) return {false, "no seccomp filter (" + filter.error().message + ")"};
  if (const auto entered = InstallSeccomp(*filter); !entered.ok())
    return {false, "no seccomp filter (" + entered.error().message + ")"};
  return {true, "seccomp filter of " + std::to_string(filter->size() / sizeof(sock_filter)) +
                    " instructions"};
}

Result<SandboxState> Missing(const AgentConfig& config, SandboxState state) {
  if (config.sandbox != "require") return state;
  return Error{ErrorCode::kDenied, std::string(kSandboxSetting) +
                                       ": the agent cannot be sandboxed in full here: " +
                                       state.message + "; --sandbox=try does without"};
}

}  // namespace

Result<std::string> AskForAgentFilter(compiler::Compiler& compiler,
                                      const std::string& seccomp_arch) {
  const auto answer =
      compiler.RunTool(json{{"op", "agent-filter"}, {"architecture", seccomp_arch}}.dump());
  if (!answer.ok()) return answer.error();
  const json parsed = json::parse(*answer, nullptr, false);
  const Error bad{ErrorCode::kInvalid, "the compiler's answer is no filter"};
  if (!parsed.is_object()) return bad;
  if (parsed.contains("error")) return Error{ErrorCode::kDenied, parsed.value("error", "")};
  const std::string digits = parsed.value("program", "");
  const std::size_t bytes = digits.size() / 2;
  if (digits.empty() || digits.size() % (2 * sizeof(sock_filter)) != 0 ||
      bytes > kMostInstructions * sizeof(sock_filter))
    return bad;
  std::string program(bytes, '\0');
  for (std::size_t i = 0; i < bytes; ++i) {
    unsigned char byte = 0;
    const char* const at = digits.data() + 2 * i;
    if (std::from_chars(at, at + 2, byte, 16).ptr != at + 2) return bad;
    program[i] = static_cast<char>(byte);
  }
  return program;
}

Result<SandboxState> EnterSandbox(const AgentConfig& config, const SandboxNeeds& needs,
                                  const Result<std::string>& filter) {
  if (config.sandbox == "off") return SandboxState{};
  if (compiler::kIsSanitized) {
    return Missing(config,
                   {false, "SanitizerBuild",
                    "a build with a sanitizer, which does not fit into the sandbox", false});
  }
  LoadWhatIsLazy();
  HoldProcSelf();
  const Part landlock = EnterLandlock(RulesFor(config, needs));
  const Part seccomp = EnterSeccomp(filter);
  SandboxState state;
  state.in_force = landlock.is_in_force && seccomp.is_in_force;
  state.rules_files = landlock.is_in_force;
  state.message = landlock.text + ", " + seccomp.text;
  state.reason = state.in_force                                ? "InForce"
                 : landlock.is_in_force || seccomp.is_in_force ? "Partial"
                                                               : "NotSupported";
  return state.in_force ? state : Missing(config, std::move(state));
}

}  // namespace seccompd::agent
