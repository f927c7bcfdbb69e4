// SPDX-License-Identifier: Apache-2.0
// The kube layer against a real kube-apiserver. Prints what it measured.
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <memory>
#include <thread>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "seccompd/http/client.h"
#include "seccompd/kube/api_client.h"
#include "seccompd/kube/credentials.h"
#include "seccompd/kube/reflector.h"

#include "kube/recording_sink.h"

namespace seccompd::kube {
namespace {

using Json = nlohmann::json;
using std::chrono::steady_clock;

const std::string kGroup = "/apis/realapi.seccompd.io/v1";
const std::string kCrds = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
const std::string kCrdName = "things.realapi.seccompd.io";

// A CRD of the test's own, so that it can run beside seccompd's.
Json Crd() {
  const Json schema = {{"type", "object"}, {"x-kubernetes-preserve-unknown-fields", true}};
  return {{"apiVersion", "apiextensions.k8s.io/v1"},
          {"kind", "CustomResourceDefinition"},
          {"metadata", {{"name", kCrdName}}},
          {"spec",
           {{"group", "realapi.seccompd.io"},
            {"scope", "Namespaced"},
            {"names", {{"kind", "Thing"}, {"listKind", "ThingList"}, {"plural", "things"}}},
            {"versions",
             {{{"name", "v1"},
               {"served", true},
               {"storage", true},
               {"schema", {{"openAPIV3Schema", schema}}}}}}}}};
}

std::string Thing(int number, std::size_t padding) {
  const std::string name = "thing-" + std::to_string(number);
  return Json{
      {"apiVersion", "realapi.seccompd.io/v1"},
      {"kind", "Thing"},
      {"metadata", {{"name", name}, {"namespace", "default"}}},
      {"spec",
       {{"number", number}, {"text", std::string(padding, 'a')}, {"more", "<\u00e9\"\\{["}}}}
      .dump();
}

long ResidentKib() {  // NOLINT(google-runtime-int)
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);)
    if (line.starts_with("VmHWM:")) return std::strtol(line.c_str() + 6, nullptr, 10);
  return 0;
}

class RealApiTest : public ::testing::Test {
 protected:
  void SetUp() override {
    const char* path = std::getenv("SECCOMPD_REALAPI_KUBECONFIG");
    if (path == nullptr || *path == '\0')
      FAIL() << "SECCOMPD_REALAPI_KUBECONFIG is not set: run tests/realapi/reflector_test.sh, "
                "which starts "
                "a real API server";
    std::ifstream file(path);
    const std::string text{std::istreambuf_iterator<char>(file), {}};
    auto access = FromKubeconfig(text, {}, clock_);
    ASSERT_TRUE(access.ok()) << access.error().message;
    access_ = std::move(*access);
    http::StartIoThread();
    transport_ = std::move(http::MakeClient(access_.origin, access_.tls).value());
    client_ = std::make_unique<ApiClient>(*transport_, *access_.token);
    options_.path = kGroup + "/things";
    options_.expected_kind = "Thing";
    options_.backoff_max = std::chrono::seconds(1);
    Delete();
  }
  void TearDown() override {
    thread_.request_stop();
    if (thread_.joinable()) thread_.join();
    if (transport_) Delete();
  }
  int Send(const std::string& method, const std::string& target, const std::string& body = "") {
    http::Request request;
    request.method = method;
    request.target = target;
    request.body = body;
    const auto response = transport_->Do(request, {});
    return response.ok() ? response->head.status : 0;
  }
  // Until it is really gone: the API server takes a moment to empty it.
  void Delete() {
    Send("DELETE", kCrds + "/" + kCrdName);
    for (int i = 0; i < 300 && Send("GET", kCrds + "/" + kCrdName) != 404; ++i) ::usleep(100000);
  }
  void CreateCrd() {
    const auto created = client_->Create(kCrds, Crd().dump(), {});
    ASSERT_TRUE(created.ok()) << created.error().message;
    for (int i = 0; i < 300 && Send("GET", options_.path) != 200; ++i)
      ::usleep(100000);  // until it is served
  }
  void CreateThing(int number, std::size_t padding) {
    const auto created =
        client_->Create(kGroup + "/namespaces/default/things", Thing(number, padding), {});
    ASSERT_TRUE(created.ok()) << created.error().message;
  }
  void Start() {
    reflector_ = std::make_unique<Reflector>(*transport_, *access_.token, clock_, sink_, observer_,
                                             options_);
    thread_ = std::jthread([this](const std::stop_token& stop) { reflector_->Run(stop); });
  }

