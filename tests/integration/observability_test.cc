// SPDX-License-Identifier: Apache-2.0
// What a running agent lets people see: /metrics, health, state.sock and the log, while things go
// well and while they do not.
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <filesystem>
#include <map>
#include <regex>
#include <set>
#include <sstream>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "fakes/fake_cluster.h"
#include "integration/agent_process.h"

namespace seccompd::integration {
namespace {

using fakes::FakeCluster;
using nlohmann::json;

constexpr char kStates[] = "/apis/seccompd.io/v1alpha1/nodeseccompstates";
const std::string kProfiles(fakes::kProfilesPath);

json Profile(const std::string& name, const std::string& denied) {
  return {
      {"metadata", {{"name", name}, {"namespace", "team"}}},
      {"spec",
       {{"profile",
         {{"defaultAction", "SCMP_ACT_ALLOW"},
          {"syscalls",
           json::array({{{"names", json::array({denied})}, {"action", "SCMP_ACT_ERRNO"}}})}}}}}};
}

// A page of the exposition format, taken apart by its rules.
class Exposition {
 public:
  explicit Exposition(const std::string& text) {
    std::istringstream lines(text);
    for (std::string line; std::getline(lines, line);) Read(line);
  }
  double Value(const std::string& series) const {
    const auto found = series_.find(series);
    return found == series_.end() ? -1 : found->second;
  }
  std::size_t size() const { return series_.size(); }
  const std::map<std::string, std::string>& types() const { return types_; }
  const std::map<std::string, std::set<std::string>>& labels() const { return labels_; }

