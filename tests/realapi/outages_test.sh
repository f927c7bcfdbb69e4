#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What can happen to a real API server and its etcd, one thing after the other in one cluster, and the real executable
# before it: each time the files are right, the log names the cause, and all goes on by itself.
#
# SECCOMPD_LONG=true: also a watch that falls silent without an end (3 min). SECCOMPD_BUILD: default build/dev.
set -uo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"
build=${SECCOMPD_BUILD:-$repo/build/dev}
[ -x "$build/src/seccompd" ] || skip "no $build/src/seccompd: build first (cmake --workflow --preset dev)"
need_cluster

work=$(mktemp -d /var/tmp/seccompd-outages-XXXXXX)
chmod 755 "$work"
tenants=$work/seccomp/tenants
log=$work/agent.log
port=16443
agent=0 proxy=0

end() {
  [ $agent = 0 ] || kill -9 $agent 2>/dev/null
  [ $proxy = 0 ] || kill $proxy 2>/dev/null
  [ "$failed" = 0 ] || { say "---- the agent's log"; tail -n 60 "$log"; }
  cluster_down >/dev/null 2>&1
  rm -rf "$work"
}
trap end EXIT

step() { printf '\n== %s (%d s)\n' "$*" "$SECONDS"; }

# With any of its threads: while a zombie's others still end, its port is taken.
is_running() { # is_running PID
  local threads=(/proc/"$1"/task/*)
  [ -e "${threads[0]}" ] && { [ ${#threads[@]} -gt 1 ] || ! grep -q '^State:.Z' "/proc/$1/status" 2>/dev/null; }
}

# The servers, ended by the pids that `cluster` noted and started again by the same command lines.
declare -A command_of
stop_server() { # stop_server NAME [SIGNAL]
  local pid
  pid=$(cat "$KUBE_STATE/run/$1.pid")
  command_of[$1]=$(xargs -0 printf '%q ' <"/proc/$pid/cmdline")
  kill "-${2:-KILL}" "$pid"
  while is_running "$pid"; do sleep 0.05; done
}
start_server() {
  local words
  eval "words=(${command_of[$1]})"
  setsid "${words[@]}" >>"$KUBE_STATE/log/$1.log" 2>&1 </dev/null 9>&- &
  echo $! >"$KUBE_STATE/run/$1.pid"
  disown  # its end is meant
  [ "$1" != kube-apiserver ] || poll 60 kubectl "${kubectl_ca[@]}" get --raw /readyz && return
  fail "$1 starts again; without it nothing below can be"
  tail -n 5 "$KUBE_STATE/log/$1.log"
  finish
}
kubectl_ca=()
restart_api() { stop_server kube-apiserver "$@"; start_server kube-apiserver; }
stop_all() { stop_server kube-apiserver; stop_server etcd; }
start_all() { start_server etcd; start_server kube-apiserver; }

certificate() { # certificate CA-CERT CA-KEY
  openssl req -new -key "$KUBE_STATE/pki/apiserver.key" -subj /CN=kube-apiserver 2>/dev/null | openssl x509 -req \
    -CA "$1" -CAkey "$2" -set_serial "0x$RANDOM$RANDOM" -days 2 -out "$KUBE_STATE/pki/apiserver.crt" \
    -extfile <(printf 'extendedKeyUsage=serverAuth\nsubjectAltName=DNS:localhost,IP:127.0.0.1,IP:127.10.0.1\n') 2>/dev/null
}

profile() { # profile NAME DENIED-SYSCALL
  kubectl apply -f - >/dev/null <<YAML
apiVersion: seccompd.io/v1alpha1
kind: TenantSeccompProfile
metadata: {name: $1, namespace: team}
spec: {profile: {defaultAction: SCMP_ACT_ALLOW, syscalls: [{names: [$2], action: SCMP_ACT_ERRNO}]}}
YAML
}
has() { grep -q "\"$2\"" "$tenants/team/$1.json" 2>/dev/null; }  # has NAME DENIED-SYSCALL
line() { [ "$(tail -n "+$seen" "$log" | grep -cE -- "$1")" -gt 0 ]; }  # since `mark`
mark() { seen=$(($(wc -l <"$log") + 1)); }
# Long enough for two pauses of the agent's backoff, 30 s each, in a row.
patience=75
says() { check "the log says: $1" poll $patience line "$1"; }
serial=0
goes_on() {  # a new profile arrives, and what was there is as it was
  serial=$((serial + 1))
  check "a new profile is accepted" poll 30 profile "new-$serial" rmdir
  check "and arrives" poll $patience has "new-$serial" rmdir
  check "what was there is as it was" has one mkdir
}

install() {
  check "CRDs and roles" kubectl apply -f "$repo/deploy/seccompd.yaml" &&
    kubectl wait --for=condition=Established --timeout=20s crd/tenantseccompprofiles.seccompd.io \
      crd/nodeseccompstates.seccompd.io >/dev/null
  poll 10 kubectl create namespace team
  kubectl create -f - >/dev/null <<<'{"apiVersion": "v1", "kind": "Node", "metadata": {"name": "outage-node"}}'
}
new_token() {  # as the kubelet swaps it: a directory of its own, reached through ..data
  local request='{"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {"expirationSeconds": 3600}}'
  local directory=..$RANDOM$RANDOM
  mkdir -p "$work/token/$directory"
  kubectl create --raw /api/v1/namespaces/seccompd-system/serviceaccounts/seccompd/token -f - <<<"$request" |
    jq -j .status.token >"$work/token/$directory/token"
  [ -s "$work/token/$directory/token" ] || return 1
  ln -s "$directory" "$work/token/..data_tmp"
  mv -T "$work/token/..data_tmp" "$work/token/..data"
  [ -e "$work/token/token" ] || ln -s ..data/token "$work/token/token"
}
start_agent() {
  mark
  "$build/src/seccompd" agent --node-name outage-node --kubeconfig "$work/kubeconfig" --seccomp-root "$work/seccomp" \
    --state-dir "$work/state" --listen-health '' --listen-metrics '' --ceiling none --delete-grace 1s 2>>"$log" 9>&- &
  agent=$!
}
stop_agent() { kill -TERM $agent; wait $agent; agent=0; }

## Begin
cluster_up api || { fail "the API server starts"; finish; }
mkdir "$work/seccomp"
touch "$log"
install
kubectl config view --raw -o json | jq -r '.clusters[0].cluster["certificate-authority-data"]' | base64 -d >"$work/ca.crt"
check "a token" poll 20 new_token
jq -n --arg server "https://127.0.0.1:$port" '{apiVersion: "v1", kind: "Config", "current-context": "c",
  contexts: [{name: "c", context: {cluster: "c", user: "u"}}],
  clusters: [{name: "c", cluster: {server: $server, "certificate-authority": "ca.crt"}}],
  users: [{name: "u", user: {tokenFile: "token/token"}}]}' >"$work/kubeconfig"
$python "$repo/tests/realapi/proxy.py" $port 6443 9>&- &
proxy=$!
profile one mkdir
profile two mkdir
start_agent
check "files are there" poll 30 eval 'has one mkdir && has two mkdir'
says 'first full pass done'

step "Down at start, with files on the disk"
stop_agent
stop_server kube-apiserver
start_agent
says 'record and disk agree: ready'
says 'profiles cannot be watched; files on this node stay as they are'
expect "it serves what it has" 2 "$(curl -s --unix-socket "$work/state/state.sock" http://localhost/ | jq .installed)"
start_server kube-apiserver
goes_on

step "Killed and started with another certificate of the same CA, while the agent runs"
mark
certificate "$KUBE_STATE/pki/ca.crt" "$KUBE_STATE/pki/ca.key"
restart_api KILL
goes_on
check "without a word about certificates" eval '! line "not signed by"'

step "A right is taken away and given back"
mark
kubectl delete clusterrolebinding -l app.kubernetes.io/name=seccompd >/dev/null
kill -USR1 $proxy
says 'cannot (list|watch) resource \\?"tenantseccompprofiles'
kubectl apply -f "$repo/deploy/seccompd.yaml" >/dev/null
goes_on

step "The token is no longer accepted, then swapped"
mark
kubectl -n seccompd-system delete serviceaccount seccompd >/dev/null
kubectl apply -f "$repo/deploy/seccompd.yaml" >/dev/null
restart_api  # it remembers a token for 10 s
says 'HTTP 401'
check "a new token" poll 20 new_token
goes_on

step "A certificate of another CA"
mark
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout "$work/other.key" -out "$work/other.crt" \
  -days 2 -subj /CN=other-ca 2>/dev/null
certificate "$work/other.crt" "$work/other.key"
kubectl_ca=("--certificate-authority=$work/other.crt")
restart_api
says 'not signed by the configured CA'
cp "$work/ca.crt" "$work/old.crt"
cp "$work/other.crt" "$work/ca.new" && mv "$work/ca.new" "$work/ca.crt"
says 'ending, to be started anew with it'
wait $agent
expect "and the agent ends, to be started anew" 3 $?
start_agent
says 'connected to the API server'
stop_agent
certificate "$KUBE_STATE/pki/ca.crt" "$KUBE_STATE/pki/ca.key"
kubectl_ca=()
mv "$work/old.crt" "$work/ca.crt"
restart_api

step "etcd is compacted while the agent is away"
profile two chmod
revision=$(kubectl get --raw /apis/seccompd.io/v1alpha1/tenantseccompprofiles | jq -r .metadata.resourceVersion)
curl -s http://127.0.0.1:2379/v3/kv/compaction -d "{\"revision\": $revision, \"physical\": true}" >/dev/null
restart_api
start_agent
says 'listing all profiles.*(too old|410|expired|Expired)'
check "what changed meanwhile is there" poll 30 has two chmod
goes_on

step "etcd is restored from a backup"
stop_all
cp -a "$KUBE_STATE/etcd" "$work/backup"
start_all
profile lost mkdir
check "a profile that the backup does not have" poll $patience has lost mkdir
profile two chown
check "and a change" poll $patience has two chown
mark
stop_all
rm -rf "$KUBE_STATE/etcd"
cp -a "$work/backup" "$KUBE_STATE/etcd"
start_all
says 'went back in time'
check "the change is undone, as the API says" poll $patience has two chmod
check "and the lost profile's file goes" poll $patience eval '! test -e "$tenants/team/lost.json"'
goes_on

step "The CRD is deleted and made anew"
mark
kubectl delete crd tenantseccompprofiles.seccompd.io >/dev/null
says 'CRD is not installed'
check "every file stays" eval 'has one mkdir && has two chmod'
check "the CRD is made anew" kubectl apply -f "$repo/deploy/crds.yaml"
poll 20 profile one mkdir
goes_on
says 'removal of files is held back.*deleted and made anew'
check "what was not applied again stays too" has two chmod

step "Another cluster behind the same address"
mark
stop_all
rm -rf "$KUBE_STATE/etcd"
start_all
poll 30 kubectl get namespace default
install
check "a token of it" poll 30 new_token
says 'another cluster'
check "no file goes" eval 'has one mkdir && has two chmod'
poll 20 profile one mkdir
goes_on

if [ "${SECCOMPD_LONG:-}" = true ]; then
  step "A watch falls silent without an end"
  kill -USR2 $proxy
  serial=$((serial + 1))
  profile "new-$serial" rmdir
  check "it is opened anew, after 3 min of silence" poll 300 has "new-$serial" rmdir
fi

stop_agent
finish
