// SPDX-License-Identifier: Apache-2.0
#pragma once
// The real executable, started as a process, its log read line by line. What it needs on disk is in
// a directory of its own, which goes with the object.

#include <condition_variable>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "seccompd/base/unique_fd.h"

namespace seccompd::integration {

// A temporary directory with seccomp/ (an empty root), manifests/ and the path of a state
// directory.
class Workspace {
 public:
  Workspace();
  ~Workspace();
  const std::string& path() const { return path_; }
  std::string seccomp_root() const { return path_ + "/seccomp"; }
  std::string state_dir() const { return path_ + "/state"; }
  std::string manifests() const { return path_ + "/manifests"; }
  std::string profile(const std::string& key) const {
    return seccomp_root() + "/tenants/" + key + ".json";
  }
  // Puts a file into place at once, as an editor or a mounted ConfigMap would.
  void WriteFile(const std::string& name, const std::string& text) const;

 private:
  std::string path_;
};

// kNone: uid 0 without any capability, as the chart's pod has it (any other uid has none anyway).
enum class Privileges { kInherited, kNone };

class AgentProcess {
 public:
  // `seccompd agent <args>`; environment beside a bare PATH. In the whole sandbox, unless the
  // arguments say another --sandbox: a system call or file that was forgotten shows at once.
  explicit AgentProcess(const std::vector<std::string>& args,
                        const std::map<std::string, std::string>& environment = {},
                        Privileges privileges = Privileges::kInherited,
                        const std::string& executable = SECCOMPD_EXECUTABLE);
  ~AgentProcess();  // SIGKILL if it still runs

  // Waits, 30 s at most, until a line of the log holds `text`; the line, or "".
  std::string WaitForLine(const std::string& text, int count = 1);
  std::string log() const;
  int pid() const { return pid_; }
  void Signal(int signal) const;
  void Pause() const;  // all its threads stand still; Signal(SIGCONT) lets them go on
  // Whether it ends by itself within this time.
  bool EndsWithin(int milliseconds) const;
  // The exit code; 128 + signal; -1 when it does not end within `seconds`.
  int WaitForEnd(int seconds = 30);

 private:
  void Read();
  int pid_ = -1;
  UniqueFd stderr_;
  UniqueFd pidfd_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::string> lines_;
  bool ended_ = false;
  std::thread reader_;
};

// The body of GET http://<address><target>, "" on failure; address "127.0.0.1:123" or the path of a
// Unix socket.
struct HttpAnswer {
  int status = 0;
  std::string body;
};
HttpAnswer HttpGet(const std::string& address, const std::string& target);
// Waits on a directory's changes until `is_so`, 30 s at most.
bool WaitForFile(const std::string& path,
                 const std::function<bool(const std::string& text)>& is_so);
std::string ReadAll(const std::string& path);

}  // namespace seccompd::integration
