#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The whole way on a real node: image, Helm, profiles of two tenants, pods under them, changes, deletes, tampering,
# a killed agent, upgrade, uninstall, reinstall.
#
#   tests/e2e/run.sh
#
# SECCOMPD_BUILD: the build directory (default build/dev). SECCOMPD_KUBE_CLUSTER: the script that starts the node
# (default ../shared/kube/cluster). KEEP=true leaves the cluster running. Needs root, and a machine without a kubelet.
set -uo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"

build=${SECCOMPD_BUILD:-$repo/build/dev}
namespace=seccompd-system
node=${KUBE_NODE:-node-1}
seccomp_root=/var/lib/kubelet/seccomp  # where a kubelet of 1.20 looks, whatever its --root-dir
tenants=$seccomp_root/tenants
state_dir=/var/lib/seccompd
web=$tenants/team-a/web.json
no_ptrace=$tenants/team-b/no-ptrace.json
marker=$seccomp_root/.seccompd-e2e  # says that what is there comes from this test
work=$(mktemp -d)
cluster_is_up=no

## Helpers

step() { printf '\n== %s (%d s)\n' "$*" "$SECONDS"; }

dump() {
  printf '\n---- the agent\n'
  kubectl -n $namespace get pods -o wide
  kubectl -n $namespace describe pods | tail -n 60
  kubectl -n $namespace logs -l app.kubernetes.io/name=seccompd --tail=80
  kubectl -n $namespace logs -l app.kubernetes.io/name=seccompd --tail=40 --previous
  printf '\n---- the state of the node\n'
  kubectl get nss -o yaml
  kubectl get tsp -A
  printf '\n---- the disk\n'
  find "$tenants" "$state_dir" -printf '%M %u %s %p\n'
  printf '\n---- the pods\n'
  kubectl get pods -A -o wide
  for ns in team-a team-b; do kubectl -n $ns describe pods | grep -E '^Name:|Warning|Reason|Message' | tail -n 40; done
  kubectl get events -A --sort-by=.lastTimestamp | tail -n 30
  printf '\n---- the kubelet\n'
  "$cluster_bin" logs kubelet | grep -E '^[EW]' | tail -n 20
}

clean_host() { rm -rf "$tenants" "$state_dir" "$marker"; }

end() {
  if [ $cluster_is_up = yes ]; then
    if [ "$failed" != 0 ]; then dump 2>&1 | sed 's/^/    /'; fi
    if [ "${KEEP:-}" = true ]; then
      say "the cluster is left running: eval \"\$($cluster_bin env)\"; end it with: $cluster_bin down"
    else
      helm uninstall seccompd -n $namespace >/dev/null 2>&1
      cluster_down >/dev/null 2>&1
      clean_host
    fi
  fi
  rm -rf "$work"
}

# must NAME COMMAND...: a check without which the rest makes no sense.
must() { check "$@" || finish; }

# Each line: path, inode, modification time in ns, content. Equal means not rewritten.
fingerprint() { find "$tenants" -type f -printf '%p %i %T@ ' -exec sha256sum {} \; | awk '{print $1, $2, $3, $4}' | sort; }

report=75 # seconds: once ten reports were sent, the next may be held back for up to 60 s
nss_until() { watch_until "$1" "$2" nss "$node"; }
nss_has() { # nss_has JQ-FILTER
  kubectl get nss "$node" -o json | jq -r "$1"
}

# pod NAMESPACE NAME PROFILE COMMAND: runs it to its end and prints its log; PROFILE - is none.
pod() {
  local profile=""
  [ "$3" = - ] || profile="{type: Localhost, localhostProfile: $3}"
  kubectl apply -f - >/dev/null <<YAML || return 1
apiVersion: v1
kind: Pod
metadata: {name: $2, namespace: $1}
spec:
  restartPolicy: Never
  automountServiceAccountToken: false
  terminationGracePeriodSeconds: 0
  securityContext: {seccompProfile: ${profile:-"{type: Unconfined}"}}
  containers:
    - name: main
      image: local/busybox:1
      imagePullPolicy: Never
      command: [sh, -c, $(jq -n --arg c "$4" '$c')]
YAML
  watch_until 60 "${5:-.status.phase == \"Succeeded\" or .status.phase == \"Failed\"}" pod "$2" -n "$1" || return 1
  kubectl logs -n "$1" "$2"
}

