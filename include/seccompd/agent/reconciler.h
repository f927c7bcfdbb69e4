// SPDX-License-Identifier: Apache-2.0
#pragma once
// Makes one profile true: takes a key's work, has it judged and compiled, and orders the installer
// to write the file, note the verdict or remove what no longer has an object. Run() is a worker;
// several threads may run it at once.

#include <chrono>
#include <map>
#include <mutex>
#include <optional>
#include <random>
#include <set>
#include <stop_token>
#include <string>
#include <vector>

#include "seccompd/agent/deletion_guard.h"
#include "seccompd/agent/desired_state.h"
#include "seccompd/agent/installer.h"
#include "seccompd/agent/judge.h"
#include "seccompd/agent/node_labels.h"
#include "seccompd/agent/object_source.h"
#include "seccompd/compiler/compiler.h"

namespace seccompd::agent {

struct ReconcilerOptions {
  JudgeOptions judge;
  std::chrono::milliseconds delete_grace = std::chrono::seconds(60);
};

class Reconciler {
 public:
  Reconciler(WorkQueue& queue, DesiredState& desired, ProfileTable& table, Installer& installer,
             ObjectSource& source, compiler::Compiler& compiler, node::StateDir& state_dir,
             Health& health, Metrics& metrics, const Log& log, const Clock& clock,
             ReconcilerOptions options);

  // Digests that were with a compiler when earlier agents died, with the number of starts at which
  // they were found.
  void Distrust(std::map<std::string, int> tried) { judge_.Distrust(std::move(tried)); }
  void ForgiveTried() { judge_.ForgiveTried(); }
  // After a restart: are the labels still those that the record's verdicts rest on?
  void CheckLabels();
  // Goes on with the filters that the record says are still to be checked, when nobody waits.
  void CheckTreesLater();

  void Run(std::stop_token stop);

  // Why removals are held back; empty: they are not.
  std::string removal_held() const;

 private:
  // A key with a worker.
  struct Job {
    std::string key;
    std::optional<Work> work;                      // nothing: no profile of that key is known
    std::optional<compiler::CompileAnswer> first;  // the compiler's, asked for several at once
  };
  // The key's job, and those of the keys behind it that one child can be asked about with it; see
  // reconciler_together.cc.
  std::vector<Job> TakeJobs(const std::string& key);
  void AskTogether(std::vector<Job>& jobs);
  // True: handed to the installer, which calls Done. False: nothing to do.
  bool Reconcile(Job job, std::stop_token stop);
  bool ReconcileAbsent(const std::string& key, const Desired& desired, std::stop_token stop);
  bool ReconcilePresent(Job job, std::stop_token stop);
  bool UpToDate(const std::string& key, const Work& work) const;
  // The labels are read again from time to time while a profile asks for them.
  bool ReconcileLabels(std::stop_token stop);
  void QueueUsersOfLabels();
  void ReadLabelsLater();
  // One step in checking the filters that runc makes; see reconciler_trees.cc.
  static bool IsTreesKey(const std::string& key);
  bool ReconcileTrees();
  // The SHA-256 of the next file whose filter is to be checked; empty: none.
  void SetTreeUnderWay(bool is_under_way);
  std::string NextTree();
  struct Tree {
    std::string sha256, bytes;
  };
  void CheckTree(const Tree& tree);
  // Fills in a text that DesiredState did not keep.
  std::optional<VerdictOrder> FetchSpec(const std::string& key, Work& work, std::stop_token stop);
  // From when on the labels must be that decide about this profile: a file that goes on their
  // account goes on fresh ones.
  LabelsNeed LabelsNeeded(const std::string& key) const;
  Order Decide(const std::string& key, Work work, Judgement judgement, std::stop_token stop);
  Order DecideSkipped(const std::string& key, const Work& work, Dependencies dependencies,
                      std::stop_token stop);
  std::optional<DeletionGuard::Answer> MayRemove(std::stop_token stop, std::string& why);

  WorkQueue& queue_;
  DesiredState& desired_;
  ProfileTable& table_;
  Installer& installer_;
  ObjectSource& source_;
  compiler::Compiler& compiler_;
  Health& health_;
  const Log& log_;
  const Clock& clock_;
  const ReconcilerOptions options_;
  NodeLabels labels_;
  Judge judge_;

  mutable std::mutex mutex_;  // guards all below
  DeletionGuard guard_;
  // Profiles whose file is to go because the node is not selected, and since when.
  std::map<std::string, std::chrono::steady_clock::time_point> skipped_since_;
  std::optional<Tree> tree_;        // read, and to be checked
  bool tree_is_under_way_ = false;  // from the order to read it to the order about its verdict
  std::set<std::string> trees_without_bytes_;  // their cached copies are not there
  std::minstd_rand random_{std::random_device{}()};
};

// Joins findings of at least `least` into one line of at most 256 bytes for the report.
std::string Summarize(const std::vector<profile::Diagnostic>& findings, profile::Severity least);
// Valid UTF-8 without control characters, cut at a character's boundary.
std::string CleanMessage(std::string_view text, std::size_t max_bytes = 256);

}  // namespace seccompd::agent