  RealClock clock_;
  ClusterAccess access_;
  RecordingSink sink_;
  RecordingObserver observer_;
  ReflectorOptions options_;
  std::unique_ptr<http::Transport> transport_;
  std::unique_ptr<ApiClient> client_;
  std::unique_ptr<Reflector> reflector_;
  std::jthread thread_;
};

TEST_F(RealApiTest, FollowsACrdThroughItsLife) {
  Start();
  ASSERT_TRUE(observer_.AwaitTrouble("Thing CRD is not installed")) << observer_.text();
  CreateCrd();
  ASSERT_TRUE(sink_.AwaitCall("listed ")) << observer_.text();

  std::vector<double> milliseconds;
  for (int i = 0; i < 200; ++i) {
    const auto begun = steady_clock::now();
    CreateThing(i, 6000);
    const auto answered = steady_clock::now();
    ASSERT_TRUE(sink_.AwaitCall("upsert default/thing-" + std::to_string(i))) << observer_.text();
    const auto seen = steady_clock::now();
    if (i == 0)
      std::printf("first create: %.1f ms\n",
                  std::chrono::duration<double, std::milli>(answered - begun).count());
    milliseconds.push_back(std::chrono::duration<double, std::milli>(seen - answered).count());
  }
  std::sort(milliseconds.begin(), milliseconds.end());
  std::printf("create answered -> in the sink: p50 %.2f ms, p99 %.2f ms, max %.2f ms\n",
              milliseconds[100], milliseconds[198], milliseconds[199]);
  EXPECT_EQ(Json::parse(sink_.spec("default/thing-7")), Json::parse(Thing(7, 6000))["spec"]);

  reflector_->Relist("because");
  ASSERT_TRUE(sink_.AwaitCall("listed ", 2)) << observer_.text();
  EXPECT_TRUE(sink_.nothing_lost());
  EXPECT_EQ(Send("DELETE", kGroup + "/namespaces/default/things/thing-7"), 200);
  ASSERT_TRUE(sink_.AwaitCall("deleted default/thing-7"));
  Delete();  // of the CRD: the server sends DELETED for every object
  ASSERT_TRUE(sink_.AwaitCall("deleted default/thing-199")) << observer_.text();
}

TEST_F(RealApiTest, ALongListDoesNotGrowUs) {
  CreateCrd();
  for (int i = 0; i < 400; ++i) CreateThing(i, 100000);
  const long before = ResidentKib();  // NOLINT(google-runtime-int)
  const auto begun = steady_clock::now();
  Start();
  ASSERT_TRUE(sink_.AwaitCall("listed ")) << observer_.text();
  const double took =
      std::chrono::duration<double, std::milli>(steady_clock::now() - begun).count();
  // The recording sink itself keeps all specs: 40 MB.
  std::printf(
      "a list of 400 objects of 100 kB: %.0f ms, peak resident %ld -> %ld KiB, of which the sink "
      "keeps %d\n",
      took, before, ResidentKib(), 400 * 100000 / 1024);
}

TEST_F(RealApiTest, ExpiredVersionsAndUnknownOnesAreUnderstood) {
  CreateCrd();
  CreateThing(1, 10);
  options_.resource_version = "1";  // long compacted, or before the CRD
  Start();
  ASSERT_TRUE(sink_.AwaitCall("upsert default/thing-1")) << observer_.text();
}

}  // namespace
}  // namespace seccompd::kube