install() { # install COMMAND [HELM-ARGUMENT...]
  local command=$1
  shift
  helm "$command" seccompd "$repo/charts/seccompd" --namespace $namespace \
    --set hostNetwork=true --set image.repository=local/seccompd --set image.tag=e2e --set image.pullPolicy=Never \
    --set agent.deleteGrace=5s --set agent.resync=5s "$@"
}
rollout() { kubectl -n $namespace rollout status daemonset/seccompd --timeout=90s; }

## The machine

need_cluster
[ -x "$helm_bin" ] || skip "no Helm at $helm_bin: run deploy/install-deps.sh test"
for executable in seccompd seccompd-compile; do
  [ -x "$build/src/$executable" ] || skip "$build/src/$executable is not built (set SECCOMPD_BUILD)"
done
cluster_lock
if [ -e "$tenants" ] || [ -e "$state_dir" ]; then
  [ -e "$marker" ] || skip "$tenants or $state_dir is in use on this machine"
  clean_host
fi
trap end EXIT

step "the cluster"
must "the root file system of the image" "$repo/deploy/rootfs.sh" "$work/root" \
  "$build/src/seccompd" "$build/src/seccompd-compile"
cluster_is_up=yes
cluster_up node || { fail "the cluster came up"; finish; }
ok "the cluster came up"
touch "$marker"
must "the image is on the node" "$cluster_bin" image local/seccompd:e2e "$work/root" /usr/bin/seccompd

step "install with Helm"
must "helm install" install install --create-namespace
must "the DaemonSet becomes ready" rollout
must "the node reports: synced, nothing to do" nss_until "$report" \
  '.status.desired == 0 and any(.status.conditions[]; .type == "Synced" and .status == "True")'
expect "the report is owned by its Node, which it does not block" "v1 Node $node null null" \
  "$(nss_has '.metadata.ownerReferences[0] | "\(.apiVersion) \(.kind) \(.name) \(.controller) \(.blockOwnerDeletion)"')"
check "there is a Lease as a sign of life" kubectl -n $namespace get lease "$node"
expect "/readyz on loopback" 200 "$(curl -s -o "$work/readyz" -w '%{http_code}' http://127.0.0.1:9798/readyz)"
expect_match "/metrics" '^seccompd_' "$(curl -s http://127.0.0.1:9797/metrics)"
expect "the agent holds no capability" "0000000000000000 0000000000000000" \
  "$(awk '/^Cap(Prm|Eff)/{print $2}' "/proc/$(pgrep -of '^/usr/bin/seccompd agent')/status" | paste -sd' ')"

step "profiles of two tenants"
must "kubectl apply: namespaces" kubectl apply -f "$repo/deploy/examples/cluster/namespaces.yaml"
must "kubectl apply: examples" kubectl apply -f "$repo/deploy/examples/"
must "the node reports both installed" nss_until "$report" \
  '.status.desired == 2 and .status.installed == 2 and (.status.profiles // [] | length) == 0'
expect "the files are there, for root only" "600 0:0 600 0:0" "$(stat -c '%a %u:%g' "$web" "$no_ptrace" | paste -sd' ')"
expect "their directories too" "700 700" "$(stat -c %a "$tenants/team-a" "$tenants/team-b" | paste -sd' ')"
check "the file is OCI JSON" jq -e '.defaultAction == "SCMP_ACT_ERRNO" and ([.syscalls[].names[]] | index("read"))' "$web"
expect "nothing else is there" "$(printf '%s\n' "$web" "$no_ptrace")" "$(find "$tenants" -type f | sort)"
sandboxed=$(nss_has '.status.conditions[] | select(.type == "Sandboxed") | "\(.status) \(.reason): \(.message)"')
expect_match "the agent is sandboxed, or says why not" '^(True InForce: landlock ABI [0-9]+.*seccomp filter|False (Partial|NotSupported): .*no )' "$sandboxed"
printf '  %s\n' "$sandboxed"
expect_match "kubectl get nss" "^$node +True +2 +2 +0 +0 +0 " "$(kubectl get nss --no-headers)"

