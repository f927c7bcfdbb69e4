#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Runs a busybox command in a container of runc (or $RUNTIME) under a seccomp profile file, without any engine.
#
#   deploy/run-under-profile.sh FILE COMMAND [ARG...]
set -euo pipefail
[ $# -ge 2 ] || { sed -n '3,6s/^# \{0,1\}//p' "$0" >&2; exit 2; }
profile=$1
shift
runtime=${RUNTIME:-runc}
busybox=$(command -v busybox) || { echo "run-under-profile: busybox is missing (package busybox-static)" >&2; exit 3; }
command -v "$runtime" >/dev/null || { echo "run-under-profile: $runtime is missing" >&2; exit 3; }
bundle=$(mktemp -d)
trap 'rm -rf "$bundle"' EXIT
mkdir -p "$bundle"/rootfs/{bin,tmp,proc,dev}
cp "$busybox" "$bundle/rootfs/bin/busybox"
"$busybox" --list | grep -vx busybox | while read -r applet; do ln -s busybox "$bundle/rootfs/bin/$applet"; done
args=$(printf '%s\n' "$@" | jq -R . | jq -cs .)
jq -n --argjson args "$args" --slurpfile seccomp "$profile" '{
  ociVersion: "1.0.2",
  process: {terminal: false, user: {uid: 0, gid: 0}, args: $args, env: ["PATH=/bin"], cwd: "/", noNewPrivileges: true,
            capabilities: {bounding: [], effective: [], permitted: []}},
  root: {path: "rootfs", readonly: false},
  hostname: "profile-test",
  mounts: [{destination: "/proc", type: "proc", source: "proc"}],
  linux: {namespaces: [{type: "pid"}, {type: "ipc"}, {type: "uts"}, {type: "mount"}, {type: "network"}],
          cgroupsPath: "", seccomp: $seccomp[0]}
}' >"$bundle/config.json"
"$runtime" --root "$bundle/state" run --bundle "$bundle" "seccompd-$$" </dev/null
