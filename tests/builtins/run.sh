#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The builtin profiles at work: Debian's nginx serves a page under builtin/web-server-v1 and its PostgreSQL answers
# queries under builtin/database-v1, in containers of runc and crun, with and without no_new_privs; and both profiles
# deny what they should. The files are the goldens, which profile_test holds against the code.
set -uo pipefail
cd "$(dirname "$0")/../.."
# shellcheck source=tests/lib.sh
. tests/lib.sh

[ "$(id -u)" = 0 ] || skip "needs root: it starts containers"
for tool in runc crun jq nginx curl strace; do
  command -v "$tool" >/dev/null || skip "$tool is missing: bash deploy/install-deps.sh test"
done
postgres=$(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | tail -n 1)
[ -n "$postgres" ] || skip "postgresql is missing: bash deploy/install-deps.sh test"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
chmod 755 "$work"
mkdir -p "$work"/rootfs/{usr,etc,proc,dev,tmp,run,var/lib/nginx,var/log/nginx,test}
chmod 1777 "$work"/rootfs/tmp "$work"/rootfs/var/l*/nginx
for link in bin sbin lib lib64; do
  [ -L "/$link" ] && cp -a "/$link" "$work/rootfs/$link"
done

cat >"$work/rootfs/test/nginx.conf" <<'CONF'
worker_processes 2;
pid /tmp/nginx.pid;
error_log /tmp/error.log;
events { worker_connections 64; }
http {
  access_log /tmp/access.log;
  client_body_temp_path /tmp/body; proxy_temp_path /tmp/proxy; fastcgi_temp_path /tmp/fcgi;
  uwsgi_temp_path /tmp/uwsgi; scgi_temp_path /tmp/scgi;
  sendfile on; aio threads;
  server {
    listen 127.0.0.1:8080; listen [::1]:8080; listen unix:/tmp/nginx.sock;
    root /tmp/www;
    location /proxied/ { proxy_pass http://unix:/tmp/nginx.sock:/; }
  }
}
CONF
cat >"$work/rootfs/test/web.sh" <<'SH'
set -e
mkdir /tmp/www && echo 'served under a builtin' >/tmp/www/index.html
nginx -c /test/nginx.conf
for url in http://127.0.0.1:8080/ 'http://[::1]:8080/' http://localhost:8080/proxied/; do curl -fsS --max-time 10 "$url"; done
nginx -c /test/nginx.conf -s reload 2>/tmp/signal.log
curl -fsS --max-time 10 http://127.0.0.1:8080/
cp /tmp/www/index.html /tmp/www/second.html && curl -fsS --max-time 10 http://127.0.0.1:8080/second.html
nginx -c /test/nginx.conf -s quit 2>/tmp/signal.log
if grep -E 'alert|emerg|crit|not implemented|not permitted' /tmp/error.log; then exit 1; fi
SH
cat >"$work/rootfs/test/database.sh" <<SH
set -e
export PATH=$postgres:/usr/bin:/bin PGHOST=/tmp PGDATABASE=postgres
initdb -D /tmp/data -A trust >/tmp/initdb.log
printf '%s\n' "listen_addresses='127.0.0.1'" "unix_socket_directories='/tmp'" min_parallel_table_scan_size=0 \
  parallel_setup_cost=0 parallel_tuple_cost=0 >>/tmp/data/postgresql.conf
pg_ctl -D /tmp/data -w -t 60 -l /tmp/server.log start >/dev/null
psql -v ON_ERROR_STOP=1 -qAt <<'SQL'
CREATE TABLE t AS SELECT g AS id, md5(g::text) AS v FROM generate_series(1, 20000) g;
CREATE INDEX ON t (v);
UPDATE t SET v = v || 'x' WHERE id % 3 = 0;
SELECT 'rows ' || count(*) FROM t;
SELECT 'parallel ' || sum(length(v)) FROM t;
COPY t TO '/tmp/t.csv';
VACUUM ANALYZE t;
CHECKPOINT;
SQL
psql -h 127.0.0.1 -Atc "SELECT 'over tcp'"
pg_ctl -D /tmp/data -w -t 60 -m fast stop >/dev/null
if grep -E 'PANIC|unction not implemented|not permitted' /tmp/server.log; then exit 1; fi
SH

# run RUNTIME NNP UID PROFILE COMMAND...: in a container whose root holds the host's /usr and /etc, read-only.
run() {
  local runtime=$1 nnp=$2 uid=$3 profile=$4 args
  shift 4
  [ -f "$profile" ] || profile=tests/testdata/golden/builtin-$profile-v1.json
  args=$(printf '%s\n' "$@" | jq -R . | jq -cs .)
  jq -n --argjson args "$args" --argjson nnp "$nnp" --argjson uid "$uid" --slurpfile seccomp "$profile" '{
    ociVersion: "1.0.2",
    process: {terminal: false, user: {uid: $uid, gid: $uid}, args: $args, cwd: "/tmp", noNewPrivileges: $nnp,
              env: ["PATH=/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/tmp", "LC_ALL=C"],
              capabilities: {bounding: [], effective: [], permitted: []}},
    root: {path: "rootfs", readonly: true},
    mounts: ([{destination: "/proc", type: "proc", source: "proc"},
              {destination: "/dev", type: "tmpfs", source: "tmpfs", options: ["nosuid", "mode=755"]},
              {destination: "/dev/shm", type: "tmpfs", source: "shm", options: ["mode=1777"]},
              {destination: "/tmp", type: "tmpfs", source: "tmpfs", options: ["mode=1777"]},
              {destination: "/var/lib/nginx", type: "tmpfs", source: "tmpfs", options: ["mode=1777"]},
              {destination: "/var/log/nginx", type: "tmpfs", source: "tmpfs", options: ["mode=1777"]}]
             + [("/usr", "/etc") | {destination: ., type: "bind", source: ., options: ["bind", "ro"]}]),
    linux: {namespaces: [{type: "pid"}, {type: "ipc"}, {type: "uts"}, {type: "mount"}, {type: "network"}],
            seccomp: $seccomp[0]}
  }' >"$work/config.json"
  local start=("$runtime")
  # crun 1.8 starts nothing where it sees both cgroup versions: it sees none, which no filter has to do with.
  # shellcheck disable=SC2016
  [ "$runtime" = runc ] || start=(unshare --mount sh -c
    'mount -t tmpfs none /sys/fs/cgroup && exec crun --cgroup-manager=disabled "$@"' crun)
  timeout -k 5 120 "${start[@]}" --root "$work/state-$runtime" run --bundle "$work" "seccompd-builtin-$$" </dev/null 2>&1
}

