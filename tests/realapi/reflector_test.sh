#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The client and the reflector against a real kube-apiserver and etcd: realapi_test, with a server to talk to.
set -uo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"
build=${SECCOMPD_BUILD:-$repo/build/dev}
test=$build/tests/realapi/realapi_test
[ -x "$test" ] || skip "no $test: build first (cmake --workflow --preset dev)"
need_cluster

work=$(mktemp -d)
end() {
  cluster_down >/dev/null 2>&1
  rm -rf "$work"
}
trap end EXIT
cluster_up api || { fail "the API server starts"; finish; }
kubectl config view --raw -o json >"$work/kubeconfig.json"
check "client and reflector against the real API server" env SECCOMPD_REALAPI_KUBECONFIG="$work/kubeconfig.json" "$test"
finish
