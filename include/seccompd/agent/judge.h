// SPDX-License-Identifier: Apache-2.0
#pragma once
// Has one profile judged: gathers what the judgement rests on beside the spec (the bases that the
// compiler asks for, the node's labels), and knows when an earlier judgement still holds.
// Thread-safe; Ask() blocks.

#include <chrono>
#include <cstddef>
#include <list>
#include <map>
#include <mutex>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

#include "seccompd/agent/desired_state.h"
#include "seccompd/agent/installer.h"
#include "seccompd/agent/node_labels.h"
#include "seccompd/agent/object_source.h"
#include "seccompd/compiler/compiler.h"

namespace seccompd::agent {

struct JudgeOptions {
  profile::NodeContext node;  // without labels
  std::string ceiling = "none";
  std::string context;  // what besides uid and spec decides the file (see InputDigest)
};

// What came of one profile.
struct Judgement {
  Result<compiler::CompileAnswer> answer;  // never one that needs bases
  std::string reason;                      // of an error: "CompilerFailed", "FetchFailed", ...
  std::optional<Dependencies> dependencies;
  bool is_alone = true;  // by children that had read no other profile's text
};

// What a judgement may need of the node's labels.
struct LabelsNeed {
  NodeLabels::Time later_than;  // they must be of a moment after, if they matter
  bool is_expected = false;     // they mattered last time: they go along with the first request
};

class Judge {
 public:
  // Everything outlives it.
  Judge(DesiredState& desired, ObjectSource& source, compiler::Compiler& compiler,
        node::StateDir& state_dir, NodeLabels& labels, Metrics& metrics, const Log& log,
        const Clock& clock, JudgeOptions options);

  // Digests that were with a compiler when earlier agents died, with the number of starts at which
  // they were found. Before the first question.
  void Distrust(std::map<std::string, int> tried) { tried_ = std::move(tried); }
  // This agent ends by itself: what earlier ones died with is not counted further. Any thread.
  void ForgiveTried();

  // `work` has its spec. `first`: what AskTogether() found; it need not be asked again.
  Judgement Ask(const std::string& key, const Work& work, const LabelsNeed& labels,
                std::optional<compiler::CompileAnswer> first, std::stop_token stop);
  // Several profiles of one namespace, each with its spec, by one child: first answers, without
  // bases and labels, for Ask() to go on from. Nothing where there is none: whatever went wrong
  // with the child, Ask() finds out which of them it was.
  std::vector<std::optional<compiler::CompileAnswer>> AskTogether(
      const std::string& name_space, const std::vector<const Work*>& works);

  // Nothing changed that an entry's last verdict rests on.
  bool StillHolds(const std::string& key, const Work& work, const node::RecordEntry& entry) const;

 private:
  // A request as it grows, and what its parts were.
  struct Question {
    compiler::CompileRequest request;
    std::map<std::string, std::string> base_digests;  // by name; "": there is none
    bool has_labels = false;
  };
  Judgement AskCompiler(const std::string& key, const Work& work, const LabelsNeed& labels,
                        std::optional<compiler::CompileAnswer> first, std::stop_token stop);
  Result<compiler::TenantAnswer> Compile(const std::string& key, const Work& work,
                                         const compiler::CompileRequest& request);
  // With a child that has read others: it is no verification, and no agent died with it.
  bool MayShare(const Work& work);
  std::optional<std::size_t> MarkTried(std::span<const std::string> input_digests);
  Result<void> GatherBases(const std::string& key, const std::vector<std::string>& names,
                           Question& question, std::stop_token stop);
  Result<profile::BaseSpec> FetchBase(const std::string& key, const std::string& name,
                                      std::string& digest, std::stop_token stop);
  std::optional<compiler::CompileAnswer> Recent(const std::string& digest);
  void Remember(const std::string& digest, const compiler::CompileAnswer& answer);

  DesiredState& desired_;
  ObjectSource& source_;
  compiler::Compiler& compiler_;
  node::StateDir& state_dir_;
  NodeLabels& labels_;
  Metrics& metrics_;
  const Log& log_;
  const Clock& clock_;
  const JudgeOptions options_;

  std::mutex mutex_;  // guards all below
  std::map<std::string, int> tried_;
  // Equal content is compiled once: the last few answers that rest on nothing but their spec, from
  // children that read nothing else, newest first, by the spec's digest.
  std::list<std::pair<std::string, compiler::CompileAnswer>> recent_;
  // The bases read last, newest first: a changed base is fetched once, not once for each that
  // builds on it.
  struct ReadBase {
    std::string key, digest, spec;
  };
  std::list<ReadBase> bases_;
};

}  // namespace seccompd::agent