step "pods under them"
try='grep Seccomp: /proc/self/status; mkdir /tmp/made && echo mkdir works; unshare -U true && echo unshare works; ls -d /bin'
log=$(pod team-a free - "$try")
expect_match "without a profile mkdir works" 'mkdir works' "$log"
expect_match "without a profile unshare works" 'unshare works' "$log"
log=$(pod team-a web1 tenants/team-a/web.json "$try")
expect_match "team-a/web: a filter is in force" 'Seccomp:.*2' "$log"
expect_match "team-a/web: mkdir is denied" "mkdir:.*Operation not permitted" "$log"
expect_match "team-a/web: unshare is denied" "unshare.*Operation not permitted" "$log"
expect_match "team-a/web: ls works" '^/bin$' "$log"
log=$(pod team-b free1 tenants/team-b/no-ptrace.json "$try")
expect_match "team-b/no-ptrace: mkdir works" 'mkdir works' "$log"
expect_match "team-b/no-ptrace: unshare is denied" "unshare.*Operation not permitted" "$log"
log=$(pod team-a long tenants/team-a/web.json 'while :; do sleep 1; done' '.status.phase == "Running"')

step "a change"
intent=$(nss_has .status.intentDigest)
sed 's/names: \[access, chmod,/names: [mkdir, mkdirat, access, chmod,/' "$repo/deploy/examples/team-a-web.yaml" >"$work/web2.yaml"
must "kubectl apply: web may make directories now" kubectl apply -f "$work/web2.yaml"
must "the node reports it installed" nss_until "$report" \
  ".status.intentDigest != \"$intent\" and .status.installed == 2 and (.status.profiles // [] | length) == 0"
expect_match "a new pod behaves differently" 'mkdir works' "$(pod team-a web2 tenants/team-a/web.json "$try")"
expect_match "a running pod keeps its filter" 'Operation not permitted' \
  "$(kubectl exec -n team-a long -- mkdir /tmp/late 2>&1)"

step "a bad version"
before=$(fingerprint)
sed 's/names: \[getrandom\]/names: [getrandomm]/' "$work/web2.yaml" >"$work/web3.yaml"
check "kubectl apply: web with a typing error" kubectl apply -f "$work/web3.yaml"
check "the node reports it Invalid, the last good generation still installed" nss_until "$report" \
  '.status.profiles[]? | .namespace == "team-a" and .name == "web" and .state == "Invalid" and .desiredGeneration == 3 and .installedGeneration == 2'
expect_match "the report says what was probably meant" 'getrandom' "$(nss_has '.status.profiles[] | select(.name == "web") | .message')"
expect "the last good file is untouched" "$before" "$(fingerprint)"
check "kubectl apply: web is right again" kubectl apply -f "$work/web2.yaml"
check "the node reports it installed" nss_until "$report" '.status.installed == 2 and .status.invalid == 0'
expect "equal content is not written again" "$before" "$(fingerprint)"

step "a profile that must be refused"
check "kubectl apply: typo" kubectl apply -f "$repo/deploy/examples/refused/typo.yaml"
check "the node reports it Invalid" nss_until "$report" \
  '.status.invalid == 1 and any(.status.profiles[]?; .name == "typo" and .state == "Invalid")'
message=$(nss_has '.status.profiles[] | select(.name == "typo") | "\(.reason): \(.message)"')
expect_match "the report names the cause and a near name" 'mkdirr.*mkdir|ptrce.*ptrace' "$message"
say "    $message"
expect "no file was written" "$before" "$(fingerprint)"
check "kubectl delete: typo" kubectl delete -f "$repo/deploy/examples/refused/typo.yaml" --timeout=20s
check "the node has forgotten it" nss_until "$report" '.status.desired == 2 and .status.invalid == 0 and (.status.profiles // [] | length) == 0'

