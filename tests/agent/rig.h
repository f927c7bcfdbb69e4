// SPDX-License-Identifier: Apache-2.0
#pragma once
// A whole agent over a real directory, with a source and a compiler that a test commands. Time is
// the test's too.

#include <atomic>
#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "seccompd/agent/agent.h"

#include "fakes/fake_compiler.h"
#include "fakes/manual_clock.h"

namespace seccompd::agent {

// Objects by key; what it has not is surely absent, unless Break()en.
class FakeSource final : public ObjectSource {
 public:
  struct Item {
    std::string uid, spec;
    std::int64_t generation = 1;
  };
  void Put(const std::string& key, Item item);
  void Remove(const std::string& key);
  void Break(bool broken);
  void Become(SourceIdentity identity);

  Result<void> Fetch(const std::string& name_space, const std::string& name,
                     const std::function<void(const kube::Object&)>& use,
                     std::stop_token stop) override;
  Result<SourceIdentity> Identify(std::stop_token stop) override;
  Result<Labels> NodeLabels(std::stop_token stop) override;
  void Label(Labels labels);
  int label_reads();
  int fetches();

 private:
  std::mutex mutex_;  // guards all below
  std::map<std::string, Item> items_;
  bool broken_ = false;
  Labels labels_;
  int label_reads_ = 0, fetches_ = 0;
  SourceIdentity identity_{"cluster-1", "crd-1", false};
};

// Everything of one node but its disk, which outlives it: a second Rig on the same directory is a
// restart.
class Rig {
 public:
  explicit Rig(const std::string& directory, node::FileSystem& file_system = node::RealFileSystem(),
               const std::string& ceiling = "none", bool quarantine = false,
               bool watch_refused = false);
  ~Rig();

  void Start();
  // Tells source and agent about an object.
  void Apply(const std::string& key, const std::string& spec, std::int64_t generation = 1,
             const std::string& uid = "u1");
  // Removes it from the source and delivers the event.
  void Delete(const std::string& key, const std::string& uid = "u1");
  // A complete list of nothing.
  void EmptyList(const std::string& resource_version = "100");
  // Waits for `is_so` (looked at after every change). False after 20 s.
  bool Wait(const std::function<bool()>& is_so);
  bool WaitForState(const std::string& key, ProfileState state);
  // Nothing due, nothing under way, nothing half written.
  bool WaitIdle();
  // Moves the time when nobody is at work, and waits until what fell due is done.
  void Advance(std::chrono::milliseconds by);

  std::string FileText(const std::string& key) const;  // "" when there is none
  bool HasFile(const std::string& key) const { return !FileText(key).empty(); }
  std::string PathOf(const std::string& key) const {
    return directory_ + "/seccomp/tenants/" + key + ".json";
  }
  std::string condition(const std::string& type) const;  // its reason

  FakeSource source;
  fakes::FakeCompiler compiler;
  fakes::ManualClock clock;
  AgentConfig config;
  std::atomic<bool> refuse_watch{false};  // as when the limit of inotify instances is reached
  std::unique_ptr<Agent> agent;

 private:
  const std::string directory_;
  Log log_;
  std::unique_ptr<node::StateDir> state_dir_;
  std::unique_ptr<node::ProfileStore> store_;
  std::mutex mutex_;
  std::condition_variable changed_;
};

// A fresh directory with an empty seccomp root, removed at the end.
class TemporaryNode {
 public:
  TemporaryNode();
  ~TemporaryNode();
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

}  // namespace seccompd::agent
