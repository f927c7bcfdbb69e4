// SPDX-License-Identifier: Apache-2.0
#include "seccompd/kube/credentials.h"

#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "kube/base64.h"
#include "kube/reflector_fixture.h"

namespace seccompd::kube {
namespace {

using Json = nlohmann::json;

class CredentialsTest : public ::testing::Test {
 protected:
  CredentialsTest() {
    std::filesystem::remove_all(directory_);
    std::filesystem::create_directories(directory_);
  }
  ~CredentialsTest() override { std::filesystem::remove_all(directory_); }
  std::string Write(const std::string& name, const std::string& content) const {
    std::ofstream(directory_ / name) << content;
    return directory_ / name;
  }
  Result<ClusterAccess> In(const std::string& host, const std::string& port = "443") {
    return InCluster({.service_host = host, .service_port = port, .directory = directory_}, clock_);
  }
  // A kubeconfig with one context.
  static Json Config(const Json& cluster, const Json& user) {
    return {
        {"current-context", "c"},
        {"contexts",
         {{{"name", "c"}, {"context", {{"cluster", "k"}, {"user", "u"}, {"namespace", "ns"}}}}}},
        {"clusters", {{{"name", "k"}, {"cluster", cluster}}}},
        {"users", {{{"name", "u"}, {"user", user}}}}};
  }
  Result<ClusterAccess> From(const Json& config, KubeconfigOptions options = {}) {
    options.directory = directory_;
    return FromKubeconfig(config.dump(), options, clock_);
  }

