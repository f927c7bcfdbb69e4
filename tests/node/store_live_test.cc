// SPDX-License-Identifier: Apache-2.0
// The store on the real kernel: readers at its side, a full and a read-only file system, kill -9.
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <functional>
#include <random>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "seccompd/base/digest.h"
#include "seccompd/base/unique_fd.h"
#include "seccompd/node/store.h"

#include "node/temp_dir.h"

namespace seccompd::node {
namespace {

namespace fs = std::filesystem;

// A text whose parts must agree: a number of lines that all say the same.
std::string Marked(int number) {
  std::string text;
  const std::string line = std::to_string(number) + "\n";
  for (int i = 0; i < 900 + number % 7; ++i) text += line;
  return text + "end\n";
}

bool IsWhole(const std::string& text) {
  const std::string line = text.substr(0, text.find('\n') + 1);
  std::size_t at = 0;
  while (!line.empty() && text.compare(at, line.size(), line) == 0) at += line.size();
  return at > 0 && std::string_view(text).substr(at) == "end\n" && text == Marked(std::stoi(line));
}

TEST(ProfileStoreLiveTest, AReaderNeverSeesATornFile) {
  const StoreFixture fixture;
  const auto store = fixture.Open();
  ASSERT_TRUE(store->Put(PathOf("a", "x"), Marked(0)).ok());
  std::atomic<bool> done = false;
  std::atomic<int> torn = 0;
  std::atomic<int> reads = 0;
  std::thread reader([&] {
    while (!done) {
      if (!IsWhole(Slurp(fixture.FileOf("a", "x")))) ++torn;
      ++reads;
    }
  });
  for (int i = 1; i <= 2000; ++i)
    EXPECT_EQ(*store->Put(PathOf("a", "x"), Marked(i)), PutOutcome::kWritten);
  done = true;
  reader.join();
  EXPECT_EQ(torn, 0);
  EXPECT_GT(reads, 100);
}

// Runs `body` in a child of its own; what it returns is what went wrong.
std::string InChild(const std::function<std::string()>& body) {
  std::array<int, 2> ends{};
  if (::pipe(ends.data()) != 0) return "no pipe";
  const pid_t child = ::fork();
  if (child == 0) {
    const std::string wrong = body();
    static_cast<void>(!::write(ends[1], wrong.data(), wrong.size()));
    ::_exit(0);
  }
  const UniqueFd read_end(ends[0]);
  ::close(ends[1]);
  std::string wrong;
  std::array<char, 4096> buffer{};
  ssize_t got = 0;
  while ((got = ::read(read_end.get(), buffer.data(), buffer.size())) > 0) {
    wrong.append(buffer.data(), static_cast<std::size_t>(got));
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) wrong += "the child died";
  return wrong;
}

// Why no file system can be mounted in a mount namespace of its own here; empty: it can.
std::string CannotMount() {
  return InChild([]() -> std::string {
    if (::unshare(CLONE_NEWNS) != 0) {
      return std::string("a mount namespace of its own needs CAP_SYS_ADMIN: ") +
             std::strerror(errno);
    }
    return "";
  });
}

// Mounts at `at`, in a mount namespace that ends with this process. Open the store afterwards: a
// descriptor from before belongs to the old namespace, where there is no mount.
std::string MountPrivately(const std::string& source, const std::string& at, const char* type,
                           unsigned long flags, const char* data) {  // NOLINT: mount(2) has it so
  if (::unshare(CLONE_NEWNS) != 0 ||
      ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
      ::mount(source.c_str(), at.c_str(), type, flags, data) != 0) {
    return std::string("mount: ") + std::strerror(errno);
  }
  return "";
}

// The seccomp root on a small tmpfs: tenants/ is a mount point, as in the chart.
std::string MountTenants(const StoreFixture& fixture, const char* size) {
  std::error_code ignored;
  fs::create_directory(fixture.Tenants(), ignored);
  return MountPrivately("tmpfs", fixture.Tenants(), "tmpfs", 0, size);
}

std::string FillDisk(const StoreFixture& fixture) {
  if (std::string wrong = MountTenants(fixture, "size=256k,mode=0700"); !wrong.empty())
    return wrong;
  const auto store = fixture.Open();
  if (!store->Put(PathOf("a", "x"), Marked(1)).ok()) return "first Put";
  const fs::path filler = fixture.Tenants() / "filler";
  {
    const UniqueFd file(::open(filler.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
    const std::string block(4096, 'f');
    while (::write(file.get(), block.data(), block.size()) > 0) {
    }
  }
  const Result<PutOutcome> full = store->Put(PathOf("a", "x"), Marked(2));
  if (full.ok() || full.error().code != ErrorCode::kTransient)
    return "no kTransient on a full disk";
  if (full.error().message.find("free space") == std::string::npos) return full.error().message;
  if (Slurp(fixture.FileOf("a", "x")) != Marked(1)) return "the old file is not intact";
  if (store->CheckWritable().ok()) return "CheckWritable says yes on a full disk";
  if (!NamesWith(fixture.Tenants(), ".tmp-").empty()) return "a temporary file is left";
  fs::remove(filler);
  if (!store->CheckWritable().ok()) return "CheckWritable says no";
  if (!store->Put(PathOf("a", "x"), Marked(2)).ok()) return "Put after room was made";
  return Slurp(fixture.FileOf("a", "x")) == Marked(2) ? "" : "not the new bytes";
}

TEST(ProfileStoreLiveTest, AFullDiskKeepsTheOldFile) {
  if (const std::string why = CannotMount(); !why.empty()) SECCOMPD_CANNOT_RUN(why);
  const StoreFixture fixture;
  EXPECT_EQ(InChild([&] { return FillDisk(fixture); }), "");
}

std::string RemountReadOnly(const StoreFixture& fixture) {
  if (std::string wrong = MountTenants(fixture, "size=1m,mode=0700"); !wrong.empty()) return wrong;
  const auto store = fixture.Open();
  if (!store->Put(PathOf("a", "x"), Marked(1)).ok()) return "first Put";
  const std::string at = fixture.Tenants();
  if (::mount("none", at.c_str(), nullptr, MS_REMOUNT | MS_RDONLY, nullptr) != 0) return "remount";
  const Result<PutOutcome> denied = store->Put(PathOf("a", "x"), Marked(2));
  if (denied.ok() || denied.error().code != ErrorCode::kDenied) return "no kDenied when read-only";
  if (denied.error().message.find("remount") == std::string::npos) return denied.error().message;
  if (store->CheckWritable().ok()) return "CheckWritable says yes when read-only";
  if (*store->Inspect(PathOf("a", "x"), Sha256Hex(Marked(1))) != FileState::kIntact)
    return "Inspect";
  if (::mount("none", at.c_str(), nullptr, MS_REMOUNT, nullptr) != 0) return "remount";
  return store->Put(PathOf("a", "x"), Marked(2)).ok() ? "" : "Put after the remount";
}

TEST(ProfileStoreLiveTest, AReadOnlyDiskIsDeniedAndReadOn) {
  if (const std::string why = CannotMount(); !why.empty()) SECCOMPD_CANNOT_RUN(why);
  const StoreFixture fixture;
  EXPECT_EQ(InChild([&] { return RemountReadOnly(fixture); }), "");
}

std::string MountOverNamespace(const StoreFixture& fixture) {
  if (!fixture.Open()->Put(PathOf("a", "x"), Marked(1)).ok()) return "first Put";
  std::string wrong =
      MountPrivately("tmpfs", fixture.Tenants() / "a", "tmpfs", 0, "size=1m,mode=0700");
  if (!wrong.empty()) return wrong;
  const auto store = fixture.Open();
  const Result<PutOutcome> put = store->Put(PathOf("a", "x"), Marked(2));
  if (put.ok() || put.error().code != ErrorCode::kDenied) return "a mount point was written into";
  if (put.error().message.find("unmount") == std::string::npos) return put.error().message;
  if (*store->Inspect(PathOf("a", "x"), "") != FileState::kType) return "Inspect";
  return store->Scan()->size() == 1 ? "" : "Scan does not report it";
}

TEST(ProfileStoreLiveTest, AFileSystemMountedOverANamespaceIsNotEntered) {
  if (const std::string why = CannotMount(); !why.empty()) SECCOMPD_CANNOT_RUN(why);
  const StoreFixture fixture;
  EXPECT_EQ(InChild([&] { return MountOverNamespace(fixture); }), "");
}

// In a pod the directory can be removed on the host while its mount stays.
std::string RemoveUnderMount(const StoreFixture& fixture) {
  const fs::path host = fixture.dir.path() / "host";
  std::error_code ignored;
  fs::create_directory(host, ignored);
  fs::create_directory(fixture.Tenants(), ignored);
  ::chmod(host.c_str(), 0700);
  std::string wrong = MountPrivately(host, fixture.Tenants(), nullptr, MS_BIND, nullptr);
  if (!wrong.empty()) return wrong;
  const auto store = fixture.Open();
  if (!store->Put(PathOf("a", "x"), "text").ok()) return "first Put";
  fs::remove_all(host, ignored);
  const Result<PutOutcome> put = store->Put(PathOf("a", "x"), "text");
  if (put.ok() || put.error().code != ErrorCode::kDenied) return "written into a removed directory";
  return put.error().message.find("restart") != std::string::npos ? "" : put.error().message;
}

TEST(ProfileStoreLiveTest, ADirectoryRemovedUnderItsMountIsAClearError) {
  if (const std::string why = CannotMount(); !why.empty()) SECCOMPD_CANNOT_RUN(why);
  const StoreFixture fixture;
  EXPECT_EQ(InChild([&] { return RemoveUnderMount(fixture); }), "");
}

[[noreturn]] void WriteForever(const StoreFixture& fixture, int seed) {
  const auto store = fixture.Open();
  for (int i = seed;; ++i) {
    const std::string one = Marked(i);
    const std::string two = Marked(i + 1);
    const std::vector<PutRequest> requests{
        {PathOf("a", "x"), one}, {PathOf("a", "y"), two}, {PathOf("b", "z"), one}};
    for (const auto& result : store->PutAll(requests)) {
      if (!result.ok()) ::_exit(1);
    }
    if (i % 5 == 0 && !store->Remove(PathOf("b", "z")).ok()) ::_exit(1);
  }
}

TEST(ProfileStoreLiveTest, KillingTheWriterAtAnyMomentTearsNothing) {
  const StoreFixture fixture;
  std::mt19937 random(20261123);
  std::uniform_int_distribution<int> microseconds(200, 6000);
  for (int round = 0; round < 200; ++round) {
    const pid_t child = ::fork();
    if (child == 0) WriteForever(fixture, round * 1000);
    ::usleep(static_cast<useconds_t>(microseconds(random)));
    ASSERT_EQ(::kill(child, SIGKILL), 0);
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    ASSERT_TRUE(WIFSIGNALED(status)) << "the writer failed by itself, round " << round;
    for (const auto& file :
         {fixture.FileOf("a", "x"), fixture.FileOf("a", "y"), fixture.FileOf("b", "z")}) {
      if (fs::exists(file)) {
        ASSERT_TRUE(IsWhole(Slurp(file))) << file << ", round " << round;
      }
    }
    const auto store = fixture.Open();
    const Result<std::vector<FoundEntry>> found = store->Scan();
    ASSERT_TRUE(found.ok());
    for (const FoundEntry& entry : *found) ASSERT_TRUE(entry.is_profile_path) << entry.file_name;
    ASSERT_TRUE(NamesWith(fixture.Tenants(), ".tmp-").empty());
  }
}

}  // namespace
}  // namespace seccompd::node
