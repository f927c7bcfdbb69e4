// SPDX-License-Identifier: Apache-2.0
// compiler_bench SPEC_FILE [ROUNDS]: request -> answer through the zygote, and what of it is the
// fork's.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "seccompd/compiler/zygote.h"

namespace {

using seccompd::compiler::CompileRequest;
using seccompd::compiler::Zygote;

void Measure(Zygote& zygote, const char* what, const std::string& spec, std::size_t rounds) {
  std::vector<double> millis;
  for (std::size_t i = 0; i < rounds; ++i) {
    const auto begin = std::chrono::steady_clock::now();
    const auto answer =
        zygote.Compile(CompileRequest{spec, {"SCMP_ARCH_X86_64", "", {}, "both"}, {}, "none"});
    const auto end = std::chrono::steady_clock::now();
    if (!answer.ok()) std::abort();
    millis.push_back(std::chrono::duration<double, std::milli>(end - begin).count());
  }
  std::sort(millis.begin(), millis.end());
  std::printf("%-28s p50 %7.3f ms  p99 %7.3f ms\n", what, millis[rounds / 2],
              millis[rounds * 99 / 100]);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) return 2;
  std::ifstream in(argv[1]);
  const std::string spec(std::istreambuf_iterator<char>(in), {});
  const std::size_t rounds = argc > 2 ? std::strtoul(argv[2], nullptr, 10) : 500;
  auto zygote = Zygote::Start({SECCOMPD_COMPILE});
  if (!zygote.ok() || rounds == 0) return 3;
  std::string three = spec;
  const std::string one = "\"SCMP_ARCH_X86_64\"";
  const std::size_t at = three.find(one);
  if (at != std::string::npos) three.insert(at, "\"SCMP_ARCH_X86\",\"SCMP_ARCH_X32\",");
  Measure(**zygote, "fork and answer (\"{}\")", "{}", rounds);
  Measure(**zygote, "x86_64", spec, rounds);
  Measure(**zygote, "x86_64 + x86 + x32", three, std::max<std::size_t>(rounds / 10, 1));
  const std::string rollup = "/proc/" + std::to_string((*zygote)->pid()) + "/smaps_rollup";
  std::ifstream memory(rollup);
  std::printf("zygote's memory:\n");
  for (std::string line; std::getline(memory, line);) {
    if (line.starts_with("Rss") || line.starts_with("Pss:") || line.starts_with("Private")) {
      std::printf("  %s\n", line.c_str());
    }
  }
  return 0;
}