 private:
  void Read(const std::string& line) {
    static const std::regex help(R"(# HELP ([a-z_]+) \S.*)");
    static const std::regex type(R"(# TYPE ([a-z_]+) (counter|gauge|histogram))");
    static const std::regex sample(
        R"rx(([a-z_]+)(\{((?:[a-z]+="(?:[^"\\\n]|\\.)*",?)*)\})? ([-+0-9.eEinfINF]+))rx");
    static const std::regex label(R"rx(([a-z]+)="((?:[^"\\\n]|\\.)*)")rx");
    std::smatch match;
    if (std::regex_match(line, match, help)) {
      EXPECT_TRUE(helps_.insert(match[1]).second) << "a second HELP: " << line;
      return;
    }
    if (std::regex_match(line, match, type)) {
      EXPECT_TRUE(helps_.contains(match[1])) << "no HELP before: " << line;
      EXPECT_TRUE(types_.emplace(match[1], match[2]).second) << "a second TYPE: " << line;
      family_ = match[1];
      return;
    }
    ASSERT_TRUE(std::regex_match(line, match, sample)) << line;
    const std::string name = match[1];
    std::string base = name;
    if (types_[family_] == "histogram") base = name.substr(0, name.rfind('_'));
    EXPECT_EQ(base, family_) << "outside its family: " << line;
    const std::string all = match[3];
    for (std::sregex_iterator it(all.begin(), all.end(), label), end; it != end; ++it)
      labels_[(*it)[1]].insert((*it)[2]);
    const std::string series = name + match[2].str();
    EXPECT_TRUE(series_.emplace(series, std::stod(match[4])).second) << "twice: " << line;
  }
  std::string family_;
  std::set<std::string> helps_;
  std::map<std::string, std::string> types_;
  std::map<std::string, double> series_;
  std::map<std::string, std::set<std::string>> labels_;
};

class ObservabilityTest : public ::testing::Test {
 protected:
  ObservabilityTest() {
    cluster_.Put("/api/v1/nodes", {{"metadata", {{"name", "node-1"}}}});
    cluster_.Put("/api/v1/namespaces", {{"metadata", {{"name", "kube-system"}}}});
    cluster_.Put("/apis/apiextensions.k8s.io/v1/customresourcedefinitions",
                 {{"metadata", {{"name", "tenantseccompprofiles.seccompd.io"}}}});
    space_.WriteFile("ca.pem", cluster_.ca_pem());
    space_.WriteFile("kubeconfig",
                     "apiVersion: v1\nkind: Config\ncurrent-context: c\ncontexts: [{name: c, "
                     "context: {cluster: c, user: u}}]\nclusters: [{name: c, cluster: {server: \"" +
                         cluster_.origin() +
                         "\", certificate-authority: ca.pem}}]\nusers: [{name: u, user: {}}]\n");
  }
  std::vector<std::string> Args(const std::string& grace = "100ms") const {
    return {"--kubeconfig",      space_.path() + "/kubeconfig",
            "--node-name",       "node-1",
            "--seccomp-root",    space_.seccomp_root(),
            "--state-dir",       space_.state_dir(),
            "--listen-health",   "127.0.0.1:0",
            "--listen-metrics",  "127.0.0.1:0",
            "--report-interval", "100ms",
            "--delete-grace",    grace,
            "--resync",          "1s",
            "--log-format",      "json",
            "--ceiling",         "none"};
  }
  // Where it listens, as it says itself.
  static std::string AddressOf(AgentProcess& agent, const std::string& what) {
    const std::string line = agent.WaitForLine(R"("for":")" + what + "\"");
    return "127.0.0.1:" + json::parse(line, nullptr, false).value("port", "1");
  }
  // Asks, at every change that the agent tells its log, until `is_so`. 30 s at most.
  static bool Await(AgentProcess& agent, const std::function<bool()>& is_so) {
    for (int lines = 1; !is_so(); ++lines) {
      if (agent.WaitForLine("\"msg\"", lines).empty()) return is_so();
    }
    return true;
  }
  // The root is a symlink for a while, so nothing can be written. At once, so that there is one
  // reason only.
  void BreakDisk() {
    std::filesystem::create_symlink("/nowhere", space_.path() + "/away");
    MendDisk();
  }
  void MendDisk() {
    ASSERT_EQ(::renameat2(AT_FDCWD, space_.seccomp_root().c_str(), AT_FDCWD,
                          (space_.path() + "/away").c_str(), RENAME_EXCHANGE),
              0);
  }
  static void Refuse(const fakes::FakeRequest&, fakes::FakeReply& reply) {
    reply.Send(500, FakeCluster::StatusBody(500, "InternalError", "etcd is away"),
               {{"Content-Type", "application/json"}});
  }
  Workspace space_;
  FakeCluster cluster_;
};

TEST_F(ObservabilityTest, TellsAsMetricsWhatHappened) {
  cluster_.Put(kProfiles, Profile("web", "mkdir"));
  cluster_.Put(kProfiles, Profile("typo", "mkdirr"));
  cluster_.Put(kProfiles, Profile("goes", "rmdir"));
  AgentProcess agent(Args());
  const std::string address = AddressOf(agent, "metrics");
  ASSERT_NE(agent.WaitForLine("first full pass done"), "");
  const auto scrape = [&] { return Exposition(HttpGet(address, "/metrics").body); };

  // Drift, a removal, a disk that fails, a report that fails, a watch that breaks and a relist.
  ASSERT_EQ(::chmod(space_.profile("team/web").c_str(), 0666), 0);
  ASSERT_NE(agent.WaitForLine("file was not as written"), "");
  cluster_.Delete(kProfiles, "team", "goes");
  ASSERT_NE(agent.WaitForLine("profile removed"), "");
  BreakDisk();
  cluster_.Put(kProfiles, Profile("late", "chmod"));
  ASSERT_NE(agent.WaitForLine("profile could not be written"), "");
  MendDisk();
  ASSERT_NE(agent.WaitForLine("can be written again"), "");
  cluster_.NextTime("PATCH " + std::string(kStates), Refuse);
  cluster_.Put(kProfiles, Profile("more", "chown"));
  ASSERT_NE(agent.WaitForLine("the state of this node is not reported"), "");
  ASSERT_NE(agent.WaitForLine("reporting works again"), "");
  cluster_.NextTime("GET " + kProfiles, Refuse);
  cluster_.EndWatches();
  ASSERT_NE(agent.WaitForLine("profiles cannot be watched"), "");
  cluster_.SkipVersions(10);
  cluster_.Compact();
  cluster_.EndWatches();
  ASSERT_NE(agent.WaitForLine("listing all profiles"), "");
  cluster_.Put(kProfiles, Profile("last", "fchmod"));
  ASSERT_NE(agent.WaitForLine("profile installed", 5), "");
  ASSERT_TRUE(cluster_.AwaitObject(kStates, "", "node-1", [](const json& state) {
    return state.contains("status") && state["status"]["installed"] == 4;
  }));

  const Exposition page = scrape();
  const auto at_least = [&](const std::string& series, double least) {
    EXPECT_GE(page.Value(series), least) << series;
  };
  EXPECT_EQ(page.Value(R"(seccompd_profiles{state="Installed"})"), 4);
  EXPECT_EQ(page.Value(R"(seccompd_profiles{state="Invalid"})"), 1);
  EXPECT_EQ(page.Value(R"(seccompd_profiles{state="Denied"})"), 0);
  at_least(R"(seccompd_drift_total{kind="mode"})", 1);
  at_least(R"(seccompd_drift_total{kind="owner"})", 0);
  at_least("seccompd_removed_total", 1);
  at_least("seccompd_refused_total", 1);
  at_least("seccompd_install_failures_total", 1);
  at_least("seccompd_reports_total", 1);
  at_least("seccompd_report_failures_total", 1);
  at_least("seccompd_watch_failures_total", 1);
  at_least("seccompd_relists_total", 1);
  at_least("seccompd_record_save_failures_total", 0);
  at_least(R"(seccompd_compile_failures_total{cause="input"})", 0);
  at_least(R"(seccompd_api_requests_total{code="200",verb="apply"})", 1);
  at_least(R"(seccompd_api_requests_total{code="500",verb="apply"})", 1);
  at_least(R"(seccompd_api_requests_total{code="200",verb="watch"})", 1);
  at_least(R"(seccompd_api_requests_total{code="200",verb="list"})", 1);
  at_least("seccompd_compile_duration_seconds_count", 6);
  at_least("seccompd_install_duration_seconds_count", 5);
  at_least(R"(seccompd_install_duration_seconds_bucket{le="0.001"})", 0);
  at_least(R"(seccompd_install_duration_seconds_bucket{le="10"})", 0);
  EXPECT_EQ(page.Value(R"(seccompd_install_duration_seconds_bucket{le="+Inf"})"),
            page.Value("seccompd_install_duration_seconds_count"));
  at_least("seccompd_queue_depth", 0);
  at_least("seccompd_foreign_files", 0);
  at_least("seccompd_watch_age_seconds", 0);
  at_least("seccompd_last_full_sync_timestamp_seconds", 1.7e9);
  EXPECT_EQ(page.Value("seccompd_removal_held"), 0);
  EXPECT_EQ(page.Value("seccompd_ready"), 1);
  at_least("process_resident_memory_bytes", 1e6);
  at_least("process_start_time_seconds", 1.7e9);
  at_least("process_open_fds", 5);
  at_least("process_cpu_seconds_total", 0);

  EXPECT_LE(page.size(), 200U);
  for (const auto& [name, type] : page.types()) {
    EXPECT_TRUE(name.starts_with("seccompd_") || name.starts_with("process_")) << name;
    EXPECT_EQ(name.ends_with("_total"), type == "counter") << name;
  }
  for (const auto& [label, values] : page.labels()) {
    EXPECT_TRUE(std::set<std::string>(
                    {"version", "libseccomp", "verb", "code", "kind", "state", "cause", "le"})
                    .contains(label))
        << label;
    for (const char* foreign : {"team", "web", "typo", "goes", "node-1"})
      EXPECT_FALSE(values.contains(foreign)) << label << ' ' << foreign;
  }
}

TEST_F(ObservabilityTest, HealthNamesWhatIsNotReadyAndTheLogTellsTheStory) {
  cluster_.Put(kProfiles, Profile("web", "mkdir"));
  AgentProcess agent(Args("3s"));
  const std::string address = AddressOf(agent, "health");
  ASSERT_NE(agent.WaitForLine("first full pass done"), "");
  HttpAnswer answer = HttpGet(address, "/readyz?verbose");
  EXPECT_EQ(answer.status, 200);
  for (const char* line : {"[+]synced ok\n", "[+]disk ok\n", "[+]compiler ok\n", "[+]record ok\n"})
    EXPECT_NE(answer.body.find(line), std::string::npos) << answer.body;
  EXPECT_EQ(HttpGet(address, "/readyz").body, "ok\n");
  for (const char* path : {"/healthz?verbose", "/livez?verbose"})
    EXPECT_NE(HttpGet(address, path).body.find("[+]installer ok\n"), std::string::npos) << path;
  answer = HttpGet(address, "/nothing");
  EXPECT_EQ(answer.status, 404);
  EXPECT_NE(answer.body.find("/readyz"), std::string::npos);

  BreakDisk();
  cluster_.Put(kProfiles, Profile("web", "rmdir"));
  ASSERT_NE(agent.WaitForLine("profile could not be written"), "");
  answer = HttpGet(address, "/readyz");
  EXPECT_EQ(answer.status, 503);
  EXPECT_NE(answer.body.find("[-]disk failed: "), std::string::npos) << answer.body;
  EXPECT_EQ(HttpGet(address, "/healthz").status, 200) << "a restart would mend no disk";
  MendDisk();
  ASSERT_NE(agent.WaitForLine("profile installed", 2), "");
  ASSERT_TRUE(Await(agent, [&] { return HttpGet(address, "/readyz").status == 200; }));

  cluster_.Put(kProfiles, Profile("web", "mkdirr"));
  ASSERT_NE(agent.WaitForLine("profile refused"), "");
  cluster_.Put(kProfiles, Profile("web", "chmod"));
  ASSERT_NE(agent.WaitForLine("profile installed", 3), "");
  cluster_.Always("GET " + kProfiles, Refuse);
  cluster_.EndWatches();
  ASSERT_NE(agent.WaitForLine("profiles cannot be watched"), "");
  cluster_.Always("GET " + kProfiles, {});
  ASSERT_NE(agent.WaitForLine("profiles are watched", 2), "");
  cluster_.Delete(kProfiles, "team", "web");
  ASSERT_NE(agent.WaitForLine("profile removed"), "");
  agent.Signal(SIGTERM);
  EXPECT_EQ(agent.WaitForEnd(), 0);

  std::vector<std::string> story;
  std::istringstream lines(agent.log());
  for (std::string line; std::getline(lines, line);) {
    const json one = json::parse(line, nullptr, false);
    ASSERT_TRUE(one.is_object() && one.contains("time") && one.contains("level") &&
                one.contains("msg"))
        << line;
    story.push_back(one["level"].get<std::string>() + ": " + one["msg"].get<std::string>());
  }
  // What one thread says follows in this order; each line once, however often it was tried.
  const std::vector<std::string> told = {
      "info: seccompd starts",
      "info: connected to the API server: profiles are watched",
      "info: profile installed",
      "info: first full pass done: ready",
      "error: the seccomp directory cannot be written; running pods are not affected",
      "warn: profile could not be written; the old file is as it was",
      "info: the seccomp directory can be written again",
      "info: profile installed",
      "warn: profile refused",
      "info: profile installed",
      "warn: profiles cannot be watched; files on this node stay as they are",
      "info: connected to the API server: profiles are watched",
      "info: profile's object was deleted; its file stays for the grace",
      "info: profile removed: its object was deleted",
      "info: told to end; files stay"};
  const std::set<std::string> of_interest(told.begin(), told.end());
  std::erase_if(story, [&](const std::string& line) { return !of_interest.contains(line); });
  EXPECT_EQ(story, told) << agent.log();
}

TEST_F(ObservabilityTest, TheStateHasAllThatIsKnown) {
  cluster_.Put(kProfiles, Profile("web", "mkdir"));
  cluster_.Put(kProfiles, Profile("typo", "mkdirr"));
  AgentProcess agent(Args());
  ASSERT_NE(agent.WaitForLine("first full pass done"), "");
  ASSERT_TRUE(cluster_.AwaitObject(kStates, "", "node-1", [](const json& state) {
    return state.contains("status") && state["status"]["invalid"] == 1 &&
           state["status"]["installed"] == 1;
  }));
  const std::string socket = space_.state_dir() + "/state.sock";
  {  // One who reads a few bytes and goes does no harm.
    const UniqueFd rude(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_un name{};
    name.sun_family = AF_UNIX;
    socket.copy(name.sun_path, sizeof name.sun_path - 1);
    ASSERT_EQ(::connect(rude.get(), reinterpret_cast<sockaddr*>(&name), sizeof name), 0);
    const std::string request = "GET / HTTP/1.1\r\nHost: l\r\n\r\n";
    ASSERT_GT(::send(rude.get(), request.data(), request.size(), MSG_NOSIGNAL), 0);
    char bytes[4];
    EXPECT_EQ(::recv(rude.get(), bytes, sizeof bytes, 0), 4);
  }
  const json state = json::parse(HttpGet(socket, "/").body, nullptr, false);
  ASSERT_TRUE(state.is_object());
  for (const char* field : {"agentVersion",
                            "libseccompVersion",
                            "nodeName",
                            "source",
                            "sourceErrors",
                            "time",
                            "ruleSet",
                            "facts",
                            "factsDigest",
                            "conditions",
                            "ready",
                            "readyChecks",
                            "desired",
                            "installed",
                            "invalid",
                            "denied",
                            "failed",
                            "retained",
                            "skipped",
                            "intentDigest",
                            "contentDigest",
                            "observedResourceVersion",
                            "watchAgeSeconds",
                            "queueDepth",
                            "foreignFiles",
                            "driftKinds",
                            "lastFullSyncTime",
                            "profiles"}) {
    EXPECT_TRUE(state.contains(field)) << field << '\n' << state.dump(1);
  }
  EXPECT_EQ(state["nodeName"], "node-1");
  EXPECT_EQ(state["source"], cluster_.origin());
  ASSERT_EQ(state["profiles"].size(), 2U);
  const json& typo = state["profiles"][0];
  EXPECT_EQ(typo["state"], "Invalid");
  EXPECT_EQ(typo["reason"], "UnknownSyscall");
  EXPECT_EQ(state["profiles"][1]["sha256"].get<std::string>().size(), 64U);
}

}  // namespace
}  // namespace seccompd::integration