www=$(id -u www-data)
pg=$(id -u postgres)
echo null >"$work/none.json"
for runtime in runc crun; do
  if ! run "$runtime" true 0 "$work/none.json" /bin/true >"$work/log"; then
    [ "$runtime" = crun ] || { fail "runc runs no container at all: $(cat "$work/log")"; continue; }
    [ "${CI:-}" != true ] || fail "crun runs no container here, even without a profile"
    say "*** SKIPPED: builtins under crun: it runs no container here, even without a profile: $(cat "$work/log") ***"
    continue
  fi
  for nnp in true false; do
    on="$runtime, noNewPrivileges $nnp"
    expect "runtime-start: a program starts ($on)" "started" \
      "$(run "$runtime" "$nnp" 0 runtime-start /bin/echo started)"
    expect "web-server: nginx serves ($on)" "$(for _ in 1 2 3 4 5; do echo 'served under a builtin'; done)" \
      "$(run "$runtime" "$nnp" "$www" web-server /bin/sh /test/web.sh)"
    expect "database: PostgreSQL answers ($on)" $'rows 20000\nparallel 646666\nover tcp' \
      "$(run "$runtime" "$nnp" "$pg" database /bin/sh /test/database.sh)"
  done
done
for profile in web-server database; do
  for denied in 'unshare -U true' 'mount -t tmpfs none /tmp' 'strace true'; do
    expect_match "$profile denies: $denied" 'not implemented|not permitted' \
      "$(run runc true 0 "$profile" /bin/sh -c "$denied")"
  done
done
finish
