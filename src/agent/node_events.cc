// SPDX-License-Identifier: Apache-2.0
#include "seccompd/agent/node_events.h"

#include <algorithm>
#include <array>
#include <cstdio>

#include <nlohmann/json.hpp>

#include "seccompd/agent/reconciler.h"

namespace seccompd::agent {
namespace {

using nlohmann::json;

constexpr char kEventsPath[] = "/api/v1/namespaces/default/events";

// Hexadecimal, as the kubelet names its events.
std::string Stamp(std::chrono::system_clock::time_point now) {
  std::array<char, 17> text{};
  (void)std::snprintf(text.data(), text.size(), "%llx",
                      static_cast<unsigned long long>(now.time_since_epoch().count()));
  return text.data();
}

std::string Message(const std::string& kind, std::uint64_t count, const std::string& last_entry) {
  const std::string number = std::to_string(count);
  if (kind == "foreign") {
    return "entries below tenants/ that no profile accounts for: " + number + ", one is " +
           last_entry;
  }
  if (kind == "root") {
    return "tenants/ was replaced or removed and filled anew, times: " + number;
  }
  if (kind == "contested") {
    return "somebody else keeps changing " + last_entry + "; find out who writes there";
  }
  return "profiles not as written and put right: " + number + " (" + kind + "), one is " +
         last_entry;
}

}  // namespace

void NodeEvents::Send(const std::string& node_uid,
                      const std::map<std::string, DriftLedger::Kind>& drift,
                      std::stop_token abort) {
  const Time now = clock_.SteadyNow();
  if (now < not_before_) return;
  for (const auto& [kind, found] : drift) {
    Sent& sent = sent_[kind];
    if (found.count == sent.count || (sent.at && now - *sent.at < kEvery)) continue;
    const Result<std::string> created = api_.Create(
        kEventsPath, Body(node_uid, kind, found.count - sent.count, found.last_entry), abort);
    if (created.ok()) {
      sent = {found.count, now};
      continue;
    }
    not_before_ = now + kRetry;
    if (!complained_ || now - *complained_ >= kEvery) {
      complained_ = now;
      log_.Warn("an Event about drift could not be sent; it is tried again",
                {{"error", created.error().message}});
    }
    return;
  }
}

std::string NodeEvents::Body(const std::string& node_uid, const std::string& kind,
                             std::uint64_t count, const std::string& last_entry) const {
  const std::string time = FormatRfc3339(clock_.Now());
  const json event{
      {"apiVersion", "v1"},
      {"kind", "Event"},
      {"metadata",
       {{"name", node_name_ + "." + kind + "." + Stamp(clock_.Now())}, {"namespace", "default"}}},
      {"involvedObject",
       {{"apiVersion", "v1"}, {"kind", "Node"}, {"name", node_name_}, {"uid", node_uid}}},
      {"reason", "SeccompDrift"},
      {"message", CleanMessage(Message(kind, count, last_entry))},
      {"type", "Warning"},
      {"source", {{"component", "seccompd-agent"}, {"host", node_name_}}},
      {"count", std::min<std::uint64_t>(count, 1'000'000'000)},
      {"firstTimestamp", time},
      {"lastTimestamp", time}};
  return event.dump();
}

}  // namespace seccompd::agent
