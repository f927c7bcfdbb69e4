// SPDX-License-Identifier: Apache-2.0
// SIGKILL at random moments of the agent's life, while profiles change all the time and a reader
// reads all files all the time: no file is ever anything but one whole version of that very
// profile. SECCOMPD_KILLS: how often (default 40; 1,000 take about 5 minutes).
#include <signal.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <mutex>
#include <random>
#include <thread>

#include "integration/cluster_fixture.h"

namespace seccompd::integration {
namespace {

constexpr int kProfilesCount = 8;
constexpr std::uint64_t kFirst = 1'000'000'000;  // ten digits, whatever the version
constexpr std::uint64_t kStep = 10'000'000;      // versions of one profile

std::string NameOf(int profile) { return "p" + std::to_string(profile); }

json Numbered(int profile, std::uint64_t version) {
  json object = Profile(NameOf(profile), "getpriority");
  json& rule = object["spec"]["profile"]["syscalls"][0];
  const std::uint64_t number = kFirst + static_cast<std::uint64_t>(profile) * kStep + version;
  rule["args"] = json::array({{{"index", 1}, {"value", number}, {"op", "SCMP_CMP_EQ"}}});
  return object;
}

// Knows each version's bytes: those of the first file, with the version's number in place.
class Versions {
 public:
  explicit Versions(const std::string& first) {
    const std::string number = std::to_string(kFirst);
    const std::size_t at = first.find(number);
    EXPECT_NE(at, std::string::npos) << first;
    EXPECT_EQ(first.find(number, at + 1), std::string::npos);
    if (at == std::string::npos) return;
    before_ = first.substr(0, at);
    after_ = first.substr(at + number.size());
  }
  // The version; nothing when the bytes are no whole version of this profile up to `newest`.
  std::optional<std::uint64_t> VersionOf(int profile, const std::string& bytes,
                                         std::uint64_t newest) const {
    if (bytes.size() != before_.size() + 10 + after_.size() || !bytes.starts_with(before_) ||
        !bytes.ends_with(after_)) {
      return std::nullopt;
    }
    const std::string digits = bytes.substr(before_.size(), 10);
    if (digits.find_first_not_of("0123456789") != std::string::npos) return std::nullopt;
    const std::uint64_t begin = kFirst + static_cast<std::uint64_t>(profile) * kStep;
    const std::uint64_t number = std::stoull(digits);
    if (number < begin || number > begin + newest) return std::nullopt;
    return number - begin;
  }

 private:
  std::string before_, after_;
};

class KillTest : public ClusterTest {
 protected:
  std::string PathOf(int profile) const { return space_.profile("team/" + NameOf(profile)); }
  void PutNext(int profile) {
    const std::uint64_t version = ++newest_;  // before anybody can see it
    cluster_.Put(kProfiles, Numbered(profile, version));
    last_[static_cast<std::size_t>(profile)] = version;
  }
  void ChangeForever(const std::stop_token& stop) {
    std::mt19937 random(7);
    while (!stop.stop_requested()) {
      const int profile = static_cast<int>(random() % kProfilesCount);
      if (random() % 16 == 0) cluster_.Delete(kProfiles, "team", NameOf(profile));
      PutNext(profile);
      std::unique_lock lock(mutex_);
      stopped_.wait_for(lock, stop, std::chrono::milliseconds(random() % 8), [] { return false; });
    }
  }
  void ReadForever(const std::stop_token& stop, const Versions& versions) {
    while (!stop.stop_requested()) {
      for (int profile = 0; profile < kProfilesCount; ++profile) {
        std::ifstream file(PathOf(profile));
        if (!file.is_open()) continue;  // deleted, or on its way; an empty one is torn as well
        const std::string bytes(std::istreambuf_iterator<char>(file), {});
        ++reads_;
        if (versions.VersionOf(profile, bytes, newest_)) continue;
        const std::lock_guard lock(mutex_);
        torn_.push_back(PathOf(profile) + ": " + bytes);
      }
    }
  }
  // The agent lives again and does what is still to be done.
  void ExpectAgreement(const Versions& versions) {
    EXPECT_TRUE(WaitForStatus([](const json& status) {
      return status["installed"] == kProfilesCount && status["desired"] == kProfilesCount;
    }));
    for (int profile = 0; profile < kProfilesCount; ++profile) {
      const std::uint64_t last = last_[static_cast<std::size_t>(profile)];
      EXPECT_TRUE(WaitForFile(PathOf(profile), [&](const std::string& bytes) {
        return versions.VersionOf(profile, bytes, newest_) == last;
      })) << PathOf(profile);
    }
    for (const auto& entry :
         std::filesystem::recursive_directory_iterator(space_.seccomp_root() + "/tenants"))
      EXPECT_FALSE(entry.path().filename().string().starts_with(".tmp-")) << entry.path();
  }

  std::atomic<std::uint64_t> newest_{0};
  std::array<std::uint64_t, kProfilesCount> last_{};
  std::atomic<std::uint64_t> reads_{0};
  std::mutex mutex_;  // guards torn_
  std::condition_variable_any stopped_;
  std::vector<std::string> torn_;
};

TEST_F(KillTest, AtAnyMomentNoReaderSeesATornOrForeignProfile) {
  const char* wanted = std::getenv("SECCOMPD_KILLS");
  const int kills = wanted == nullptr ? 40 : std::atoi(wanted);
  cluster_.Put(kProfiles, Numbered(0, 0));
  std::mt19937 random(20261125);
  {
    AgentProcess first(Args());
    ASSERT_TRUE(WaitForProfile("team/p0", std::to_string(kFirst)));
  }
  const Versions versions(ReadAll(PathOf(0)));
  for (int profile = 0; profile < kProfilesCount; ++profile) PutNext(profile);
  std::jthread reader([&](const std::stop_token& stop) { ReadForever(stop, versions); });
  std::jthread writer([&](const std::stop_token& stop) { ChangeForever(stop); });
  const std::vector<std::string> args = Args({"--delete-grace", "10ms"});
  for (int i = 0; i < kills; ++i) {
    AgentProcess agent(args);
    // Some die before they have begun, most amid their work.
    if (random() % 4 != 0) {
      ASSERT_NE(agent.WaitForLine("seccompd starts"), "");
    }
    ASSERT_FALSE(agent.EndsWithin(static_cast<int>(random() % 250))) << "it ended by itself";
    agent.Signal(SIGKILL);
    ASSERT_EQ(agent.WaitForEnd(), 128 + SIGKILL);
  }
  writer.request_stop();
  writer.join();
  {
    // A profile that was with the compiler at two deaths in a row is left aside for one start.
    AgentProcess agent(args);
    ASSERT_NE(agent.WaitForLine(": ready"), "");
    agent.Signal(SIGTERM);
    ASSERT_EQ(agent.WaitForEnd(), 0);
  }
  AgentProcess agent(args);
  ExpectAgreement(versions);
  reader.request_stop();
  reader.join();
  EXPECT_TRUE(torn_.empty()) << torn_.size() << " of " << reads_ << " reads, first "
                             << torn_.front();
  std::printf("%d kills, %llu versions, %llu reads\n", kills,
              static_cast<unsigned long long>(newest_.load()),  // NOLINT(google-runtime-int)
              static_cast<unsigned long long>(reads_.load()));  // NOLINT(google-runtime-int)
}

}  // namespace
}  // namespace seccompd::integration
