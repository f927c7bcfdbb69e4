// SPDX-License-Identifier: Apache-2.0
#pragma once
// A client and a real HTTPS server on loopback, and a sink that tests can wait for.

#include <atomic>
#include <condition_variable>
#include <functional>
#include <future>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include <gtest/gtest.h>

#include "seccompd/http/client.h"

#include "fakes/fake_https_server.h"
#include "fakes/tls_material.h"

namespace seccompd::http {

using fakes::CertificateAuthority;
using fakes::CertificateRequest;
using fakes::FakeHttpsServer;
using fakes::FakeReply;
using fakes::FakeRequest;
using std::chrono::milliseconds;
using std::chrono::seconds;

class Collector final : public BodySink {
 public:
  void OnHead(const ResponseHead& head) override {
    const std::lock_guard lock(mutex_);
    head_ = head;
    changed_.notify_all();
  }
  bool OnBytes(std::string_view bytes) override {
    const std::lock_guard lock(mutex_);
    if (!head_) head_missing_ = true;
    body_ += bytes;
    changed_.notify_all();
    return !refuses_;
  }
  bool AwaitBody(const std::string& text) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, seconds(20),
                             [&] { return body_.find(text) != std::string::npos; });
  }
  bool AwaitHead() {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, seconds(20), [&] { return head_.has_value(); });
  }
  void Refuse() { refuses_ = true; }
  std::string body() {
    const std::lock_guard lock(mutex_);
    return body_;
  }
  bool head_missing() const { return head_missing_; }

 private:
  std::mutex mutex_;  // guards all below
  std::condition_variable changed_;
  std::optional<ResponseHead> head_;
  std::string body_;
  bool head_missing_ = false;
  std::atomic<bool> refuses_{false};
};

class ClientTest : public ::testing::Test {
 protected:
  ClientTest() { StartIoThread(); }

  void Serve(FakeHttpsServer::Handler handler, const CertificateRequest& certificate = {},
             bool wants_client_certificate = false) {
    server_ = std::make_unique<FakeHttpsServer>(
        FakeHttpsServer::Options{authority_.Issue(certificate),
                                 wants_client_certificate ? authority_.certificate_pem() : ""},
        std::move(handler));
  }
  TlsOptions Tls() const {
    return {.ca_pem = authority_.certificate_pem(),
            .certificate_pem = {},
            .private_key_pem = {},
            .server_name = {}};
  }
  std::unique_ptr<Transport> Client() { return Client(server_->origin(), Tls()); }
  static std::unique_ptr<Transport> Client(const std::string& origin, const TlsOptions& tls) {
    auto client = MakeClient(origin, tls);
    EXPECT_TRUE(client.ok()) << client.error().message;
    return std::move(*client);
  }
  static Request Get(const std::string& target) {
    Request request;
    request.target = target;
    return request;
  }
  // Runs `request` in a thread of its own, waits for `started`, cancels, and returns the result.
  static Result<ResponseHead> CancelWhen(Transport& client, const Request& request,
                                         const std::function<void(Collector&)>& started) {
    std::stop_source stop;
    Collector sink;
    auto result = std::async(std::launch::async,
                             [&] { return client.Stream(request, sink, stop.get_token()); });
    started(sink);
    stop.request_stop();
    // A guard against hanging, not a measurement: without cancellation these last for minutes.
    EXPECT_EQ(result.wait_for(seconds(20)), std::future_status::ready);
    return result.get();
  }

  CertificateAuthority authority_;
  std::unique_ptr<FakeHttpsServer> server_;
};

}  // namespace seccompd::http