step "tampering"
sum=$(sha256sum <"$web")
same_web() { [ "$(sha256sum <"$web")" = "$sum" ] && [ "$(stat -c '%a %u %h' "$web")" = "600 0 1" ]; }
rm "$web"
check "a file deleted by hand comes back" poll 15 same_web
echo '{"defaultAction":"SCMP_ACT_ALLOW"}' >"$web"
check "a file overwritten by hand is put right" poll 15 same_web
chmod 777 "$web"
check "a file made 0777 by hand is put right" poll 15 same_web
check "the node reports the drift" nss_until "$report" '.status.lastDriftTime != null and .status.installed == 2'

step "a killed agent"
before=$(fingerprint)
agent_pod() { kubectl -n $namespace get pods -l app.kubernetes.io/name=seccompd -o json | jq -r '.items[0]'; }
container=$(agent_pod | jq -r '.status.containerStatuses[0].containerID' | sed 's|.*//||')
name=$(agent_pod | jq -r .metadata.name)
must "kill -9" ctr -a "$CONTAINERD_ADDRESS" -n k8s.io tasks kill -s KILL "$container"
check "the kubelet starts it again, and it becomes ready" watch_until 60 \
  '.status.containerStatuses[0] | .restartCount >= 1 and .ready' pod "$name" -n $namespace
expect "the files are the same" "$before" "$(fingerprint)"

step "a delete"
deleted_at=$(date +%s%N)
check "kubectl delete returns at once: there is no finalizer" kubectl delete tsp -n team-b no-ptrace --timeout=10s
check "during the grace the file stays" test -e "$no_ptrace"
check "then the file goes" poll 40 test ! -e "$no_ptrace"
grace_ms=$((($(date +%s%N) - deleted_at) / 1000000))
check "not before the grace of 5 s is over ($grace_ms ms)" test "$grace_ms" -ge 5000
check "the node reports one profile" nss_until "$report" '.status.desired == 1 and .status.installed == 1'
check "the other tenant's file stays" test -e "$web"
check "kubectl apply: it comes back" kubectl apply -f "$repo/deploy/examples/team-b-no-ptrace.yaml"
check "the node reports both installed" nss_until "$report" '.status.desired == 2 and .status.installed == 2'

step "an upgrade"
before=$(fingerprint)
must "helm upgrade" install upgrade --set agent.report=full --set agent.logLevel=debug
must "the DaemonSet becomes ready" rollout
expect "the files were adopted, not written again" "$before" "$(fingerprint)"
check "the report lists every profile now" nss_until "$report" '(.status.profiles | length) == 2'
expect "with the digests of the files" "$(sha256sum "$no_ptrace" "$web" | cut -d' ' -f1 | sort)" \
  "$(nss_has '.status.profiles[].sha256' | sort)"

step "uninstall"
must "helm uninstall" helm uninstall seccompd -n $namespace
check "the agent's pod goes within its grace" poll 20 bash -c \
  "[ -z \"\$(kubectl -n $namespace get pods -l app.kubernetes.io/name=seccompd -o name)\" ]"
expect "the files stay" "$before" "$(fingerprint)"
check "the CRDs stay" kubectl get crd tenantseccompprofiles.seccompd.io nodeseccompstates.seccompd.io
check "the profiles stay" kubectl get tsp -n team-a web
expect_match "a new pod still starts under its profile" 'unshare.*Operation not permitted' \
  "$(pod team-a web3 tenants/team-a/web.json "$try")"

step "reinstall"
must "helm install" install install
must "the DaemonSet becomes ready" rollout
# A watch that goes on from the record learns only by the API server's next bookmark, up to a minute later, that
# nothing was missed.
check "the node reports both installed, and itself synced" nss_until 90 \
  '.status.desired == 2 and .status.installed == 2 and any(.status.conditions[]; .type == "Synced" and .status == "True")'
check "the report lists only exceptions again" nss_until 10 '(.status.profiles // [] | length) == 0'
expect "the files were adopted, not written again" "$before" "$(fingerprint)"
check "a change arrives as before" kubectl apply -f "$repo/deploy/examples/team-a-web.yaml"
check "on the disk" poll 10 bash -c "! grep -q '\"mkdir\"' '$web'"
finish
