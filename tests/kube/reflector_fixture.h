// SPDX-License-Identifier: Apache-2.0
#pragma once
// A reflector on a thread of its own, following a fake API server over real HTTPS.

#include <memory>
#include <optional>
#include <string>
#include <thread>

#include <gtest/gtest.h>

#include "seccompd/http/client.h"
#include "seccompd/kube/credentials.h"
#include "seccompd/kube/reflector.h"

#include "fakes/fake_cluster.h"
#include "kube/recording_sink.h"

namespace seccompd::kube {

class TestClock final : public Clock {
 public:
  std::chrono::system_clock::time_point Now() const override {
    return std::chrono::system_clock::now();
  }
  std::chrono::steady_clock::time_point SteadyNow() const override {
    return std::chrono::steady_clock::now() + std::chrono::seconds(ahead_.load());
  }
  void Advance(std::chrono::seconds by) { ahead_ += static_cast<int>(by.count()); }

 private:
  std::atomic<int> ahead_{0};
};

class TestToken final : public TokenSource {
 public:
  Result<std::string> Token() override {
    const std::lock_guard lock(mutex_);
    return token_;
  }
  void Refused(std::string_view token) override {
    const std::lock_guard lock(mutex_);
    if (token == token_ && !next_.empty()) token_ = next_;
  }
  void Set(const std::string& token, const std::string& next) {
    const std::lock_guard lock(mutex_);
    token_ = token;
    next_ = next;
  }

 private:
  std::mutex mutex_;  // guards all below
  std::string token_, next_;
};

class ReflectorFixture : public ::testing::Test {
 protected:
  ReflectorFixture() {
    http::StartIoThread();
    options_.path = fakes::kProfilesPath;
    options_.backoff_min = std::chrono::milliseconds(10);
    options_.backoff_max = std::chrono::milliseconds(100);
    options_.list_spread = std::chrono::milliseconds(20);
  }
  ~ReflectorFixture() override { Stop(); }

  static nlohmann::json Profile(const std::string& name_space, const std::string& name,
                                const std::string& mark = "x") {
    return {{"metadata", {{"namespace", name_space}, {"name", name}}},
            {"spec", {{"profile", {{"defaultAction", "SCMP_ACT_ERRNO"}}}, {"mark", mark}}}};
  }
  void Put(const std::string& name, const std::string& mark = "x") {
    cluster_.Put(options_.path, Profile("a", name, mark));
  }
  void Start() {
    http::TlsOptions tls;
    tls.ca_pem = cluster_.ca_pem();
    Start(tls);
  }
  void Start(const http::TlsOptions& tls) {
    auto client = http::MakeClient(cluster_.origin(), tls);
    ASSERT_TRUE(client.ok()) << client.error().message;
    transport_ = std::move(*client);
    reflector_ =
        std::make_unique<Reflector>(*transport_, token_, clock_, sink_, observer_, options_);
    thread_ = std::jthread([this](const std::stop_token& stop) { reflector_->Run(stop); });
  }
  void Stop() {
    thread_.request_stop();
    if (thread_.joinable()) thread_.join();
  }
  std::size_t CountRequests(const std::string& match) const {
    std::size_t count = 0;
    for (const std::string& line : cluster_.requests())
      count += line.find(match) != std::string::npos ? 1 : 0;
    return count;
  }

  fakes::FakeCluster cluster_;
  TestToken token_;
  TestClock clock_;
  RecordingSink sink_;
  RecordingObserver observer_;
  ReflectorOptions options_;
  std::unique_ptr<http::Transport> transport_;
  std::unique_ptr<Reflector> reflector_;
  std::jthread thread_;
};

}  // namespace seccompd::kube
