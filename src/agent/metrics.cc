// SPDX-License-Identifier: Apache-2.0
#include "seccompd/agent/metrics.h"

#include <dirent.h>
#include <unistd.h>

#include <array>
#include <sstream>

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

#include "seccompd/node/directory_watch.h"
#include "seccompd/node/store.h"

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

// Those that tell an operator something; of the others the class. So no server makes more series
// than these.
std::string CodeText(int code) {
  constexpr std::array<int, 14> kTold = {0,   200, 201, 400, 401, 403, 404,
                                         409, 410, 422, 429, 500, 503, 504};
  for (const int told : kTold) {
    if (code == told) return std::to_string(code);
  }
  return code >= 100 && code < 600 ? std::to_string(code / 100) + "xx" : "other";
}

// Of this process, as Prometheus' own clients name and measure it.
struct ProcessFigures {
  double cpu_seconds = 0, start_time = 0, resident_bytes = 0, open_fds = 0;
};

double Seconds(const timespec& time) {
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) / 1e9;
}

std::size_t CountOpenFiles() {
  DIR* const directory = ::opendir("/proc/self/fd");
  if (directory == nullptr) return 0;
  std::size_t count = 0;
  while (const dirent* entry = ::readdir(directory)) {
    if (entry->d_name[0] != '.') ++count;
  }
  ::closedir(directory);
  return count > 0 ? count - 1 : 0;  // the descriptor that counts
}

ProcessFigures ReadProcess() {
  constexpr std::size_t kMost = 65536;
  constexpr int kFieldsToUtime = 11;  // from "state" on: proc(5), fields 3 to 13
  constexpr int kFieldsToStart = 6;   // from stime to starttime: fields 16 to 21
  ProcessFigures figures;
  const auto ticks = static_cast<double>(::sysconf(_SC_CLK_TCK));
  if (const auto stat = node::ReadSmallFile("/proc/self/stat", kMost); stat.ok()) {
    std::istringstream words(stat->substr(stat->rfind(')') + 1));  // the name may hold anything
    std::string skipped;
    double utime = 0;
    double stime = 0;
    double start = 0;
    for (int i = 0; i < kFieldsToUtime; ++i) words >> skipped;
    words >> utime >> stime;
    for (int i = 0; i < kFieldsToStart; ++i) words >> skipped;
    words >> start;
    figures.cpu_seconds = (utime + stime) / ticks;
    // Not from /proc/stat's btime, which the sandbox does not open.
    timespec since_boot{};
    timespec now{};
    if (::clock_gettime(CLOCK_BOOTTIME, &since_boot) == 0 &&
        ::clock_gettime(CLOCK_REALTIME, &now) == 0) {
      figures.start_time = Seconds(now) - (Seconds(since_boot) - start / ticks);
    }
  }
  if (const auto statm = node::ReadSmallFile("/proc/self/statm", kMost); statm.ok()) {
    std::istringstream words(*statm);
    double total = 0;
    double resident = 0;
    words >> total >> resident;
    figures.resident_bytes = resident * static_cast<double>(::sysconf(_SC_PAGESIZE));
  }
  figures.open_fds = static_cast<double>(CountOpenFiles());
  return figures;
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
  Counter& record_failures = BuildCounter()
                                 .Name("seccompd_record_save_failures_total")
                                 .Help("Times that the record could not be saved.")
                                 .Register(registry)
                                 .Add({});
  Counter& watch_failures =
      BuildCounter()
          .Name("seccompd_watch_failures_total")
          .Help("Times that the watch or a list broke off otherwise than in good order.")
          .Register(registry)
          .Add({});
  Counter& reports = BuildCounter()
                         .Name("seccompd_reports_total")
                         .Help("Reports written to NodeSeccompState.")
                         .Register(registry)
                         .Add({});
  Counter& report_failures = BuildCounter()
                                 .Name("seccompd_report_failures_total")
                                 .Help("Reports, or Lease renewals, that failed (and are retried).")
                                 .Register(registry)
                                 .Add({});
  Family<Counter>& compile_failures =
      BuildCounter()
          .Name("seccompd_compile_failures_total")
          .Help(
              "Compilations without an answer, by cause: input (it overran its CPU time or memory, "
              "or crashed: a verdict), environment (retried).")
          .Register(registry);
  Counter& process_cpu = BuildCounter()
                             .Name("process_cpu_seconds_total")
                             .Help("CPU time of the agent, without the compiler's processes.")
                             .Register(registry)
                             .Add({});
  Gauge& process_start = BuildGauge()
                             .Name("process_start_time_seconds")
                             .Help("Unix time at which the agent started.")
                             .Register(registry)
                             .Add({});
  Gauge& process_memory = BuildGauge()
                              .Name("process_resident_memory_bytes")
                              .Help("Resident memory of the agent.")
                              .Register(registry)
                              .Add({});
  Gauge& process_fds = BuildGauge()
                           .Name("process_open_fds")
                           .Help("Open file descriptors of the agent.")
                           .Register(registry)
                           .Add({});
  Histogram& compile = BuildHistogram()
                           .Name("seccompd_compile_duration_seconds")
                           .Help(
                               "Time to judge and compile one profile, in a child process; where "
                               "several shared one, an equal part.")
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
  // From the start, so that a rate knows the first one.
  for (const node::FileState kind :
       {node::FileState::kMissing, node::FileState::kContent, node::FileState::kMode,
        node::FileState::kOwner, node::FileState::kLinks, node::FileState::kType}) {
    impl_->drift.Add({{"kind", std::string(node::FileStateName(kind))}});
  }
  for (const char* cause : {"input", "environment"})
    impl_->compile_failures.Add({{"cause", cause}});
}

Metrics::~Metrics() = default;

void Metrics::ApiRequest(std::string_view verb, int code) {
  impl_->requests.Add({{"verb", std::string(verb)}, {"code", CodeText(code)}}).Increment();
}
void Metrics::Relist() { impl_->relists.Increment(); }
void Metrics::Compiled(std::chrono::duration<double> took) { impl_->compile.Observe(took.count()); }
void Metrics::Installed(std::chrono::duration<double> took) {
  impl_->install.Observe(took.count());
}
void Metrics::InstallFailed() { impl_->failures.Increment(); }
void Metrics::CompileFailed(bool of_input) {
  impl_->compile_failures.Add({{"cause", of_input ? "input" : "environment"}}).Increment();
}
void Metrics::RecordSaveFailed() { impl_->record_failures.Increment(); }
void Metrics::WatchFailed() { impl_->watch_failures.Increment(); }
void Metrics::Reported(bool good) { (good ? impl_->reports : impl_->report_failures).Increment(); }
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
  const ProcessFigures process = ReadProcess();
  // A counter that somebody else counts. Scrapes come one at a time, on the I/O thread.
  impl_->process_cpu.Increment(process.cpu_seconds - impl_->process_cpu.Value());
  // Once: it is computed from two clocks, and one that moved would look like a restart.
  if (impl_->process_start.Value() == 0) impl_->process_start.Set(process.start_time);
  impl_->process_memory.Set(process.resident_bytes);
  impl_->process_fds.Set(process.open_fds);
  return prometheus::TextSerializer().Serialize(impl_->registry.Collect());
}

}  // namespace seccompd::agent
