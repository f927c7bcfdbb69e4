#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Builds the fuzz targets (preset fuzz) and runs each for a while, two at a time. One line a target; where one fails,
# the input that does it stays in build/fuzz/artifacts, and its path and the end of its log are shown.
#
#   tests/fuzz/run.sh [SECONDS [TARGET...]]     default: 60 seconds, all targets
#
# What was found to reach new code is kept in build/fuzz/corpus and used by the next run. An input that once failed
# belongs, after the fix, into tests/testdata/fuzz/TARGET, which every run tries first.
set -uo pipefail
cd "$(dirname "$0")/../.."
seconds=${1:-60}
shift $(($# > 0))
targets=("$@")
[ ${#targets[@]} -gt 0 ] || targets=(spec resolve canonical json protocol yaml envelope)
[[ $seconds =~ ^[0-9]+$ ]] || { sed -n '3,10s/^# \{0,1\}//p' "$0" >&2; exit 2; }
if ! command -v clang++-14 >/dev/null; then
  printf '\n*** SKIPPED: fuzz: clang++-14 is not there: run deploy/install-deps.sh test ***\n\n'
  [ "${CI:-}" = true ] && { echo "0 passed, 1 failed"; exit 1; }
  echo "0 passed, 0 failed (skipped)"
  exit 0
fi
mkdir -p build/fuzz/artifacts build/fuzz/logs
cmake --workflow --preset fuzz >build/fuzz/logs/build.log 2>&1 || { tail -n 40 build/fuzz/logs/build.log; exit 1; }

run_target() { # run_target SECONDS TARGET
  local longest=4096 target=$2 log=build/fuzz/logs/$2.log corpus=build/fuzz/corpus/$2 options=() seeds=(tests/testdata/fuzz/$2)
  mkdir -p "$corpus"
  case $target in
    spec) seeds+=(tests/testdata/profiles) ;;
    canonical) seeds+=(tests/testdata/golden) ;;
    # yaml-cpp takes up to 3 ms for a KB; the corpus grew to the limit, and 14 texts a second were left.
    yaml) longest=1024 ;;
  esac
  [ -e "tests/fuzz/$target.dict" ] && options+=("-dict=tests/fuzz/$target.dict")
  build/fuzz/tests/fuzz/fuzz_"$target" -max_total_time="$1" ${CI:+-seed=1} -timeout=20 -rss_limit_mb=1024 -max_len="$longest" \
    -use_value_profile=1 -print_final_stats=1 -artifact_prefix="build/fuzz/artifacts/$target-" "${options[@]}" \
    "$corpus" "${seeds[@]}" >"$log" 2>&1
  local status=$? runs edges
  runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")
  edges=$(grep -oE 'cov: [0-9]+' "$log" | tail -n 1)
  if [ $status = 0 ]; then
    echo "ok: $target: ${runs:-0} executions, ${edges:-no coverage}, $(find "$corpus" -type f | wc -l) inputs kept"
    return 0
  fi
  echo "FAIL: $target: $(grep -oE 'Test unit written to .*' "$log" || echo "no reproducer; status $status"); the end of $log:"
  tail -n 30 "$log" | sed 's/^/    /'
  return 1
}
export -f run_target

results=$(printf '%s\n' "${targets[@]}" | xargs -P 2 -I{} bash -c 'run_target "$@"' _ "$seconds" {})
printf '%s\n' "$results"
failed=$(grep -c '^FAIL: ' <<<"$results")
echo "$(grep -c '^ok: ' <<<"$results") passed, $failed failed"
[ "$failed" = 0 ]
