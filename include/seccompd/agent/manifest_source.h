// SPDX-License-Identifier: Apache-2.0
#pragma once
// Standalone: profiles from a directory of YAML and JSON manifests, watched with inotify, in place
// of an API server. Files are read whole (256 KiB at most) and parsed in a compiler child. A file
// that cannot be read or parsed keeps what it last gave; of two manifests with one name the one in
// the first file counts. Scan() before Run(), which blocks its own thread; else thread-safe.

#include <map>
#include <memory>
#include <mutex>
#include <stop_token>
#include <string>
#include <vector>

#include "seccompd/agent/desired_state.h"
#include "seccompd/agent/log.h"
#include "seccompd/agent/object_source.h"
#include "seccompd/agent/profile_table.h"
#include "seccompd/compiler/compiler.h"
#include "seccompd/node/directory_watch.h"

namespace seccompd::agent {

struct ManifestSourceOptions {
  std::string directory;
  std::string context;  // as DesiredState's: to tell a changed spec from the recorded one
  std::chrono::milliseconds rescan = std::chrono::minutes(10);
};

class ManifestSource final : public ObjectSource {
 public:
  ManifestSource(compiler::Compiler& compiler, kube::ObjectSink& sink, const ProfileTable& table,
                 const Log& log, ManifestSourceOptions options);

  void Run(std::stop_token stop);
  // Called on Run's thread when errors() changed. Set before Run.
  void OnErrors(std::function<void()> callback) { on_errors_ = std::move(callback); }
  // One pass over the directory.
  void Scan();
  // What is wrong with the directory and its files now, a sentence each.
  std::vector<std::string> errors() const;

  Result<void> Fetch(const std::string& name_space, const std::string& name,
                     const std::function<void(const kube::Object&)>& use,
                     std::stop_token stop) override;
  Result<SourceIdentity> Identify(std::stop_token stop) override;
  Result<Labels> NodeLabels(std::stop_token) override { return Labels{}; }

 private:
  struct Profile {
    std::string name_space, name, spec;
    std::int64_t generation = 0;
  };
  // `uid` backs the object's view.
  static kube::Object ObjectOf(const Profile& profile, const std::string& uid);
  struct Stamp {
    std::int64_t modified_ns = 0, size = -1;
    std::uint64_t inode = 0;
    bool operator==(const Stamp&) const = default;
  };
  struct File {
    Stamp stamp;
    bool known = false;  // it was read at least once: `profiles` is what it last gave
    std::vector<Profile> profiles;
    std::vector<std::string> errors;
  };
  bool ListFiles(std::map<std::string, Stamp>& files, std::vector<std::string>& errors) const;
  void ReadFile(const std::string& name, File& file);
  void TakeDocument(const std::string& name, compiler::Manifest document, File& file) const;
  void Deliver(std::vector<std::string> errors, bool complete);
  std::int64_t GenerationOf(const std::string& key, const std::string& spec,
                            std::int64_t before) const;

  compiler::Compiler& compiler_;
  kube::ObjectSink& sink_;
  const ProfileTable& table_;
  const Log& log_;
  const ManifestSourceOptions options_;
  std::map<std::string, File> files_;  // Run's thread only
  std::int64_t scans_ = 0;
  std::function<void()> on_errors_;

  mutable std::mutex mutex_;                // guards all below
  std::map<std::string, Profile> current_;  // by key
  std::vector<std::string> errors_;
  bool complete_ = false;
};

}  // namespace seccompd::agent
