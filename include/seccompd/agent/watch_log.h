// SPDX-License-Identifier: Apache-2.0
#pragma once
// Tells people how the watch is doing: one line when it breaks (and when the reason changes), one
// when it works again. One call at a time, as the reflector makes them.

#include <functional>
#include <string>
#include <utility>

#include "seccompd/agent/log.h"
#include "seccompd/agent/metrics.h"
#include "seccompd/kube/reflector.h"

namespace seccompd::agent {

class WatchLog final : public kube::ReflectorObserver {
 public:
  // on_refused: a person must act before the source answers again.
  WatchLog(const Log& log, Metrics& metrics, std::function<void()> on_connected,
           std::function<void(const std::string&)> on_refused)
      : log_(log),
        metrics_(metrics),
        on_connected_(std::move(on_connected)),
        on_refused_(std::move(on_refused)) {}

  void Connected() override {
    on_connected_();
    if (connected_) return;
    connected_ = true;
    last_trouble_.clear();
    log_.Info("connected to the API server: profiles are watched");
  }

  void Trouble(const Error& error, std::chrono::milliseconds retry_in) override {
    connected_ = false;
    metrics_.WatchFailed();
    if (error.message == last_trouble_) return;
    last_trouble_ = error.message;
    const Log::Fields fields{{"error", error.message},
                             {"retry_ms", std::to_string(retry_in.count())}};
    if (error.code == ErrorCode::kDenied || error.code == ErrorCode::kNotFound) {
      log_.Error("profiles cannot be watched; files on this node stay as they are", fields);
      on_refused_(error.message);
    } else {
      log_.Warn("profiles cannot be watched; files on this node stay as they are", fields);
    }
  }

  void Relisting(std::string_view reason) override {
    metrics_.Relist();
    log_.Info("listing all profiles", {{"reason", std::string(reason)}});
  }

 private:
  const Log& log_;
  Metrics& metrics_;
  const std::function<void()> on_connected_;
  const std::function<void(const std::string&)> on_refused_;
  bool connected_ = false;
  std::string last_trouble_;
};

}  // namespace seccompd::agent
