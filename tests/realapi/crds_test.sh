#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The CRDs and the chart's objects before a real API server: accepted, explained, unknown fields kept, bad values
# refused, and the printer columns as a real Table answer has them.
#
# SECCOMPD_KUBE_CLUSTER: the script that starts it (default ../shared/kube/cluster). With KUBECONFIG_READY=true the
# API server that KUBECONFIG names is used as it is.
set -uo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
if [ "${KUBECONFIG_READY:-}" != true ]; then
  need_cluster
  trap 'cluster_down; rm -rf "$work"' EXIT
  cluster_up api || { fail "the API server started"; finish; }
fi
k() { kubectl "$@"; }

# Applied server-side, so that kubectl's own checks are not in the way.
profile() { # profile NAME SPEC-AS-FLOW-YAML
  printf 'apiVersion: seccompd.io/v1alpha1\nkind: TenantSeccompProfile\nmetadata: {name: "%s", namespace: default}\nspec: %s\n' "$1" "$2"
}
accepts() { # accepts WHAT NAME SPEC
  check "accepted: $1" k apply --server-side -f - <<<"$(profile "$2" "$3")"
}
refuses() { # refuses WHAT NAME SPEC REGEX-OF-THE-ANSWER
  local answer
  if answer=$(profile "$2" "$3" | k apply --server-side -f - 2>&1); then
    fail "refused: $1"
  else
    expect_match "refused: $1" "$4" "$answer"
  fi
}
with_rule() { printf '{profile: {defaultAction: SCMP_ACT_ERRNO, syscalls: [%s]}}' "$1"; }
with_arg() { with_rule "{names: [socket], action: SCMP_ACT_ALLOW, args: [$1]}"; }

# api PATH [CURL-ARGUMENT...]: the API as the agent speaks it, with the kubeconfig's client certificate.
api() {
  local path=$1
  shift
  if [ ! -e "$work/key" ]; then
    k config view --raw --minify -o json >"$work/config"
    jq -r '.clusters[0].cluster["certificate-authority-data"]' "$work/config" | base64 -d >"$work/ca"
    jq -r '.users[0].user["client-certificate-data"]' "$work/config" | base64 -d >"$work/cert"
    (umask 077 && jq -r '.users[0].user["client-key-data"]' "$work/config" | base64 -d >"$work/key")
  fi
  curl -sS --cacert "$work/ca" --cert "$work/cert" --key "$work/key" "$@" \
    "$(jq -r '.clusters[0].cluster.server' "$work/config")$path"
}
# A real Table answer; * marks the columns that only -o wide shows.
table_of() { api "$1" -H 'Accept: application/json;as=Table;v=v1;g=meta.k8s.io'; }
column_names() { jq -r '[.columnDefinitions[] | (if .priority > 0 then "*" else "" end) + .name] | join(" ")'; }
cells() { jq -c '.rows[0].cells'; }

# The resource must be served before kubectl can know its short name.
wait_until() { # wait_until COMMAND...
  local deadline=$((SECONDS + 20))
  until "$@" >/dev/null 2>&1; do
    [ $SECONDS -lt $deadline ] || return 1
    sleep 0.2
  done
}

## Installing
check "deploy/crds.yaml is accepted" k apply -f "$repo/deploy/crds.yaml"
check "both CRDs become Established" k wait --for=condition=Established --timeout=20s \
  crd/tenantseccompprofiles.seccompd.io crd/nodeseccompstates.seccompd.io
for crd in tenantseccompprofiles nodeseccompstates; do
  expect "$crd: the schema is structural" "" "$(k get crd $crd.seccompd.io -o json |
    jq -r '.status.conditions[] | select(.type == "NonStructuralSchema") | .message')"
done
check "deploy/seccompd.yaml is accepted, by the client's way" k apply -f "$repo/deploy/seccompd.yaml"
check "and a second time by the server's" k apply --server-side --force-conflicts -f "$repo/deploy/seccompd.yaml"

