// SPDX-License-Identifier: Apache-2.0
#pragma once
// The settings of `seccompd agent`: one table gives each its flag, its variable (SECCOMPD_...), its
// key in the --config file and its meaning. A flag beats the variable, the variable beats the file.
// Not thread-safe.

#include <map>
#include <string>
#include <vector>

#include "seccompd/agent/config.h"
#include "seccompd/base/result.h"

namespace CLI {
class App;
}

namespace seccompd::agent {

using Environment = std::map<std::string, std::string>;

class AgentFlags {
 public:
  // Declares the flags on a command of CLI11's. `app` outlives this object.
  void Declare(CLI::App& app);
  // After the command line was parsed: everything put together and checked. kInvalid: the message
  // names the setting, its value and what is allowed.
  Result<AgentConfig> Resolve(const Environment& environment) const;

  struct Row {
    std::string name, variable, help;
  };
  // For the README's table and its test.
  static std::vector<Row> Table();

 private:
  CLI::App* app_ = nullptr;
  std::string config_file_;
  std::map<std::string, std::string> given_;
};

// "1h30m", "10m", "1.5s", "200ms", as Go writes them. kInvalid otherwise.
Result<std::chrono::milliseconds> ParseDuration(const std::string& text);

}  // namespace seccompd::agent
