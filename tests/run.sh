#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Installs what is missing, builds, and runs every test. One line a step; the last line says how it went.
#
#   tests/run.sh [STEP...]     the named steps, or all but tsan: format dev layers tidy asan tsan fuzz
#                              differential deploy builtins realapi soak e2e
#
# Logs of failed steps are shown; those of all are under build/test-logs. With CI=true nothing may be skipped.
set -uo pipefail
cd "$(dirname "$0")/.."
logs=$PWD/build/test-logs
mkdir -p "$logs"
export CCACHE_BASEDIR=$PWD CCACHE_NOHASHDIR=1 CMAKE_BUILD_PARALLEL_LEVEL=${CMAKE_BUILD_PARALLEL_LEVEL:-$(nproc)}
export SECCOMPD_BUILD=$PWD/build/dev
passed=0 failed=0 failures=()
wanted=("$@")

say() { printf '%s\n' "$*"; }

is_wanted() {
  [ ${#wanted[@]} -gt 0 ] || { [ "$1" != tsan ]; return; }
  local step
  for step in "${wanted[@]}"; do [ "$step" = "$1" ] && return 0; done
  return 1
}

# step NAME WHAT COMMAND...
step() {
  local name=$1 what=$2 begin=$SECONDS
  shift 2
  is_wanted "$name" || return 0
  say "==> $what"
  if "$@" >"$logs/$name.log" 2>&1; then
    passed=$((passed + 1))
    # What a step skipped is said here too.
    grep -h '^\*\*\* SKIPPED' "$logs/$name.log" || true
    say "    ok ($((SECONDS - begin)) s) $(grep -hE '^[0-9]+ passed, |tests passed' "$logs/$name.log" | tail -n 1)"
  else
    failed=$((failed + 1))
    failures+=("$name")
    say "    FAILED after $((SECONDS - begin)) s; the end of $logs/$name.log:"
    grep -E '^FAIL|\*\*\*Failed|\[  FAILED|error:' "$logs/$name.log" | head -n 30 | sed 's/^/    /'
    tail -n 60 "$logs/$name.log" | sed 's/^/    /'
    [ "$name" != dev ] || finish # nothing after this can run
  fi
}

finish() {
  [ ${#failures[@]} = 0 ] || say "failed: ${failures[*]}"
  say "$passed passed, $failed failed"
  [ "$failed" = 0 ]
  exit
}

sources() { git ls-files -z -- 'include/*.h' 'src/*.h' 'src/*.cc' 'tests/*.h' 'tests/*.cc'; }

format() {
  sources | xargs -0 clang-format-14 --dry-run -Werror
}

realapi_tests() {
  local test
  for test in tests/realapi/*_test.sh; do
    say "--- $test"
    bash "$test" || return 1
  done
}

say "==> Installing what is missing"
bash deploy/install-deps.sh build test 2>&1 | sed 's/^/    /' || { say "0 passed, 1 failed"; exit 1; }
step format "Source format (clang-format 14)" format
step dev "Build and unit tests, integration against a fake API server (dev)" cmake --workflow --preset dev
step layers "Layers and linked libraries" bash tests/layers_test.sh
step tidy "clang-tidy 14" tests/tidy.py
step asan "The same tests under AddressSanitizer and UBSan" cmake --workflow --preset asan
step tsan "The same tests under ThreadSanitizer" cmake --workflow --preset tsan
step fuzz "Fuzz targets, 45 s each (clang 14)" bash tests/fuzz/run.sh 45
step differential "Judgements against the real runc and crun" tests/differential/run.py
step deploy "Chart, manifests, root file system" bash tests/deploy/run.sh
step builtins "nginx and PostgreSQL under the shipped profiles" bash tests/builtins/run.sh
step realapi "Against a real kube-apiserver and etcd" realapi_tests
# Shorter than the 30 minutes that CONTRIBUTING.md tells of, and harder: more deaths a minute.
soak() { tests/soak/run.py --build build/dev --minutes 1 --restart-every 20 --kill-every 8; }
step soak "Soak: everything at once for a minute, then everything agrees" soak
step e2e "End to end on a real node: helm install, kubectl apply, pods" bash tests/e2e/run.sh
finish