## kubectl explain
wait_until k explain tsp.spec  # each CRD is published in a moment of its own
wait_until k explain nss.status
expect_match "kubectl explain tsp says what it is for" 'localhostProfile' "$(k explain tsp 2>&1)"
expect_match "kubectl explain tsp.spec.profile.syscalls shows text" 'names' "$(k explain tsp.spec.profile.syscalls 2>&1)"
expect_match "kubectl explain nss.status.profiles.state shows the states" 'Retained' \
  "$(k explain nss.status.profiles.state 2>&1)"

## What is kept
accepts "the smallest profile" smallest '{profile: {defaultAction: SCMP_ACT_ALLOW}}'
check "examples: namespaces" k apply -f "$repo/deploy/examples/cluster/namespaces.yaml"
for example in "$repo"/deploy/examples/*.yaml "$repo/deploy/examples/refused/typo.yaml"; do
  check "examples: $(basename "$example")" k apply -f "$example"
done
accepts "typing errors, at every level" typo '{unknownSycalls: Warn, profile: {defaultAction: SCMP_ACT_ERRNO, defaultErrnoret: 38,
  syscalls: [{names: [read], action: SCMP_ACT_ALLOW, errnoret: 1, args: [{index: 0, value: 1, op: SCMP_CMP_EQ, valuetwo: 2}]}]}}'
kept=$(k get tsp typo -o json | jq -c '.spec')
for field in unknownSycalls defaultErrnoret errnoret valuetwo; do
  expect_match "the unknown field $field is kept" "\"$field\":" "$kept"
done
accepts "values from 2^63 on as text" big "$(with_arg '{index: 0, value: "18446744073709551615", valueTwo: "0xFFFFFFFFFFFFFFFF", op: SCMP_CMP_MASKED_EQ}')"
expect "and they are kept to the digit" '["18446744073709551615","0xFFFFFFFFFFFFFFFF"]' \
  "$(k get tsp big -o json | jq -c '.spec.profile.syscalls[0].args[0] | [.value, .valueTwo]')"
accepts "the largest number below 2^63" large "$(with_arg '{index: 5, value: 9223372036854775807, op: SCMP_CMP_LE}')"
expect_match "and it is kept to the digit" '"value":9223372036854775807[,}]' \
  "$(k get --raw /apis/seccompd.io/v1alpha1/namespaces/default/tenantseccompprofiles/large)"
expect "nothing is added to what was applied" '{"profile":{"defaultAction":"SCMP_ACT_ALLOW"}}' \
  "$(k get tsp smallest -o json | jq -c '.spec')"
accepts "the fields of later versions, which the agent refuses" later '{bases: [builtin/runtime-default-v1, web], mode: Log, capabilities: [CAP_NET_ADMIN],
  nodeSelector: {matchLabels: {a: b}}, unknownSyscalls: Warn, onInvalid: Remove, immutable: true,
  profile: {defaultAction: SCMP_ACT_ERRNO, archMap: [{architecture: SCMP_ARCH_X86_64, subArchitectures: [SCMP_ARCH_X86]}], flags: [SECCOMP_FILTER_FLAG_LOG],
  syscalls: [{name: read, action: SCMP_ACT_ALLOW, comment: "", includes: {caps: [CAP_SYS_ADMIN], arches: [amd64], minKernel: "4.8"}, excludes: {}}]}}'
name63=$(printf 'n%.0s' $(seq 63))
accepts "a name of 63 characters" "$name63" '{profile: {defaultAction: SCMP_ACT_ALLOW}}'

## What is refused
fine='{profile: {defaultAction: SCMP_ACT_ALLOW}}'
refuses "a name of 64 characters" "${name63}n" "$fine" 'metadata.name.*63'
refuses "a name with a dot" a.b "$fine" 'metadata.name.*should match'
refuses "no spec.profile" none '{}' 'spec.profile.*Required'
refuses "no defaultAction" none '{profile: {}}' 'spec.profile.defaultAction.*Required'
refuses "an action that does not exist" x '{profile: {defaultAction: SCMP_ACT_DENY}}' 'spec.profile.defaultAction.*Unsupported value.*SCMP_ACT_DENY.*SCMP_ACT_KILL_PROCESS'
refuses "a rule's wrong action" x "$(with_rule '{names: [read], action: ALLOW}')" 'syscalls\[?0?\]?.action.*Unsupported value'
refuses "a wrong operator" x "$(with_arg '{index: 0, value: 1, op: EQ}')" 'op.*Unsupported value.*SCMP_CMP_MASKED_EQ'
refuses "SCMP_ARCH_NATIVE, which both runtimes refuse" x '{profile: {defaultAction: SCMP_ACT_ALLOW, architectures: [SCMP_ARCH_NATIVE]}}' 'architectures.*Unsupported value'
refuses "five architectures" x '{profile: {defaultAction: SCMP_ACT_ALLOW, architectures: [SCMP_ARCH_X86, SCMP_ARCH_X86_64, SCMP_ARCH_X32, SCMP_ARCH_ARM, SCMP_ARCH_AARCH64]}}' 'at most 4 items'
refuses "errnoRet 4095" x "$(with_rule '{names: [read], action: SCMP_ACT_ERRNO, errnoRet: 4095}')" 'errnoRet.*4094'
refuses "a negative defaultErrnoRet" x '{profile: {defaultAction: SCMP_ACT_ERRNO, defaultErrnoRet: -1}}' 'defaultErrnoRet.*greater than or equal to 0'
refuses "argument index 6" x "$(with_arg '{index: 6, value: 1, op: SCMP_CMP_EQ}')" 'index.*less than or equal to 5'
refuses "a value that is no number" x "$(with_arg '{index: 0, value: "AF_INET", op: SCMP_CMP_EQ}')" 'value.*should match'
refuses "a negative value" x "$(with_arg '{index: 0, value: -1, op: SCMP_CMP_EQ}')" 'value.*greater than or equal to 0'
refuses "a condition without its operator" x "$(with_arg '{index: 0, value: 1}')" 'op.*Required'
refuses "a syscall's name in capitals" x "$(with_rule '{names: [MKDIR], action: SCMP_ACT_ALLOW}')" 'names.*should match'
refuses "names that is no list" x "$(with_rule '{names: read, action: SCMP_ACT_ALLOW}')" 'names.*must be of type array'
refuses "a wrong mode" x '{mode: Audit, profile: {defaultAction: SCMP_ACT_ALLOW}}' 'mode.*Unsupported value.*Enforce'
rules=$(printf '{action: SCMP_ACT_ALLOW},%.0s' $(seq 513))
refuses "513 rules" x "{profile: {defaultAction: SCMP_ACT_ERRNO, syscalls: [${rules%,}]}}" 'at most 512 items'

## The node's report, by server-side apply and then /status, as the agent does it
report() { # report STATUS-AS-FLOW-YAML
  printf 'apiVersion: seccompd.io/v1alpha1\nkind: NodeSeccompState\nmetadata: {name: node-a.example}\nstatus: %s\n' "$1"
}
status='{agentVersion: 0.1.0, ruleSet: "1", facts: {architecture: amd64, kernelVersion: 6.1.0-18-amd64, seccompActions: [kill_process, errno, allow], runtime: "containerd://1.6.20"},
  factsDigest: aa, observedResourceVersion: "1234", desired: 3, installed: 2, invalid: 1, denied: 0, failed: 0, retained: 0, skipped: 0, intentDigest: bb, contentDigest: cc,
  conditions: [{type: Synced, status: "True", reason: UpToDate, message: "", lastTransitionTime: "2026-11-23T10:00:00Z"},
    {type: Healthy, status: "True", reason: AllWell, message: "", lastTransitionTime: "2026-11-23T10:00:00Z"}],
  lastDriftTime: "2026-11-23T10:00:00Z", driftKinds: [content], truncated: false,
  profiles: [{namespace: team-a, name: typo, uid: u, desiredGeneration: 2, installedGeneration: 1, state: Invalid, sha256: dd, instructions: 330,
    reason: UnknownSyscall, message: "did you mean mkdir", since: "2026-11-23T10:00:00Z"}]}'
nss=/apis/seccompd.io/v1alpha1/nodeseccompstates
apply_status() {
  local code
  code=$(report "$1" | api "$nss/node-a.example/status?fieldManager=seccompd-agent&force=true" -X PATCH \
    -H 'Content-Type: application/apply-patch+yaml' --data-binary @- -o "$work/answer" -w '%{http_code}')
  [ "$code" = 200 ] || { cat "$work/answer"; return 1; }
}
check "a node's report: metadata" k apply --server-side --field-manager=seccompd-agent -f - <<<"$(report '{}')"
check "a node's report: a full status" apply_status "$status"
expect "every field of the status is kept" "$("$python" -c 'import json, sys, yaml; print(json.dumps(yaml.safe_load(sys.stdin), sort_keys=True, separators=(",", ":"), default=lambda t: t.strftime("%Y-%m-%dT%H:%M:%SZ")))' <<<"$status")" \
  "$(k get nss node-a.example -o json | jq -cS .status)"
expect_match "a state that does not exist is refused" 'state.*Unsupported value' \
  "$(apply_status '{profiles: [{namespace: a, name: b, state: Lost}]}' 2>&1)"
expect_match "a message of 257 characters is refused" '256' \
  "$(apply_status "{profiles: [{namespace: a, name: b, state: Failed, message: $(printf 'x%.0s' $(seq 257))}]}" 2>&1)"

## What kubectl get shows
table=$(table_of $nss)
expect "columns of nss" "Name Synced Desired Installed Invalid Denied Failed Age *Agent *Arch *Kernel" "$(column_names <<<"$table")"
expect_match "a row of nss" '^\["node-a.example","True",3,2,1,0,0,"[^"]+","0.1.0","amd64","6.1.0-18-amd64"\]$' "$(cells <<<"$table")"
table=$(table_of '/apis/seccompd.io/v1alpha1/namespaces/team-a/tenantseccompprofiles')
expect "columns of tsp" "Name Default Age" "$(column_names <<<"$table")"
expect_match "a row of tsp" '^\["typo","SCMP_ACT_ALLOW","[^"]+"\]$' "$(cells <<<"$table")"
expect_match "the short names work" 'node-a.example' "$(k get nss -o name; k get tsp -n team-b -o name)"
expect_match "kubectl get seccompd -A shows profiles and nodes" 'tenantseccompprofile.seccompd.io/web' "$(k get seccompd -A 2>&1)"

## Rights, as the API server sees them
can() { k auth can-i "$@" --as=system:serviceaccount:seccompd-system:seccompd 2>/dev/null | head -1; }
expect "the agent may watch profiles" yes "$(can watch tenantseccompprofiles.seccompd.io -A)"
expect "the agent may patch its status" yes "$(can patch nodeseccompstates.seccompd.io --subresource=status)"
expect "the agent may not change a profile" no "$(can patch tenantseccompprofiles.seccompd.io -n team-a)"
expect "the agent may not read pods" no "$(can list pods -A)"
expect "the agent may not read secrets" no "$(can get secrets -n seccompd-system)"
expect "the agent may read its CRDs" yes "$(can get customresourcedefinitions/tenantseccompprofiles.seccompd.io)"
expect "the agent may not read other CRDs" no "$(can get customresourcedefinitions/other.example.org)"
expect "the agent may write Leases in its namespace only" "yes no" "$(can update leases.coordination.k8s.io -n seccompd-system) $(can update leases.coordination.k8s.io -n kube-node-lease)"
expect "the agent may write Events in default only" "yes no" "$(can create events -n default) $(can create events -n team-a)"
k create rolebinding profiles -n team-a --clusterrole=seccompd-profile-editor --user=ann >/dev/null
expect "a tenant may write profiles in the own namespace only" "yes no" "$(k auth can-i create tsp -n team-a --as=ann 2>/dev/null) $(k auth can-i create tsp -n team-b --as=ann 2>/dev/null)"
expect "a tenant may not write a node's report" no "$(k auth can-i patch nss --as=ann 2>/dev/null)"
finish
