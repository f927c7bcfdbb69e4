// SPDX-License-Identifier: Apache-2.0
#include "seccompd/agent/log.h"

#include <algorithm>

#include <nlohmann/json.hpp>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include "seccompd/base/clock.h"

namespace seccompd::agent {
namespace {

// A value as logfmt writes it: bare where it is plain, quoted otherwise.
std::string Quoted(const std::string& value) {
  const bool plain = !value.empty() && std::all_of(value.begin(), value.end(), [](unsigned char c) {
    return c > 0x20 && c < 0x7f && c != '"' && c != '=' && c != '\\';
  });
  if (plain) return value;
  return nlohmann::json(value).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

}  // namespace

Log Log::ToStderr(LogFormat format, const std::string& level) {
  auto logger = std::make_shared<spdlog::logger>("seccompd",
                                                 std::make_shared<spdlog::sinks::stderr_sink_mt>());
  logger->set_level(spdlog::level::from_str(level));
  logger->set_pattern("%v");
  logger->flush_on(spdlog::level::trace);
  return {std::move(logger), format};
}

Log::Log(std::shared_ptr<spdlog::logger> logger, LogFormat format)
    : logger_(std::move(logger)), format_(format) {}

std::string Log::Render(std::string_view level, std::string_view message, Fields fields) const {
  const std::string time = FormatRfc3339(RealClock().Now(), true);
  if (format_ == LogFormat::kJson) {
    nlohmann::ordered_json line{{"time", time}, {"level", level}, {"msg", message}};
    for (const auto& [key, value] : fields) line[std::string(key)] = value;
    return line.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  }
  std::string line = time + " " + std::string(level) + " " + std::string(message);
  for (const auto& [key, value] : fields) line += " " + std::string(key) + "=" + Quoted(value);
  return line;
}

void Log::Debug(std::string_view message, Fields fields) const {
  if (logger_->should_log(spdlog::level::debug)) logger_->debug(Render("debug", message, fields));
}

void Log::Info(std::string_view message, Fields fields) const {
  if (logger_->should_log(spdlog::level::info)) logger_->info(Render("info", message, fields));
}

void Log::Warn(std::string_view message, Fields fields) const {
  if (logger_->should_log(spdlog::level::warn)) logger_->warn(Render("warn", message, fields));
}

void Log::Error(std::string_view message, Fields fields) const {
  if (logger_->should_log(spdlog::level::err)) logger_->error(Render("error", message, fields));
}

}  // namespace seccompd::agent
