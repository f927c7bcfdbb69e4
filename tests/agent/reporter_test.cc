// SPDX-License-Identifier: Apache-2.0
#include "seccompd/agent/reporter.h"

#include <condition_variable>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "agent/rig.h"

namespace seccompd::agent {
namespace {

using nlohmann::json;
using std::chrono::hours;
using std::chrono::minutes;

// Answers every request well, unless told otherwise, and keeps count.
class CountingServer final : public http::Transport {
 public:
  Result<http::Response> Do(const http::Request& request, std::stop_token) override {
    const std::lock_guard lock(mutex_);
    const std::string path = request.target.substr(0, request.target.find('?'));
    const std::string what = path.substr(path.find_last_of('/') + 1);
    const bool lease = path.find("/leases/") != std::string::npos;
    seen_.push_back(request.method + " " + (lease ? "lease" : what));
    if (what == "status" && !broken_) status_ = json::parse(request.body)["status"];
    changed_.notify_all();
    http::Response answer;
    answer.head.content_type = "application/json";
    answer.head.status = broken_ ? 503 : 200;
    answer.body = broken_ ? R"({"kind":"Status","message":"not now"})"
                          : R"({"kind":"X","metadata":{"uid":"u","resourceVersion":"7"}})";
    return answer;
  }
  Result<http::ResponseHead> Stream(const http::Request&, http::BodySink&,
                                    std::stop_token) override {
    return Error{ErrorCode::kInvalid, "nobody streams here"};
  }
  void Break(bool broken) {
    const std::lock_guard lock(mutex_);
    broken_ = broken;
  }
  // Waits for the count-th of such requests.
  bool Await(const std::string& request, int count) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, std::chrono::seconds(20), [&] {
      return std::count(seen_.begin(), seen_.end(), request) >= count;
    });
  }
  int Count(const std::string& request) {
    const std::lock_guard lock(mutex_);
    return static_cast<int>(std::count(seen_.begin(), seen_.end(), request));
  }
  std::size_t desired() {
    const std::lock_guard lock(mutex_);
    return status_.value("desired", std::size_t{0});
  }

 private:
  std::mutex mutex_;  // guards all below
  std::condition_variable changed_;
  std::vector<std::string> seen_;
  bool broken_ = false;
  json status_;
};

class NoToken final : public kube::TokenSource {
 public:
  Result<std::string> Token() override { return std::string(); }
  void Refused(std::string_view) override {}
};

constexpr char kStatus[] = "PATCH status";

class ReporterTest : public ::testing::Test {
 protected:
  void Start(ReportPace::Options pace) {
    reporter_ = std::make_unique<Reporter>(
        api_, table_, source_,
        [this] {
          StatusInput input;
          input.desired = desired_;
          return input;
        },
        health_, log_, clock_,
        ReporterOptions{.node_name = "node-1", .lease_namespace = "seccompd", .pace = pace});
    reporter_->OnServerVersion([] { return std::string(); },
                               [this](const std::string&, const std::string&) {
                                 const std::lock_guard lock(mutex_);
                                 ++leases_;
                                 changed_.notify_all();
                               });
    thread_ =
        std::jthread([this](std::stop_token stop) { reporter_->Run(stop, abort_.get_token()); });
  }
  void News() {
    ++desired_;
    reporter_->Notify();
  }
  // An attempt's last step: all its times are set.
  bool AwaitLeases(int count) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, std::chrono::seconds(20), [&] { return leases_ >= count; });
  }
  // The last report included.
  void Stop() {
    thread_.request_stop();
    thread_.join();
  }

  std::mutex mutex_;  // guards leases_
  std::condition_variable changed_;
  int leases_ = 0;
  CountingServer server_;
  NoToken token_;
  kube::ApiClient api_{server_, token_};
  ProfileTable table_;
  FakeSource source_;
  fakes::ManualClock clock_;
  Health health_{clock_};
  Log log_ = Log::ToStderr(LogFormat::kText, "error");
  std::atomic<std::size_t> desired_{1};
  std::stop_source abort_;
  std::unique_ptr<Reporter> reporter_;
  std::jthread thread_;  // last: it ends first
};

TEST_F(ReporterTest, TheLeaseIsRenewedWhileAReportIsHeldBack) {
  Start({.interval = hours(1)});
  ASSERT_TRUE(AwaitLeases(1));
  ASSERT_EQ(server_.Count(kStatus), 1);
  clock_.Advance(minutes(6));
  News();
  ASSERT_TRUE(AwaitLeases(2));
  EXPECT_EQ(server_.Count(kStatus), 1) << "the next report is due in 54 minutes";
  clock_.Advance(minutes(55));
  reporter_->SourceCameBack();  // wakes it
  ASSERT_TRUE(AwaitLeases(3));
  EXPECT_EQ(server_.Count(kStatus), 2);
  EXPECT_EQ(server_.desired(), 2U);
}

TEST_F(ReporterTest, TheLastWordIsSaidHoweverSoon) {
  Start({.interval = hours(1)});
  ASSERT_TRUE(AwaitLeases(1));
  News();
  Stop();
  EXPECT_EQ(server_.Count(kStatus), 2);
  EXPECT_EQ(server_.desired(), 2U);
}

TEST_F(ReporterTest, WithoutNewsNothingIsWritten) {
  Start({.interval = std::chrono::milliseconds(0)});
  ASSERT_TRUE(AwaitLeases(1));
  clock_.Advance(minutes(6));
  reporter_->Notify();
  ASSERT_TRUE(AwaitLeases(2));
  Stop();
  EXPECT_EQ(server_.Count(kStatus), 1);
}

TEST_F(ReporterTest, AStartIsSpreadAsAWhole) {
  Start({.spread = hours(1)});
  clock_.Advance(hours(1));
  reporter_->SourceCameBack();  // wakes it
  ASSERT_TRUE(AwaitLeases(1));
  EXPECT_EQ(server_.Count(kStatus), 1) << "the Lease went ahead, on all nodes at once";
}

// Without a step of the clock: what is left of the backoff is not waited for.
TEST_F(ReporterTest, AReportThatFailedIsSentWhenTheServerIsBack) {
  server_.Break(true);
  Start({.interval = std::chrono::milliseconds(0)});
  ASSERT_TRUE(server_.Await("GET node-1", 1));
  server_.Break(false);
  reporter_->SourceCameBack();
  ASSERT_TRUE(AwaitLeases(1));
  EXPECT_EQ(server_.Count(kStatus), 1);
  EXPECT_EQ(server_.desired(), 1U);
}

}  // namespace
}  // namespace seccompd::agent
