// SPDX-License-Identifier: Apache-2.0
#pragma once
// Structured log lines over spdlog: a constant message and key=value fields, as text or as JSON.
// Passed in, never global. Thread-safe. Values come from tenants at times: they are cleaned here.
// Never give it a token.

#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace spdlog {
class logger;
}

namespace seccompd::agent {

enum class LogFormat { kText, kJson };

class Log {
 public:
  using Field = std::pair<std::string_view, std::string>;
  using Fields = std::initializer_list<Field>;

  // To standard error. level: "debug", "info", "warn", "error".
  static Log ToStderr(LogFormat format, const std::string& level);
  Log(std::shared_ptr<spdlog::logger> logger, LogFormat format);

  void Debug(std::string_view message, Fields fields = {}) const;
  void Info(std::string_view message, Fields fields = {}) const;   // a state changed
  void Warn(std::string_view message, Fields fields = {}) const;   // will retry
  void Error(std::string_view message, Fields fields = {}) const;  // a person must act

 private:
  std::string Render(std::string_view level, std::string_view message, Fields fields) const;
  std::shared_ptr<spdlog::logger> logger_;  // shared: spdlog's own idiom
  LogFormat format_;
};

}  // namespace seccompd::agent
