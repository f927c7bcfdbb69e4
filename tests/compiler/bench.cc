// SPDX-License-Identifier: Apache-2.0
// compiler_bench SPEC_FILE [ROUNDS [EXECUTABLE]]: request -> answer through the zygote, one after
// the other, and each after a pause, as events come; what of it is the process's; good ones among
// hostile ones; and the memory of the zygote and its waiting child.
#include <poll.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string>
#include <thread>
#include <vector>

#include "seccompd/compiler/zygote.h"

namespace {

using seccompd::compiler::CompileRequest;
using seccompd::compiler::Zygote;
using SteadyClock = std::chrono::steady_clock;

constexpr std::size_t kGoodOnes = 500;
constexpr int kWorkers = 4;

double MillisSince(SteadyClock::time_point begin) {
  return std::chrono::duration<double, std::milli>(SteadyClock::now() - begin).count();
}

constexpr char kCeiling[] = "builtin/runtime-default-v1";

seccompd::profile::NodeContext Node() { return {"SCMP_ARCH_X86_64", "6.1.0", {}, "both"}; }

// As the agent asks on a profile's way to the disk.
double CompileMillis(Zygote& zygote, const std::string& spec, const char* ceiling = "none") {
  const auto begin = SteadyClock::now();
  if (!zygote.Compile(CompileRequest{spec, Node(), {}, ceiling, false}).ok()) std::abort();
  return MillisSince(begin);
}

// The same by a child that has answered for the namespace before, mostly.
double CompileForMillis(Zygote& zygote, const std::string& spec) {
  const auto begin = SteadyClock::now();
  if (!zygote.CompileFor("team", CompileRequest{spec, Node(), {}, kCeiling, false}).ok()) {
    std::abort();
  }
  return MillisSince(begin);
}

// The same for as many as share a request; what each of them takes.
double TogetherMillis(Zygote& zygote, const std::string& spec) {
  const std::vector<std::string> specs(seccompd::compiler::kMaxTogether, spec);
  const auto begin = SteadyClock::now();
  if (!zygote.CompileTogether("team", CompileRequest{"", Node(), {}, kCeiling, false}, specs)
           .ok()) {
    std::abort();
  }
  return MillisSince(begin) / static_cast<double>(specs.size());
}

double Print(const char* what, std::vector<double> millis) {
  std::sort(millis.begin(), millis.end());
  std::printf("%-38s p50 %7.3f ms  p99 %7.3f ms  max %7.3f ms\n", what, millis[millis.size() / 2],
              millis[millis.size() * 99 / 100], millis.back());
  return millis[millis.size() / 2];
}

void Measure(Zygote& zygote, const char* what, const std::string& spec, std::size_t rounds,
             int pause_millis, const char* ceiling = "none") {
  std::vector<double> millis;
  for (std::size_t i = 0; i < rounds; ++i) {
    if (pause_millis > 0) ::poll(nullptr, 0, pause_millis);
    millis.push_back(CompileMillis(zygote, spec, ceiling));
  }
  Print(what, std::move(millis));
}

// The agent's workers share the good ones; each hostile one comes again as soon as it is judged, on
// a thread of its own. The good ones' median.
double MeasureAmong(Zygote& zygote, const char* what, const std::string& good,
                    const std::vector<std::string>& hostile) {
  std::atomic<bool> is_over{false};
  std::vector<std::jthread> threads;
  for (const std::string& spec : hostile) {
    threads.emplace_back([&zygote, &is_over, spec] {
      while (!is_over) static_cast<void>(zygote.Compile({spec, Node(), {}, "none"}).ok());
    });
  }
  const auto begin = SteadyClock::now();
  std::vector<double> millis(kGoodOnes);
  std::atomic<std::size_t> next{0};
  {
    std::vector<std::jthread> workers;
    for (int i = 0; i < kWorkers; ++i) {
      workers.emplace_back([&] {
        for (std::size_t at = next++; at < kGoodOnes; at = next++) {
          millis[at] = CompileMillis(zygote, good);
        }
      });
    }
  }
  const double all = MillisSince(begin);
  is_over = true;
  threads.clear();
  const double median = Print(what, std::move(millis));
  std::printf("%-38s %.1f ms\n", "  all 500", all);
  return median;
}

// The process's own numbers, from its smaps_rollup.
void PrintMemory(const std::string& pid) {
  std::ifstream memory("/proc/" + pid + "/smaps_rollup");
  for (std::string line; std::getline(memory, line);) {
    if (line.starts_with("Rss") || line.starts_with("Pss:")) std::printf("  %s\n", line.c_str());
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) return 2;
  std::ifstream in(argv[1]);
  const std::string spec(std::istreambuf_iterator<char>(in), {});
  const std::size_t rounds = argc > 2 ? std::strtoul(argv[2], nullptr, 10) : 500;
  const auto begin = SteadyClock::now();
  auto zygote = Zygote::Start(
      {.executable = argc > 3 ? argv[3] : SECCOMPD_COMPILE, .node = Node(), .ceiling = kCeiling});
  std::printf("%-38s %.1f ms\n", "start", MillisSince(begin));
  auto testing = Zygote::Start({.executable = SECCOMPD_COMPILE_TESTING});
  if (!zygote.ok() || !testing.ok() || rounds == 0) return 3;
  std::string three = spec;
  const std::string one = "\"SCMP_ARCH_X86_64\"";
  const std::size_t at = three.find(one);
  if (at != std::string::npos) three.insert(at, "\"SCMP_ARCH_X86\",\"SCMP_ARCH_X32\",");
  const std::string pid = std::to_string((*zygote)->pid());
  std::printf("idle memory of the zygote and its waiting child:\n");
  PrintMemory(pid);
  std::ifstream children("/proc/" + pid + "/task/" + pid + "/children");
  for (std::string child; children >> child;) PrintMemory(child);
  Measure(**zygote, "nothing to do (\"{}\")", "{}", rounds, 0);
  Measure(**zygote, "nothing to do, after a pause", "{}", rounds, 5);
  Measure(**zygote, "x86_64", spec, rounds, 0);
  Measure(**zygote, "x86_64, after a pause", spec, rounds, 5);
  Measure(**zygote, "x86_64, under a ceiling", spec, rounds, 0, kCeiling);
  std::vector<double> shared;
  for (std::size_t i = 0; i < rounds; ++i) shared.push_back(CompileForMillis(**zygote, spec));
  Print("  the same, for one namespace", std::move(shared));
  std::vector<double> together;
  for (std::size_t i = 0; i < rounds; ++i) together.push_back(TogetherMillis(**zygote, spec));
  Print("  the same, each of sixteen together", std::move(together));
  const std::size_t fewer = std::max<std::size_t>(rounds / 10, 1);
  Measure(**zygote, "x86_64 + x86 + x32", three, fewer, 0);
  Measure(**zygote, "x86_64 + x86 + x32, under a ceiling", three, fewer, 0, kCeiling);
  const double alone = MeasureAmong(**testing, "500 good, 4 workers", spec, {});
  const double among = MeasureAmong(**testing, "500 good among hang, eat, crash", spec,
                                    {"test:hang", "test:eat", "test:crash"});
  std::printf("%-38s %.3f ms (goal: less than 50)\n", "  what these cost the median",
              among - alone);
  return 0;
}
