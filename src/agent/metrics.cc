// SPDX-License-Identifier: Apache-2.0
#include "seccompd/agent/metrics.h"

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

namespace seccompd::agent {
namespace {

using prometheus::BuildCounter;
using prometheus::BuildGauge;
using prometheus::BuildHistogram;
using prometheus::Counter;
using prometheus::Family;
using prometheus::Gauge;
using prometheus::Histogram;
using prometheus::Registry;

// Seconds.
Histogram::BucketBoundaries Buckets() {
  return {0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10};
}

}  // namespace

struct Metrics::Impl {
  Registry registry;
  Family<Gauge>& build_info =
      BuildGauge()
          .Name("seccompd_build_info")
          .Help("1, labelled with the version of seccompd and of the libseccomp that compiles.")
          .Register(registry);
  Family<Gauge>& profiles =
      BuildGauge().Name("seccompd_profiles").Help("Profiles by state.").Register(registry);
  Family<Counter>& requests =
      BuildCounter()
          .Name("seccompd_api_requests_total")
          .Help("Requests to the API server by verb and HTTP code (0: no answer).")
          .Register(registry);
  Family<Counter>& drift = BuildCounter()
                               .Name("seccompd_drift_total")
                               .Help("Files found otherwise than written, and repaired, by kind.")
                               .Register(registry);
  Counter& relists = BuildCounter()
                         .Name("seccompd_relists_total")
                         .Help("Full lists of the profiles.")
                         .Register(registry)
                         .Add({});
  Counter& refused = BuildCounter()
                         .Name("seccompd_refused_total")
                         .Help("Profiles judged and refused.")
                         .Register(registry)
                         .Add({});
  Counter& removed = BuildCounter()
                         .Name("seccompd_removed_total")
                         .Help("Files removed: the object was deleted or is not for this node.")
                         .Register(registry)
                         .Add({});
  Counter& failures = BuildCounter()
                          .Name("seccompd_install_failures_total")
                          .Help("Writes to the seccomp directory that failed (and are retried).")
                          .Register(registry)
                          .Add({});
  Histogram& compile = BuildHistogram()
                           .Name("seccompd_compile_duration_seconds")
                           .Help("Time to judge and compile one profile, in its child process.")
                           .Register(registry)
                           .Add({}, Buckets());
  Histogram& install = BuildHistogram()
                           .Name("seccompd_install_duration_seconds")
                           .Help("Time from noticing a change to a durable file.")
                           .Register(registry)
                           .Add({}, Buckets());
  Gauge& queue_depth = BuildGauge()
                           .Name("seccompd_queue_depth")
                           .Help("Profiles that are due or being worked on.")
                           .Register(registry)
                           .Add({});
  Gauge& foreign =
      BuildGauge()
          .Name("seccompd_foreign_files")
          .Help("Entries below tenants/ that no profile accounts for, at the last audit.")
          .Register(registry)
          .Add({});
  Gauge& watch_age = BuildGauge()
                         .Name("seccompd_watch_age_seconds")
                         .Help("Time since the API server was last heard (0 when standalone).")
                         .Register(registry)
                         .Add({});
  Gauge& last_sync =
      BuildGauge()
          .Name("seccompd_last_full_sync_timestamp_seconds")
          .Help("Unix time at which every known change was last on the disk; 0: never.")
          .Register(registry)
          .Add({});
  Gauge& ready = BuildGauge()
                     .Name("seccompd_ready")
                     .Help("1 when /readyz is good.")
                     .Register(registry)
                     .Add({});
  Gauge& held = BuildGauge()
                    .Name("seccompd_removal_held")
                    .Help("1 while the mass-deletion guard holds removals back.")
                    .Register(registry)
                    .Add({});
};

Metrics::Metrics(const std::string& version, const std::string& libseccomp)
    : impl_(std::make_unique<Impl>()) {
  impl_->build_info.Add({{"version", version}, {"libseccomp", libseccomp}}).Set(1);
}

Metrics::~Metrics() = default;

void Metrics::ApiRequest(std::string_view verb, int code) {
  impl_->requests.Add({{"verb", std::string(verb)}, {"code", std::to_string(code)}}).Increment();
}
void Metrics::Relist() { impl_->relists.Increment(); }
void Metrics::Compiled(std::chrono::duration<double> took) { impl_->compile.Observe(took.count()); }
void Metrics::Installed(std::chrono::duration<double> took) {
  impl_->install.Observe(took.count());
}
void Metrics::InstallFailed() { impl_->failures.Increment(); }
void Metrics::Refused() { impl_->refused.Increment(); }
void Metrics::Removed() { impl_->removed.Increment(); }
void Metrics::Drift(std::string_view kind) {
  impl_->drift.Add({{"kind", std::string(kind)}}).Increment();
}

std::string Metrics::Text(const Gauges& gauges) {
  for (const auto& [state, count] : gauges.profiles) {
    impl_->profiles.Add({{"state", state}}).Set(static_cast<double>(count));
  }
  impl_->queue_depth.Set(static_cast<double>(gauges.queue_depth));
  impl_->foreign.Set(static_cast<double>(gauges.foreign_files));
  impl_->watch_age.Set(gauges.watch_age_seconds);
  impl_->last_sync.Set(gauges.last_full_sync);
  impl_->ready.Set(gauges.ready ? 1 : 0);
  impl_->held.Set(gauges.removal_held ? 1 : 0);
  return prometheus::TextSerializer().Serialize(impl_->registry.Collect());
}

}  // namespace seccompd::agent
