// SPDX-License-Identifier: Apache-2.0
#pragma once
// Makes one profile true: takes a key's work, has it judged and compiled, and orders the installer
// to write the file, note the verdict or remove what no longer has an object. Run() is a worker;
// several threads may run it at once.

#include <chrono>
#include <list>
#include <map>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>

#include "seccompd/agent/deletion_guard.h"
#include "seccompd/agent/desired_state.h"
#include "seccompd/agent/installer.h"
#include "seccompd/agent/object_source.h"
#include "seccompd/compiler/compiler.h"

namespace seccompd::agent {

struct ReconcilerOptions {
  std::string architecture;  // "SCMP_ARCH_X86_64"
  std::string context;       // what besides uid and spec decides the file (see InputDigest)
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
  void Distrust(std::map<std::string, int> tried) { tried_ = std::move(tried); }

  void Run(std::stop_token stop);

  // Why removals are held back; empty: they are not.
  std::string removal_held() const;

 private:
  // True: handed to the installer, which calls Done. False: nothing to do.
  bool Reconcile(const std::string& key, std::stop_token stop);
  bool ReconcileAbsent(const std::string& key, const Desired& desired, std::stop_token stop);
  bool ReconcilePresent(const std::string& key, Work work, std::stop_token stop);
  bool UpToDate(const std::string& key, const Work& work) const;
  // Fills in a text that DesiredState did not keep.
  std::optional<VerdictOrder> FetchSpec(const std::string& key, Work& work, std::stop_token stop);
  Result<compiler::CompileAnswer> Judge(const Work& work);
  Order Decide(const std::string& key, Work work, Result<compiler::CompileAnswer> answer);
  std::optional<DeletionGuard::Answer> MayRemove(std::stop_token stop, std::string& why);

  WorkQueue& queue_;
  DesiredState& desired_;
  ProfileTable& table_;
  Installer& installer_;
  ObjectSource& source_;
  compiler::Compiler& compiler_;
  node::StateDir& state_dir_;
  Health& health_;
  Metrics& metrics_;
  const Log& log_;
  const Clock& clock_;
  const ReconcilerOptions options_;

  mutable std::mutex mutex_;  // guards all below
  DeletionGuard guard_;
  std::map<std::string, int> tried_;
  // Equal content is compiled once: the last few answers, newest first, by digest of the spec
  // alone.
  std::list<std::pair<std::string, compiler::CompileAnswer>> recent_;
};

// Joins findings of at least `least` into one line of at most 256 bytes for the report.
std::string Summarize(const std::vector<profile::Diagnostic>& findings, profile::Severity least);
// Valid UTF-8 without control characters, cut at a character's boundary.
std::string CleanMessage(std::string_view text, std::size_t max_bytes = 256);

}  // namespace seccompd::agent
