// SPDX-License-Identifier: Apache-2.0
#include "seccompd/agent/flags.h"

#include <stdlib.h>
#include <unistd.h>

#include <fstream>

#include <CLI/CLI.hpp>
#include <gtest/gtest.h>

namespace seccompd::agent {
namespace {

// What `seccompd agent <args>` gives in `environment`.
Result<AgentConfig> Parse(std::vector<std::string> args, const Environment& environment = {}) {
  CLI::App app;
  AgentFlags flags;
  flags.Declare(app);
  std::reverse(args.begin(), args.end());  // CLI11 takes them from the back
  app.parse(args);
  return flags.Resolve(environment);
}

class ConfigFile {
 public:
  explicit ConfigFile(const std::string& text) {
    std::string pattern = ::testing::TempDir() + "seccompd-config-XXXXXX";
    const int fd = ::mkstemp(pattern.data());
    path_ = pattern;
    ::close(fd);
    std::ofstream(path_) << text;
  }
  ~ConfigFile() { ::unlink(path_.c_str()); }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

TEST(AgentFlagsTest, DefaultsAreTheDesigns) {
  const auto config = Parse({});
  ASSERT_TRUE(config.ok());
  EXPECT_EQ(config->seccomp_root, "/var/lib/kubelet/seccomp");
  EXPECT_EQ(config->state_dir, "/var/lib/seccompd");
  EXPECT_EQ(config->listen_health, "127.0.0.1:9798");
  EXPECT_EQ(config->listen_metrics, ":9797");
  EXPECT_EQ(config->resync, std::chrono::minutes(10));
  EXPECT_EQ(config->delete_grace, std::chrono::seconds(60));
  EXPECT_EQ(config->report_interval, std::chrono::seconds(1));
  EXPECT_FALSE(config->standalone());
}

TEST(AgentFlagsTest, FlagBeatsVariableBeatsFile) {
  const ConfigFile file("resync: 1m\ndelete-grace: 2m\nlog-level: debug\nonce: true\n");
  const auto config = Parse({"--config", file.path(), "--resync", "3m"},
                            {{"SECCOMPD_RESYNC", "4m"}, {"SECCOMPD_DELETE_GRACE", "5m"}});
  ASSERT_TRUE(config.ok()) << config.error().message;
  EXPECT_EQ(config->resync, std::chrono::minutes(3));
  EXPECT_EQ(config->delete_grace, std::chrono::minutes(5));
  EXPECT_EQ(config->log_level, "debug");
  EXPECT_TRUE(config->once);
}

TEST(AgentFlagsTest, RefusesWithThePlaceTheValueAndWhatIsAllowed) {
  struct Row {
    const char* name;
    std::vector<std::string> args;
    Environment environment;
    const char* says;
  };
  const ConfigFile unknown_key("resink: 1m\n");
  const ConfigFile no_mapping("- a\n- b\n");
  const std::vector<Row> rows = {
      {"bad enum", {"--log-format", "xml"}, {}, "--log-format=xml: must be one of text, json"},
      {"bad duration",
       {},
       {{"SECCOMPD_RESYNC", "soon"}},
       "$SECCOMPD_RESYNC=soon: \"soon\" is not a duration"},
      {"too short", {"--resync", "1ms"}, {}, "must be at least 1000ms"},
      {"relative path", {"--seccomp-root", "seccomp"}, {}, "must be an absolute path"},
      {"state below the root",
       {"--seccomp-root", "/x/seccomp/", "--state-dir", "/x/seccomp/../seccomp/state"},
       {},
       "is below --seccomp-root"},
      {"state at the root", {"--state-dir", "/var/lib/kubelet/seccomp"}, {}, "choose a directory"},
      {"unknown key",
       {"--config", unknown_key.path()},
       {},
       ": resink: no such setting; see seccompd agent --help"},
      {"no mapping", {"--config", no_mapping.path()}, {}, "must be one YAML mapping"},
      {"missing file", {"--config", "/nonexistent/c.yaml"}, {}, "/nonexistent/c.yaml"},
      {"ceiling", {"--ceiling", "default"}, {}, "must be none or builtin/<name>-v<N>"},
      {"ceiling without a name", {"--ceiling", "builtin/"}, {}, "is none that this version ships"},
      {"ceiling that nobody ships",
       {"--ceiling", "builtin/runtime-defualt-v1"},
       {},
       "did you mean builtin/runtime-default-v1?"},
      {"runtime", {"--runtime", "gvisor"}, {}, "must be one of runc, crun, both"},
      {"sandbox", {"--sandbox", "on"}, {}, "must be one of off, try, require"},
      {"foreign", {}, {{"SECCOMPD_FOREIGN", "delete"}}, "must be one of report, quarantine"},
  };
  for (const Row& row : rows) {
    const auto config = Parse(row.args, row.environment);
    ASSERT_FALSE(config.ok()) << row.name;
    EXPECT_NE(config.error().message.find(row.says), std::string::npos)
        << row.name << ": " << config.error().message;
  }
}

TEST(AgentFlagsTest, TheCeilingIsRuntimeDefaultInAClusterAndNoneStandalone) {
  EXPECT_EQ(Parse({})->ceiling, "builtin/runtime-default-v1");
  EXPECT_EQ(Parse({"--manifests", "/m"})->ceiling, "none");
  EXPECT_EQ(Parse({"--ceiling", "none"})->ceiling, "none");
  EXPECT_EQ(Parse({"--manifests", "/m"}, {{"SECCOMPD_CEILING", "builtin/web-server-v1"}})->ceiling,
            "builtin/web-server-v1");
  EXPECT_EQ(Parse({})->runtime, "both");
  EXPECT_EQ(Parse({"--runtime", "crun"})->runtime, "crun");
}

TEST(AgentFlagsTest, UnknownFlagIsAUsageError) {
  EXPECT_THROW((void)Parse({"--resink", "1m"}), CLI::ExtrasError);
}

TEST(AgentFlagsTest, NodeNameAndKubeconfigComeFromTheUsualVariables) {
  const auto config = Parse({}, {{"NODE_NAME", "n1"}, {"KUBECONFIG", "/k"}});
  ASSERT_TRUE(config.ok());
  EXPECT_EQ(config->node_name, "n1");
  EXPECT_EQ(config->kubeconfig, "/k");
  const auto in_cluster =
      Parse({}, {{"KUBECONFIG", "/k"}, {"KUBERNETES_SERVICE_HOST", "10.0.0.1"}});
  EXPECT_EQ(in_cluster->kubeconfig, "") << "in a cluster the pod's own account is used";
}

TEST(DurationTest, ReadsWhatGoWrites) {
  struct Row {
    const char* text;
    std::int64_t milliseconds;  // -1: refused
  };
  for (const Row& row :
       {Row{"1h30m", 5'400'000}, Row{"1.5s", 1500}, Row{"200ms", 200}, Row{"0", 0}, Row{"0s", 0},
        Row{"10m", 600'000}, Row{"", -1}, Row{"10", -1}, Row{"m", -1}, Row{"1.2.3s", -1},
        Row{"-1s", -1}, Row{"1 s", -1}, Row{"1d", -1}, Row{".s", -1}, Row{"9999999999999h", -1}}) {
    const auto parsed = ParseDuration(row.text);
    EXPECT_EQ(parsed.ok() ? parsed->count() : -1, row.milliseconds) << row.text;
  }
}

}  // namespace
}  // namespace seccompd::agent
