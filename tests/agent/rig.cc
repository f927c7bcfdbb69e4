// SPDX-License-Identifier: Apache-2.0
#include "agent/rig.h"

#include <stdlib.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include <gtest/gtest.h>

#include "seccompd/base/digest.h"

namespace seccompd::agent {

void FakeSource::Put(const std::string& key, Item item) {
  const std::lock_guard lock(mutex_);
  items_[key] = std::move(item);
}
void FakeSource::Remove(const std::string& key) {
  const std::lock_guard lock(mutex_);
  items_.erase(key);
}
void FakeSource::Break(bool broken) {
  const std::lock_guard lock(mutex_);
  broken_ = broken;
}
void FakeSource::Become(SourceIdentity identity) {
  const std::lock_guard lock(mutex_);
  identity_ = std::move(identity);
}

Result<void> FakeSource::Fetch(const std::string& name_space, const std::string& name,
                               const std::function<void(const kube::Object&)>& use,
                               std::stop_token) {
  Item item;
  {
    const std::lock_guard lock(mutex_);
    if (broken_) return Error{ErrorCode::kTransient, "the source is broken"};
    ++fetches_;
    const auto it = items_.find(name_space + "/" + name);
    if (it == items_.end()) return Error{ErrorCode::kNotFound, "no such object"};
    item = it->second;
  }
  kube::Object object;
  object.name_space = name_space;
  object.name = name;
  object.uid = item.uid;
  object.generation = item.generation;
  object.spec = item.spec;
  use(object);
  return {};
}

Result<SourceIdentity> FakeSource::Identify(std::stop_token) {
  const std::lock_guard lock(mutex_);
  if (broken_) return Error{ErrorCode::kTransient, "the source is broken"};
  return identity_;
}

Result<Labels> FakeSource::NodeLabels(std::stop_token) {
  const std::lock_guard lock(mutex_);
  if (broken_) return Error{ErrorCode::kTransient, "the source is broken"};
  ++label_reads_;
  return labels_;
}
void FakeSource::Label(Labels labels) {
  const std::lock_guard lock(mutex_);
  labels_ = std::move(labels);
}
int FakeSource::label_reads() {
  const std::lock_guard lock(mutex_);
  return label_reads_;
}
int FakeSource::fetches() {
  const std::lock_guard lock(mutex_);
  return fetches_;
}

Rig::Rig(const std::string& directory, node::FileSystem& file_system, const std::string& ceiling,
         bool quarantine, bool watch_refused)
    : refuse_watch(watch_refused),
      directory_(directory),
      log_(Log::ToStderr(LogFormat::kText, "off")) {
  config.seccomp_root = directory + "/seccomp";
  config.state_dir = directory + "/state";
  config.ceiling = ceiling;
  config.quarantine_foreign = quarantine;
  auto state_dir = node::StateDir::Open(file_system, config.state_dir);
  EXPECT_TRUE(state_dir.ok()) << state_dir.error().message;
  state_dir_ = *std::move(state_dir);
  EXPECT_TRUE(state_dir_->TakeLock().ok());
  auto store = node::ProfileStore::Open(file_system, {config.seccomp_root, config.state_dir});
  EXPECT_TRUE(store.ok()) << store.error().message;
  store_ = *std::move(store);
  agent = std::make_unique<Agent>(
      config,
      AgentParts{*store_, *state_dir_, compiler, clock, log_,
                 [this]() -> Result<std::unique_ptr<node::DriftWatch>> {
                   if (refuse_watch) return Error{ErrorCode::kTransient, "no more inotify"};
                   return node::DriftWatch::Open();
                 }},
      AgentIdentity{
          "0.0.0-test", "2.5.4", {"amd64", "SCMP_ARCH_X86_64", "6.1", {"allow", "errno"}, ""}});
}

Rig::~Rig() {
  agent->StopWork();
  agent.reset();
}

void Rig::Start() {
  agent->LoadRecord();
  agent->Start(source, [this] {
    const std::lock_guard lock(mutex_);
    changed_.notify_all();
  });
}

void Rig::Apply(const std::string& key, const std::string& spec, std::int64_t generation,
                const std::string& uid) {
  source.Put(key, {uid, spec, generation});
  const auto slash = key.find('/');
  kube::Object object;
  object.name_space = std::string_view(key).substr(0, slash);
  object.name = std::string_view(key).substr(slash + 1);
  object.uid = uid;
  object.generation = generation;
  object.spec = spec;
  agent->desired().Upsert(object);
}

void Rig::Delete(const std::string& key, const std::string& uid) {
  source.Remove(key);
  const auto slash = key.find('/');
  kube::Object object;
  object.name_space = std::string_view(key).substr(0, slash);
  object.name = std::string_view(key).substr(slash + 1);
  object.uid = uid;
  agent->desired().Deleted(object);
}

void Rig::EmptyList(const std::string& resource_version) {
  agent->desired().ListStarted();
  agent->desired().ListFinished(resource_version, true);
  agent->Announce();
}

bool Rig::Wait(const std::function<bool()>& is_so) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  std::unique_lock lock(mutex_);
  while (!is_so()) {
    // The installer calls back after every change; announcing makes it do so for what is no change
    // of the table.
    lock.unlock();
    agent->Announce();
    lock.lock();
    // Announced again when the answer may have come before this wait began; looked at only after
    // one.
    while (changed_.wait_for(lock, std::chrono::milliseconds(200)) == std::cv_status::timeout &&
           std::chrono::steady_clock::now() < deadline) {
      lock.unlock();
      agent->Announce();
      lock.lock();
    }
    if (std::chrono::steady_clock::now() >= deadline) return is_so();
  }
  return true;
}

bool Rig::WaitForState(const std::string& key, ProfileState state) {
  return Wait([&] {
    const auto entry = agent->table().Find(key);
    return entry && entry->state == StateName(state);
  });
}

bool Rig::WaitIdle() {
  return Wait([&] { return agent->queue().idle(); });
}

void Rig::Advance(std::chrono::milliseconds by) {
  // Who is at work has read the clock: a delay that it is about to ask for would count from the
  // time after this.
  EXPECT_TRUE(WaitIdle());
  clock.Advance(by);
  agent->queue().AddAfter("wake/up",
                          std::chrono::milliseconds(1));  // who waits looks at the clock again
  clock.Advance(std::chrono::milliseconds(2));
  agent->queue().Add("wake/up");
  agent->Announce();
  EXPECT_TRUE(WaitIdle());
}

std::string Rig::FileText(const std::string& key) const {
  std::ifstream file(PathOf(key));
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

std::string Rig::condition(const std::string& type) const {
  for (const Condition& condition : agent->Snapshot().conditions) {
    if (condition.type == type) return condition.reason;
  }
  return "";
}

TemporaryNode::TemporaryNode() {
  std::string pattern = ::testing::TempDir() + "seccompd-node-XXXXXX";
  path_ = ::mkdtemp(pattern.data());
  ::mkdir((path_ + "/seccomp").c_str(), 0755);
}

TemporaryNode::~TemporaryNode() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

}  // namespace seccompd::agent
