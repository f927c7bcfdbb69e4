// SPDX-License-Identifier: Apache-2.0
#include "agent/landlock.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <iterator>

#include "seccompd/base/unique_fd.h"

namespace seccompd::agent {
namespace {

// From linux/landlock.h and the system call tables (the same numbers on every architecture of
// ours).
constexpr int kCreateRuleset = 444;
constexpr int kAddRule = 445;
constexpr int kRestrictSelf = 446;
constexpr std::uint32_t kVersionFlag = 1;
constexpr int kRulePathBeneath = 1;
constexpr int kRuleNetPort = 2;

constexpr std::uint64_t Bit(unsigned n) { return std::uint64_t{1} << n; }
constexpr std::uint64_t kExecute = Bit(0);
constexpr std::uint64_t kWriteFile = Bit(1);
constexpr std::uint64_t kReadFile = Bit(2);
constexpr std::uint64_t kReadDir = Bit(3);
constexpr std::uint64_t kFirst = Bit(13) - 1;  // and removing, making of each type: bits 4 to 12
constexpr std::uint64_t kRefer = Bit(13);
constexpr std::uint64_t kTruncate = Bit(14);
constexpr std::uint64_t kIoctlDev = Bit(15);
constexpr std::uint64_t kBindTcp = Bit(0);
constexpr std::uint64_t kConnectTcp = Bit(1);
constexpr std::uint64_t kScopeAbstractUnix = Bit(0);
constexpr std::uint64_t kScopeSignal = Bit(1);
constexpr std::uint64_t kOfAFile = kExecute | kWriteFile | kReadFile | kTruncate | kIoctlDev;

// What each version of the ABI adds. Never ruled by any: chmod, chown, stat, UDP, which address a
// port is connected at, Unix sockets with a path; the seccomp filter and the capabilities that the
// agent does not have stand there.
struct AbiRow {
  int abi;
  std::uint64_t files, network, scopes;
  const char* what;
};
constexpr AbiRow kAbis[] = {
    {1, kFirst, 0, 0, "files and directories"},
    // Before it, no file moves to another directory at all: quarantine then reports and unlinks.
    {2, kRefer, 0, 0, "moves between directories"},
    {3, kTruncate, 0, 0, "truncation"},
    {4, 0, kBindTcp | kConnectTcp, 0, "TCP ports"},
    {5, kIoctlDev, 0, 0, "ioctl of devices"},
    // The zygote is outside of the domain and needs no signal: it ends with its socket.
    {6, 0, 0, kScopeAbstractUnix | kScopeSignal, "abstract Unix sockets and signals to others"},
};
static_assert(std::end(kAbis)[-1].abi == kNewestLandlockAbi);

// Both kinds of directory get the same rights: a move may not gain any, or it is refused. Making
// devices is granted for a foreign one's move into quarantine; mknod is not in the seccomp filter.
constexpr std::uint64_t kRead = kReadFile | kReadDir;
constexpr std::uint64_t kWrite = (kFirst & ~kExecute) | kRefer | kTruncate;

struct RulesetAttributes {
  std::uint64_t files, network, scopes;
};
struct [[gnu::packed]] PathBeneath {
  std::uint64_t allowed;
  std::int32_t parent;
};
struct NetPort {
  std::uint64_t allowed, port;
};

// The structure grew with the ABI; an older kernel takes no longer one unless the rest is zero.
std::size_t AttributeSize(int abi) {
  if (abi < 4) return sizeof(std::uint64_t);
  return abi < 6 ? 2 * sizeof(std::uint64_t) : sizeof(RulesetAttributes);
}

Result<void> AllowPath(int ruleset, const std::string& path, std::uint64_t allowed) {
  const UniqueFd fd(::open(path.c_str(), O_PATH | O_CLOEXEC));
  if (!fd.is_open() && (errno == ENOENT || errno == ENOTDIR)) return {};
  if (!fd.is_open()) return ErrnoError(errno, "landlock: open " + path);
  struct stat info {};
  if (::fstat(fd.get(), &info) != 0) return ErrnoError(errno, "landlock: examine " + path);
  if (!S_ISDIR(info.st_mode)) allowed &= kOfAFile;
  const PathBeneath rule{allowed, fd.get()};
  if (::syscall(kAddRule, ruleset, kRulePathBeneath, &rule, 0) != 0)
    return ErrnoError(errno, "landlock: add a rule for " + path);
  return {};
}

Result<void> AllowPort(int ruleset, std::uint16_t port, std::uint64_t allowed) {
  const NetPort rule{allowed, port};
  if (::syscall(kAddRule, ruleset, kRuleNetPort, &rule, 0) != 0)
    return ErrnoError(errno, "landlock: add a rule for TCP port " + std::to_string(port));
  return {};
}

Result<void> AddRules(int ruleset, const LandlockHandled& handled, const LandlockRules& rules) {
  for (const std::string& path : rules.read) {
    if (auto added = AllowPath(ruleset, path, kRead); !added.ok()) return added;
  }
  for (const std::string& path : rules.write) {
    if (auto added = AllowPath(ruleset, path, kWrite & handled.files); !added.ok()) return added;
  }
  if (handled.network == 0) return {};
  for (const std::uint16_t port : rules.bind_ports) {
    if (auto added = AllowPort(ruleset, port, kBindTcp); !added.ok()) return added;
  }
  for (const std::uint16_t port : rules.connect_ports) {
    if (auto added = AllowPort(ruleset, port, kConnectTcp); !added.ok()) return added;
  }
  return {};
}

}  // namespace

LandlockHandled HandledByLandlock(int abi) {
  LandlockHandled handled;
  for (const AbiRow& row : kAbis) {
    if (row.abi <= abi) {
      handled.files |= row.files;
      handled.network |= row.network;
      handled.scopes |= row.scopes;
    } else {
      handled.not_ruled += (handled.not_ruled.empty() ? "" : ", ") + std::string(row.what);
    }
  }
  return handled;
}

int LandlockAbi() {
  const auto abi = ::syscall(kCreateRuleset, nullptr, 0, kVersionFlag);
  return abi > 0 ? static_cast<int>(abi) : 0;
}

Result<void> RestrictByLandlock(int abi, const LandlockRules& rules) {
  const LandlockHandled handled = HandledByLandlock(abi);
  const RulesetAttributes attributes{handled.files, handled.network, handled.scopes};
  const UniqueFd ruleset(
      static_cast<int>(::syscall(kCreateRuleset, &attributes, AttributeSize(abi), 0)));
  if (!ruleset.is_open()) return ErrnoError(errno, "landlock: create a ruleset");
  if (auto added = AddRules(ruleset.get(), handled, rules); !added.ok()) return added;
  if (::syscall(kRestrictSelf, ruleset.get(), 0) != 0)
    return ErrnoError(errno, "landlock: restrict this process");
  return {};
}

}  // namespace seccompd::agent
