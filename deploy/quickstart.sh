#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# seccompd in a minute, on this machine alone: installs what the build needs, builds, runs the agent standalone over
# deploy/examples, and shows what it did. Everything it writes is in one temporary directory, removed at the end.
#
#   deploy/quickstart.sh          SECCOMPD_BUILD=DIR uses a build that is there already
set -euo pipefail
cd "$(dirname "$0")/.."
work=$(mktemp -d)
agent_pid=
cleanup() {
  if [ -n "$agent_pid" ]; then kill "$agent_pid" 2>/dev/null || true; wait "$agent_pid" 2>/dev/null || true; fi
  rm -rf "$work"
}
trap cleanup EXIT
trap 'printf "\nquickstart: FAILED at: %s\n" "$BASH_COMMAND" >&2' ERR

head() { printf '\n\033[1m==> %s\033[0m\n' "$*"; }

if [ -z "${SECCOMPD_BUILD:-}" ]; then
  head "Installing what the build needs (a few minutes on a bare machine)"
  bash deploy/install-deps.sh build runtime
  head "Building (about three minutes the first time)"
  cmake --preset release >"$work/build.log" || { tail -n 30 "$work/build.log"; exit 3; }
  # One line for every tenth of the way.
  cmake --build --preset release 2>&1 | tee -a "$work/build.log" |
    awk 'match($0, /^\[ *[0-9]+%\]/) { p = substr($0, 2, 3) + 0; if (p >= next_p) { print "    " p " %"; fflush(); next_p = p + 10 } } /error:|Error [0-9]/ { print }'
  SECCOMPD_BUILD=$PWD/build/release
fi
seccompd=$SECCOMPD_BUILD/src/seccompd
"$seccompd" version

head "Starting the agent over deploy/examples"
mkdir -p "$work/manifests" "$work/seccomp"
cp deploy/examples/team-*.yaml deploy/examples/refused/*.yaml "$work/manifests/"
printf '    %s agent --manifests %s --seccomp-root %s --state-dir %s\n' seccompd "$work/manifests" "$work/seccomp" "$work/state"
mkfifo "$work/log"
"$seccompd" agent --manifests "$work/manifests" --seccomp-root "$work/seccomp" --state-dir "$work/state" \
  --listen-health 127.0.0.1:0 --listen-metrics '' 2>"$work/log" &
agent_pid=$!
exec 3<"$work/log" # open until the end: the agent goes on logging
is_ready=no
while IFS= read -r -t 60 line <&3; do
  printf '    %s\n' "$line" | tee -a "$work/agent.log"
  case $line in *"first full pass done"*) is_ready=yes; break ;; esac
done
[ "$is_ready" = yes ] || { printf 'quickstart: FAILED: the agent did not become ready\n' >&2; exit 1; }

head "The files that a container runtime reads"
(cd "$work/seccomp" && find tenants -type f -printf '    %M %s bytes  %p\n' | sort)

head "The state of this node: seccompd audit --local"
"$seccompd" audit --local --standalone --seccomp-root "$work/seccomp" --state-dir "$work/state" | sed 's/^/    /' || true

head "A refused profile, with its findings (deploy/examples/refused)"
grep -h 'profile refused' "$work/agent.log"

profile=$(find "$work/seccomp/tenants/team-a" -name '*.json' | sort | sed -n 1p)
if command -v runc >/dev/null && [ "$(id -u)" = 0 ]; then
  head "A process under ${profile#"$work"/seccomp/}, by runc: mkdir is denied"
  said=$(bash deploy/run-under-profile.sh "$profile" mkdir /tmp/x 2>&1 || true)
  printf '%s\n' "$said" | sed 's/^/    /'
  case $said in
    *mkdir*"Operation not permitted"*) ;;
    *) printf '    runc starts no container on this machine (its own words above); the profile was not tried\n' ;;
  esac
else
  head "runc is not there, or this is not root: no process was started under a profile"
fi

head "Done: the agent refused one profile, wrote the others, and would keep them true until it is stopped."
