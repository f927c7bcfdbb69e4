// SPDX-License-Identifier: Apache-2.0
#pragma once
// The agent's metrics in the Prometheus text format. No label takes a value from an API object.
// Thread-safe.

#include <chrono>
#include <cstddef>
#include <map>
#include <memory>
#include <string>
#include <string_view>

namespace seccompd::agent {

// Read when somebody scrapes.
struct Gauges {
  std::map<std::string, std::size_t> profiles;  // by state
  std::size_t queue_depth = 0;
  std::size_t foreign_files = 0;
  double watch_age_seconds = 0;
  double last_full_sync = 0;  // Unix time; 0: never
  bool ready = false;
  bool removal_held = false;
};

class Metrics {
 public:
  Metrics(const std::string& version, const std::string& libseccomp);
  ~Metrics();

  void ApiRequest(std::string_view verb, int code);
  void Relist();
  void Compiled(std::chrono::duration<double> took);
  // From noticing the change to a durable file.
  void Installed(std::chrono::duration<double> took);
  void InstallFailed();
  // A compilation that ended without an answer. of_input: a verdict; else it is tried again.
  void CompileFailed(bool of_input);
  void RecordSaveFailed();
  void WatchFailed();
  void Reported(bool good);
  void Refused();
  void Removed();
  void Drift(std::string_view kind);

  std::string Text(const Gauges& gauges);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace seccompd::agent
