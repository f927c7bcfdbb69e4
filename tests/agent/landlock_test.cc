// SPDX-License-Identifier: Apache-2.0
#include "agent/landlock.h"

#include <gtest/gtest.h>

#include "agent/sandbox_needs.h"

namespace seccompd::agent {
namespace {

// From linux/landlock.h, by hand: what each version rules in all.
TEST(LandlockTest, RulesByAbiWhatTheKernelDocuments) {
  struct Row {
    int abi;
    std::uint64_t files, network, scopes;
    const char* not_ruled;
  };
  const Row rows[] = {
      {0, 0, 0, 0,
       "files and directories, moves between directories, truncation, TCP ports, ioctl of devices, "
       "abstract Unix sockets and signals to others"},
      {1, 0x1fff, 0, 0,
       "moves between directories, truncation, TCP ports, ioctl of devices, abstract Unix sockets "
       "and signals to others"},
      {2, 0x3fff, 0, 0,
       "truncation, TCP ports, ioctl of devices, abstract Unix sockets and signals to others"},
      {3, 0x7fff, 0, 0, "TCP ports, ioctl of devices, abstract Unix sockets and signals to others"},
      {4, 0x7fff, 3, 0, "ioctl of devices, abstract Unix sockets and signals to others"},
      {5, 0xffff, 3, 0, "abstract Unix sockets and signals to others"},
      {6, 0xffff, 3, 3, ""},
      {9, 0xffff, 3, 3, ""},
  };
  for (const Row& row : rows) {
    const LandlockHandled handled = HandledByLandlock(row.abi);
    EXPECT_EQ(handled.files, row.files) << row.abi;
    EXPECT_EQ(handled.network, row.network) << row.abi;
    EXPECT_EQ(handled.scopes, row.scopes) << row.abi;
    EXPECT_EQ(handled.not_ruled, row.not_ruled) << row.abi;
  }
}

TEST(LandlockTest, OnlyTheConfiguredPortsAreOpen) {
  AgentConfig config;
  config.listen_health = "127.0.0.1:9798";
  config.listen_metrics = "[::1]:9797";
  EXPECT_EQ(RulesFor(config, {}).bind_ports, (std::vector<std::uint16_t>{9798, 9797}));
  EXPECT_TRUE(RulesFor(config, {}).connect_ports.empty()) << "standalone connects to nothing";
  config.listen_metrics = "";
  EXPECT_EQ(RulesFor(config, {}).bind_ports, (std::vector<std::uint16_t>{9798}));
  struct Row {
    const char* origin;
    std::uint16_t port;
  };
  for (const Row& row : {Row{"https://10.0.0.1:6443", 6443}, Row{"https://api.example", 443},
                         Row{"https://api.example:8443/clusters/c:1", 8443}}) {
    EXPECT_EQ(RulesFor(config, {row.origin, {}}).connect_ports,
              (std::vector<std::uint16_t>{row.port, 53}))
        << row.origin;
  }
}

TEST(LandlockTest, WritesOnlyBelowTenantsAndTheStateDirectory) {
  AgentConfig config;
  config.seccomp_root = "/r";
  config.state_dir = "/s";
  EXPECT_EQ(RulesFor(config, {"https://a", {"/var/run/secrets/x/token"}}).write,
            (std::vector<std::string>{"/r/tenants", "/s"}));
}

TEST(LandlockTest, CredentialsAreReadByTheirDirectoryAndNeverAllOfEtc) {
  const auto reads = [](const std::string& file) {
    return RulesFor({}, {"https://a", {file}}).read;
  };
  const auto has = [](const std::vector<std::string>& all, const std::string& one) {
    return std::find(all.begin(), all.end(), one) != all.end();
  };
  EXPECT_TRUE(has(reads("/var/run/secrets/x/token"), "/var/run/secrets/x"));
  EXPECT_FALSE(has(reads("/etc/token"), "/etc"));
  EXPECT_FALSE(has(reads("/token"), "/"));
}

}  // namespace
}  // namespace seccompd::agent