  const std::filesystem::path directory_ = std::filesystem::path(::testing::TempDir()) /
                                           ("seccompd-credentials-" + std::to_string(::getpid()));
  TestClock clock_;
};

TEST_F(CredentialsTest, ReadsWhatThePodHas) {
  Write("token", "  abc.def \n");
  Write("ca.crt", "PEM");
  Write("namespace", "seccompd\n");
  const auto access = In("10.96.0.1");
  ASSERT_TRUE(access.ok()) << access.error().message;
  EXPECT_EQ(access->origin, "https://10.96.0.1:443");
  EXPECT_EQ(access->tls.ca_pem, "PEM");
  EXPECT_EQ(access->name_space, "seccompd");
  EXPECT_EQ(*access->token->Token(), "abc.def");
  EXPECT_EQ(access->note, "");
}

TEST_F(CredentialsTest, ReachesAnIpv6AddressByName) {
  Write("token", "t");
  Write("ca.crt", "PEM");
  const auto access = In("fd00::1", "6443");
  ASSERT_TRUE(access.ok());
  EXPECT_EQ(access->origin, "https://kubernetes.default.svc:6443");
  EXPECT_NE(access->note.find("fd00::1"), std::string::npos);
}

TEST_F(CredentialsTest, SaysWhatIsMissing) {
  EXPECT_EQ(In("").error().code, ErrorCode::kNotFound);
  EXPECT_EQ(In("10.0.0.1").error().code, ErrorCode::kNotFound) << "no token file";
  Write("token", "t");
  EXPECT_FALSE(In("10.0.0.1").ok()) << "without a CA the system's roots would be trusted";
  Write("ca.crt", "");
  EXPECT_FALSE(In("10.0.0.1").ok());
}

TEST_F(CredentialsTest, ATokenThatRotatesIsReadAgain) {
  Write("ca.crt", "PEM");
  Write("token", "first");
  const auto access = In("10.0.0.1");
  ASSERT_TRUE(access.ok());
  Write("token", "second");
  EXPECT_EQ(*access->token->Token(), "first") << "not at every request";
  clock_.Advance(std::chrono::seconds(61));
  EXPECT_EQ(*access->token->Token(), "second");
  Write("token", "third");
  access->token->Refused("second");
  EXPECT_EQ(*access->token->Token(), "third");
}

TEST_F(CredentialsTest, ALate401DoesNotRefuseTheSuccessor) {
  Write("ca.crt", "PEM");
  Write("token", "first");
  const auto access = In("10.0.0.1");
  ASSERT_TRUE(access.ok());
  Write("token", "second");
  access->token->Refused("first");
  EXPECT_EQ(*access->token->Token(), "second");
  access->token->Refused("first");  // of a request that was under way
  std::filesystem::remove(directory_ / "token");
  EXPECT_TRUE(access->token->Token().ok()) << "it was not refused";
}

TEST_F(CredentialsTest, ARefusedTokenIsLookedForASuccessorAtEveryRequest) {
  Write("ca.crt", "PEM");
  Write("token", "first");
  const auto access = In("10.0.0.1");
  ASSERT_TRUE(access.ok());
  access->token->Refused("first");
  EXPECT_EQ(*access->token->Token(), "first") << "there is no other yet";
  Write("token", "second");
  EXPECT_EQ(*access->token->Token(), "second");
  Write("token", "third");
  EXPECT_EQ(*access->token->Token(), "second") << "which was not refused";
}

TEST_F(CredentialsTest, AnUnreadableTokenKeepsTheLastUntilItIsRefused) {
  Write("ca.crt", "PEM");
  Write("token", "first");
  const auto access = In("10.0.0.1");
  ASSERT_TRUE(access.ok());
  std::filesystem::remove(directory_ / "token");
  clock_.Advance(std::chrono::seconds(61));
  EXPECT_EQ(*access->token->Token(), "first");
  access->token->Refused("first");
  EXPECT_FALSE(access->token->Token().ok());
}

TEST_F(CredentialsTest, ATokenMayNotWriteHeaders) {
  Write("ca.crt", "PEM");
  for (const char* token : {"a\nX: b", "a\rb", "a b", "", " \n", "\x7f", "\xc3\xa4"}) {
    Write("token", token);
    const auto access = In("10.0.0.1");
    ASSERT_FALSE(access.ok());
    EXPECT_EQ(access.error().message.find("X: b"), std::string::npos) << "a token in a message";
  }
}

TEST_F(CredentialsTest, ReadsAKubeconfig) {
  Write("ca.pem", "FILE CA");
  const auto access = From(Config({{"server", "https://k:6443"},
                                   {"certificate-authority", "ca.pem"},
                                   {"tls-server-name", "other"}},
                                  {{"client-certificate-data", EncodeBase64("CERT")},
                                   {"client-key-data", EncodeBase64("KEY")}}));
  ASSERT_TRUE(access.ok()) << access.error().message;
  EXPECT_EQ(access->origin, "https://k:6443");
  EXPECT_EQ(access->tls.ca_pem, "FILE CA");
  EXPECT_EQ(access->tls.server_name, "other");
  EXPECT_EQ(access->tls.certificate_pem, "CERT");
  EXPECT_EQ(access->tls.private_key_pem, "KEY");
  EXPECT_EQ(access->name_space, "ns");
  EXPECT_EQ(*access->token->Token(), "");
}

TEST_F(CredentialsTest, TakesATokenOrATokenFile) {
  const Json cluster = {{"server", "https://k"}};
  EXPECT_EQ(*From(Config(cluster, {{"token", "abc"}}))->token->Token(), "abc");
  Write("t", "from file\n");
  EXPECT_FALSE(From(Config(cluster, {{"tokenFile", "t"}})).ok()) << "a space in it";
  Write("t", "from-file\n");
  EXPECT_EQ(*From(Config(cluster, {{"tokenFile", "t"}, {"token", "abc"}}))->token->Token(),
            "from-file");
}

TEST_F(CredentialsTest, ChoosesAContext) {
  Json config = Config({{"server", "https://k"}}, {{"token", "abc"}});
  config["contexts"].push_back({{"name", "d"}, {"context", {{"cluster", "k2"}, {"user", "u"}}}});
  config["clusters"].push_back({{"name", "k2"}, {"cluster", {{"server", "https://other"}}}});
  KubeconfigOptions options;
  options.context = "d";
  EXPECT_EQ(From(config, options)->origin, "https://other");
  options.context = "e";
  EXPECT_NE(From(config, options).error().message.find("\"e\""), std::string::npos);
}

struct RefusedRow {
  const char* name;
  Json cluster;
  Json user;
  const char* says;
};

TEST_F(CredentialsTest, RefusesWithAClearWord) {
  const Json cluster = {{"server", "https://k"}};
  const RefusedRow rows[] = {
      {"no server", Json::object(), Json::object(), "server"},
      {"insecure",
       {{"server", "https://k"}, {"insecure-skip-tls-verify", true}},
       Json::object(),
       "insecure-skip-tls-verify"},
      {"proxy", {{"server", "https://k"}, {"proxy-url", "http://p"}}, Json::object(), "proxy-url"},
      {"bad base64",
       {{"server", "https://k"}, {"certificate-authority-data", "*"}},
       Json::object(),
       "base64"},
      {"missing file",
       {{"server", "https://k"}, {"certificate-authority", "none.pem"}},
       Json::object(),
       "none.pem"},
      {"password", cluster, {{"username", "a"}, {"password", "secret"}}, "password"},
      {"auth-provider", cluster, {{"auth-provider", {{"name", "gcp"}}}}, "auth-provider"},
      {"exec", cluster, {{"exec", {{"command", "x"}}}}, "command line"},
      {"impersonation", cluster, {{"as", "root"}}, "impersonation"},
      {"bad token", cluster, {{"token", "secret\nX: y"}}, "token"},
  };
  for (const RefusedRow& row : rows) {
    const auto access = From(Config(row.cluster, row.user));
    ASSERT_FALSE(access.ok()) << row.name;
    EXPECT_NE(access.error().message.find(row.says), std::string::npos)
        << row.name << ": " << access.error().message;
    EXPECT_EQ(access.error().message.find("secret"), std::string::npos) << row.name;
  }
  for (const char* text : {"", "[]", "1", "{", "{}", R"({"current-context":7})",
                           R"({"current-context":"c","contexts":{}})"})
    EXPECT_FALSE(FromKubeconfig(text, {}, clock_).ok()) << text;
  KubeconfigOptions lenient;
  lenient.allow_insecure = true;
  EXPECT_TRUE(From(Config(rows[1].cluster, Json::object()), lenient)->tls.insecure_skip_verify);
}

class ExecPluginTest : public CredentialsTest {
 protected:
  Result<ClusterAccess> Run(const std::string& script, const Json& more = Json::object()) {
    ::chmod(Write("plugin", "#!/bin/sh\n" + script).c_str(), 0755);
    Json exec = {{"apiVersion", "client.authentication.k8s.io/v1"},
                 {"command", "./plugin"},
                 {"args", {"first", "second"}},
                 {"env", {{{"name", "EXTRA"}, {"value", "extra"}}}},
                 {"installHint", "get it from example.org"},
                 {"provideClusterInfo", true}};
    exec.update(more);
    KubeconfigOptions options;
    options.allow_exec = true;
    return From(Config({{"server", "https://k:1"}}, {{"exec", exec}}), options);
  }
  static std::string Prints(const std::string& status, const std::string& version = "v1") {
    return "echo '{\"kind\":\"ExecCredential\",\"apiVersion\":\"client.authentication.k8s.io/" +
           version + "\",\"status\":" + status + "}'\n";
  }
};

TEST_F(ExecPluginTest, TakesItsTokenAndRunsItAgainWhenRefused) {
  const auto access =
      Run("echo x >> count\necho \"$1 $2 $EXTRA\" > said; echo \"$KUBERNETES_EXEC_INFO\" > info\n" +
          Prints(R"({"token":"tok"})"));
  // The command runs in our working directory, as kubectl does it.
  std::ifstream("count");
  ASSERT_TRUE(access.ok()) << access.error().message;
  EXPECT_EQ(*access->token->Token(), "tok");
  std::string said;
  std::getline(std::ifstream("said") >> std::ws, said);
  EXPECT_EQ(said, "first second extra");
  std::ifstream info_file("info");
  const Json info = Json::parse(info_file);
  EXPECT_EQ(info["kind"], "ExecCredential");
  EXPECT_EQ(info["apiVersion"], "client.authentication.k8s.io/v1");
  EXPECT_EQ(info["spec"]["cluster"]["server"], "https://k:1");
  access->token->Refused("tok");
  EXPECT_EQ(*access->token->Token(), "tok");
  access->token->Refused("one before");  // a late answer
  EXPECT_EQ(*access->token->Token(), "tok");
  std::ifstream count("count");
  EXPECT_EQ(std::string(std::istreambuf_iterator<char>(count), {}), "x\nx\n");
  for (const char* file : {"count", "said", "info"}) std::filesystem::remove(file);
}

TEST_F(ExecPluginTest, TakesAClientCertificate) {
  const auto access = Run(Prints(R"({"clientCertificateData":"C","clientKeyData":"K"})"));
  ASSERT_TRUE(access.ok()) << access.error().message;
  EXPECT_EQ(access->tls.certificate_pem, "C");
  EXPECT_EQ(access->tls.private_key_pem, "K");
  EXPECT_EQ(*access->token->Token(), "");
}

TEST_F(ExecPluginTest, SaysWhatWentWrong) {
  EXPECT_FALSE(Run(Prints(R"({"token":"t"})", "v1beta1")).ok())
      << "another version than was asked for";
  EXPECT_TRUE(Run(Prints(R"({"token":"t"})", "v1beta1"),
                  {{"apiVersion", "client.authentication.k8s.io/v1beta1"}})
                  .ok());
  EXPECT_FALSE(Run("echo garbage").ok());
  EXPECT_FALSE(Run(Prints("{}")).ok());
  EXPECT_FALSE(Run(Prints(R"({"token":"a b"})")).ok());
  EXPECT_FALSE(Run("head -c 3000000 /dev/zero").ok());
  EXPECT_FALSE(Run("exit 0", {{"interactiveMode", "Always"}}).ok());
  EXPECT_FALSE(Run("exit 0", {{"apiVersion", "client.authentication.k8s.io/v1alpha1"}}).ok());
  const auto failed = Run("exit 3");
  ASSERT_FALSE(failed.ok());
  EXPECT_NE(failed.error().message.find("example.org"), std::string::npos)
      << failed.error().message;
  const auto missing = Run("", {{"command", "no-such-command-anywhere"}});
  ASSERT_FALSE(missing.ok());
  EXPECT_NE(missing.error().message.find("example.org"), std::string::npos)
      << missing.error().message;
}

}  // namespace
}  // namespace seccompd::kube
