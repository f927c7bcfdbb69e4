// SPDX-License-Identifier: Apache-2.0
#include "seccompd/agent/reporter.h"

#include <algorithm>
#include <random>
#include <utility>

#include <nlohmann/json.hpp>

namespace seccompd::agent {
namespace {

using nlohmann::json;

constexpr std::string_view kFieldManager = "seccompd-agent";
constexpr std::string_view kStates = "/apis/seccompd.io/v1alpha1/nodeseccompstates/";
constexpr int kLeaseSeconds = 900;  // three renewals may be missed

// A string below `path`, or "".
std::string TextAt(const json& object, const char* path) {
  const json::json_pointer pointer{std::string(path)};
  return object.contains(pointer) && object.at(pointer).is_string()
             ? object.at(pointer).get<std::string>()
             : "";
}

}  // namespace

Reporter::Reporter(kube::ApiClient& api, ProfileTable& table, ObjectSource& source,
                   std::function<StatusInput()> snapshot, Health& health, const Log& log,
                   const Clock& clock, ReporterOptions options)
    : api_(api),
      table_(table),
      source_(source),
      snapshot_(std::move(snapshot)),
      health_(health),
      log_(log),
      clock_(clock),
      options_(std::move(options)),
      events_(api, log, clock, options_.node_name),
      pace_(clock_.SteadyNow(), options_.pace, std::random_device{}()) {
  pace_.News(clock_.SteadyNow());
  next_lease_ = pace_.next();  // the first attempt is spread as a whole
}

void Reporter::Notify() {
  const std::lock_guard lock(mutex_);
  dirty_ = true;
  wake_.notify_one();
}

void Reporter::SourceCameBack() {
  const std::lock_guard lock(mutex_);
  came_back_ = true;
  wake_.notify_one();
}

// Under mutex_. Spread, because the server came back for all nodes at once.
void Reporter::TakeComeback() {
  if (!std::exchange(came_back_, false) || !identified_) return;
  const Time now = clock_.SteadyNow();
  next_lease_ = std::min(next_lease_, now + pace_.Random(options_.pace.spread));
  pace_.ServerCameBack(now);
}

// Under mutex_.
Reporter::Time Reporter::NextAttempt() {
  TakeComeback();
  if (dirty_) pace_.News(clock_.SteadyNow());
  const Time lease = std::max(next_lease_, pace_.retry());
  return dirty_ ? std::min(pace_.next(), lease) : lease;
}

void Reporter::Run(std::stop_token stop, std::stop_token abort) {
  Heartbeat& heartbeat = health_.AddLoop("reporter");
  while (!stop.stop_requested()) {
    bool reports = false;
    {
      std::unique_lock lock(mutex_);
      heartbeat.Idle();
      for (Time at = NextAttempt(); !stop.stop_requested() && clock_.SteadyNow() < at;
           at = NextAttempt()) {
        const bool was_dirty = dirty_;
        wake_.wait_for(lock, stop, at - clock_.SteadyNow(),
                       [&] { return dirty_ != was_dirty || came_back_; });
      }
      reports = clock_.SteadyNow() >= pace_.next();
      if (reports) {
        dirty_ = false;
        pace_.Taken();
      }
    }
    heartbeat.Busy();
    if (!stop.stop_requested()) Attempt(reports, abort);
  }
  // The last word: what changed since the last report, if the server can be reached in time.
  if (state_exists_ && !abort.stop_requested()) (void)Report(abort);
}

void Reporter::Attempt(bool reports, std::stop_token abort) {
  Result<void> done = Identify(abort);
  if (done.ok()) done = EnsureState(abort);
  if (done.ok() && reports) done = Report(abort);
  if (done.ok()) events_.Send(node_uid_, drift_, abort);
  if (done.ok() && clock_.SteadyNow() >= next_lease_) done = RenewLease(abort);
  if (!done.ok()) {
    if (on_outcome_) on_outcome_(false);
    Failed("report", done.error());
    pace_.Failed(clock_.SteadyNow());
    const std::lock_guard lock(mutex_);
    dirty_ = true;
    return;
  }
  if (!last_trouble_.empty()) log_.Info("reporting works again");
  last_trouble_.clear();
  pace_.Succeeded();
}

void Reporter::Failed(std::string_view what, const Error& error) {
  if (error.message == last_trouble_) return;
  last_trouble_ = error.message;
  const Log::Fields fields{{"what", std::string(what)}, {"error", error.message}};
  if (error.code == ErrorCode::kDenied) {
    log_.Error("the state of this node is not reported; files are served all the same", fields);
  } else {
    log_.Warn("the state of this node is not reported; files are served all the same", fields);
  }
}

// Once: which cluster, and which CRD, the files on this node come from.
Result<void> Reporter::Identify(std::stop_token abort) {
  if (identified_) return {};
  const Result<SourceIdentity> now = source_.Identify(abort);
  if (!now.ok()) return now.error();
  const SourceIdentity recorded = table_.identity();
  if (recorded.cluster.empty()) {
    table_.SetIdentity(*now);
  } else if (recorded.cluster != now->cluster) {
    log_.Error(
        "this is another cluster than the files on this node came from; theirs are kept and never "
        "removed",
        {{"recorded", recorded.cluster}, {"now", now->cluster}});
  }
  identified_ = true;
  return {};
}

Result<void> Reporter::EnsureState(std::stop_token abort) {
  if (state_exists_) return {};
  const std::string name = kube::EscapePath(options_.node_name);
  Result<std::string> node = api_.Get("/api/v1/nodes/" + name, abort);
  if (!node.ok()) {
    return Wrap(node.error(),
                "node " + options_.node_name + " (is --node-name the name of this Node?)");
  }
  const json parsed = json::parse(*node, nullptr, false);
  node_uid_ = TextAt(parsed, "/metadata/uid");
  runtime_ = TextAt(parsed, "/status/nodeInfo/containerRuntimeVersion");
  const json owner{
      {"apiVersion", "v1"}, {"kind", "Node"}, {"name", options_.node_name}, {"uid", node_uid_}};
  const json body{
      {"apiVersion", "seccompd.io/v1alpha1"},
      {"kind", "NodeSeccompState"},
      {"metadata", {{"name", options_.node_name}, {"ownerReferences", json::array({owner})}}}};
  const Result<std::string> applied =
      api_.Apply(std::string(kStates) + name, body.dump(), std::string(kFieldManager), abort);
  if (!applied.ok()) return Wrap(applied.error(), "NodeSeccompState " + options_.node_name);
  state_exists_ = true;
  last_status_.clear();
  return {};
}

Result<void> Reporter::Report(std::stop_token abort) {
  StatusInput input = snapshot_();
  input.facts.runtime = runtime_;
  drift_ = input.drift;
  const std::string status = BuildStatus(input, table_, FormatRfc3339(clock_.Now()), transitions_);
  const std::string news = WithoutRiders(status);
  if (news == last_status_) return {};
  const std::string body =
      R"({"apiVersion":"seccompd.io/v1alpha1","kind":"NodeSeccompState","metadata":{"name":)" +
      json(options_.node_name).dump() + R"(},"status":)" + status + "}";
  const std::string path = std::string(kStates) + kube::EscapePath(options_.node_name) + "/status";
  const Result<std::string> applied = api_.Apply(path, body, std::string(kFieldManager), abort);
  if (!applied.ok()) {
    if (applied.error().code == ErrorCode::kNotFound)
      state_exists_ = false;  // look for the Node anew
    return Wrap(applied.error(), "status of NodeSeccompState " + options_.node_name);
  }
  last_status_ = news;
  pace_.Reported(clock_.SteadyNow());
  reported_ = true;
  if (on_outcome_) on_outcome_(true);
  return {};
}

Result<void> Reporter::RenewLease(std::stop_token abort) {
  const std::string known = known_version_ ? known_version_() : "";
  Result<std::string> answer = SendLease(false, abort);
  if (!answer.ok() && (answer.error().code == ErrorCode::kConflict ||
                       answer.error().code == ErrorCode::kNotFound)) {
    lease_version_.clear();
    answer = SendLease(answer.error().code == ErrorCode::kNotFound, abort);
  }
  if (!answer.ok())
    return Wrap(answer.error(), "Lease " + options_.lease_namespace + "/" + options_.node_name);
  lease_version_ = TextAt(json::parse(*answer, nullptr, false), "/metadata/resourceVersion");
  next_lease_ =
      clock_.SteadyNow() + options_.lease_every * 9 / 10 + pace_.Random(options_.lease_every / 5);
  if (on_version_ && !lease_version_.empty()) on_version_(lease_version_, known);
  return {};
}

Result<std::string> Reporter::SendLease(bool create, std::stop_token abort) {
  const std::string all = "/apis/coordination.k8s.io/v1/namespaces/" +
                          kube::EscapePath(options_.lease_namespace) + "/leases";
  const std::string mine = all + "/" + kube::EscapePath(options_.node_name);
  if (!create && lease_version_.empty()) {
    Result<std::string> there = api_.Get(mine, abort);
    if (!there.ok()) return there;
    lease_version_ = TextAt(json::parse(*there, nullptr, false), "/metadata/resourceVersion");
  }
  const std::string now = FormatRfc3339(clock_.Now(), true);
  if (lease_acquired_.empty()) lease_acquired_ = now;
  json lease{{"apiVersion", "coordination.k8s.io/v1"},
             {"kind", "Lease"},
             {"metadata", {{"name", options_.node_name}, {"namespace", options_.lease_namespace}}},
             {"spec",
              {{"holderIdentity", options_.node_name},
               {"leaseDurationSeconds", kLeaseSeconds},
               {"acquireTime", lease_acquired_},
               {"renewTime", now}}}};
  if (create) return api_.Create(all, lease.dump(), abort);
  lease["metadata"]["resourceVersion"] = lease_version_;
  return api_.Update(mine, lease.dump(), abort);
}

}  // namespace seccompd::agent
