#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The tests on Debian 13, whose compiler, C library and libseccomp the shipped image has, on any Debian with debootstrap.
#
#   tests/debian13.sh [STEP...]      the named steps, or all: unit layers image differential builtins
#   tests/debian13.sh -- COMMAND...  one command there, in the checkout
#
# The system is made once, in ${XDG_CACHE_HOME:-~/.cache}/seccompd/debian13 (SECCOMPD_DEBIAN13; 3 GB with its build), from
# the mirror that this machine's apt uses; remove the directory to have it anew. The checkout is mounted there read-only.
# Needs root. Mounts and processes are in namespaces that end with the script; the network is the machine's.
set -euo pipefail
repo=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
root=${SECCOMPD_DEBIAN13:-${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/seccompd/debian13}

say() { printf '==> %s\n' "$*"; }
die() { printf 'debian13: FAILED: %s\n' "$*" >&2; exit 3; }

mirror() {
  apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Origin: Debian' 'Label: Debian' | head -n 1
}

make_system() {
  [ ! -e "$root/made" ] || return 0
  command -v debootstrap >/dev/null || die "debootstrap is missing: apt-get install debootstrap"
  local from
  from=$(mirror)
  [ -n "$from" ] || die "apt knows no Debian mirror: apt-get update first"
  say "Debian 13 into $root"
  mkdir -p "$root"
  debootstrap --variant=minbase trixie "$root" "$from" >"$root.log" 2>&1 || die "debootstrap: see $root.log; remove $root before the next try"
  # How this machine reaches the mirror (a proxy, an odd clock), and no service that starts with its package.
  apt-config dump --format '%f "%v";%n' Acquire::http Acquire::https Acquire::Check-Date Acquire::Check-Valid-Until \
    >"$root/etc/apt/apt.conf.d/90machine"
  printf '#!/bin/sh\nexit 101\n' >"$root/usr/sbin/policy-rc.d"
  chmod 755 "$root/usr/sbin/policy-rc.d"
  printf '127.0.0.1 localhost\n::1 localhost\n' >"$root/etc/hosts"
  touch "$root/made"
}

# Cgroups are mounted anew rather than bound: version 1, 2 or both, as on this machine.
mount_cgroups() {
  local target type options
  mount -t tmpfs -o mode=755 cgroups "$root/sys/fs/cgroup"
  findmnt -rn -t cgroup,cgroup2 -o TARGET,FSTYPE,FS-OPTIONS | while read -r target type options; do
    mkdir -p "$root$target"
    mount -t "$type" -o "$options" "$type" "$root$target"
  done
}

mount_devices() {
  local device
  mount -t tmpfs -o mode=755 devices "$root/dev"
  mkdir "$root/dev/pts" "$root/dev/shm"
  mount -t devpts -o newinstance,ptmxmode=0666,mode=0620 devpts "$root/dev/pts"
  mount -t tmpfs -o mode=1777 shm "$root/dev/shm"
  for device in null:3 zero:5 full:7 random:8 urandom:9; do
    mknod -m 666 "$root/dev/${device%:*}" c 1 "${device#*:}"
  done
  mknod -m 666 "$root/dev/tty" c 5 0
  ln -s pts/ptmx "$root/dev/ptmx"
  ln -s /proc/self/fd "$root/dev/fd"
  ln -s fd/0 "$root/dev/stdin"
  ln -s fd/1 "$root/dev/stdout"
  ln -s fd/2 "$root/dev/stderr"
}

# As the first process of the new namespaces: the tree becomes their root (a chroot's is no mount point, and runc's mounts
# fail there), and stays this process's, which reaps what the tests leave.
run_inside() {
  mount --bind "$root" "$root"
  mount -t proc proc "$root/proc"
  mount -t sysfs -o ro sysfs "$root/sys"
  mount_cgroups
  mount_devices
  mount -t tmpfs -o mode=755 run "$root/run"
  mkdir -p "$root/src/main" "$root/old"
  mount --bind "$repo" "$root/src/main"
  mount -o remount,bind,ro "$root/src/main"
  cp -L /etc/resolv.conf "$root/etc/resolv.conf"
  cd "$root"
  pivot_root . old
  umount -l /old
  cd /src/main
  env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LANG=C.UTF-8 TERM=dumb \
    CCACHE_BASEDIR=/src/main CCACHE_NOHASHDIR=1 SECCOMPD_BUILD=/build/dev "$@"
}

inside() {
  unshare --mount --pid --fork --kill-child --propagation private "$0" --inside "$@"
}

# As the preset dev, whose build directory would be in the checkout.
unit() {
  inside cmake --preset dev -B /build/dev &&
    inside cmake --build /build/dev -j "$(nproc)" &&
    inside ctest --test-dir /build/dev --label-exclude realapi -j 2 --timeout 300 --output-on-failure
}
layers() { inside tests/layers_test.sh; }
image() { inside tests/deploy/rootfs_test.sh; }
differential() { inside tests/differential/run.py; }
builtins() { inside deploy/install-deps.sh servers && inside tests/builtins/run.sh; }

if [ "${1:-}" = --inside ]; then
  shift
  run_inside "$@"
  exit
fi
[ "$(id -u)" = 0 ] || die "needs root: it makes a system and mounts"
make_system
inside deploy/install-deps.sh build unit runtime
if [ "${1:-}" = -- ]; then
  shift
  inside "$@"
  exit
fi
[ $# -gt 0 ] || set -- unit layers image differential builtins
failures=()
for step in "$@"; do
  case $step in
    unit | layers | image | differential | builtins) ;;
    *) sed -n '3,10s/^# \{0,1\}//p' "$0" >&2; exit 2 ;;
  esac
  say "$step"
  ("$step") || failures+=("$step")
done
[ ${#failures[@]} = 0 ] || say "failed: ${failures[*]}"
printf '%s passed, %s failed\n' $(($# - ${#failures[@]})) ${#failures[@]}
[ ${#failures[@]} = 0 ]
