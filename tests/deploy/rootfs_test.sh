#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The image's root file system: it holds no shell, and seccompd works in it, with the libraries of the Debian that this is.
set -uo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# Any dynamic executables do for the first part; the end-to-end test does it with the real ones.
seccompd=${SECCOMPD_BUILD:-$repo/build/dev}/src/seccompd
compile=${SECCOMPD_BUILD:-$repo/build/dev}/src/seccompd-compile
is_real=yes
if [ ! -x "$seccompd" ] || [ ! -x "$compile" ]; then
  seccompd=$(command -v curl)
  compile=$(command -v jq)
  is_real=no
fi

root=$work/root
check "rootfs.sh collects a root file system of at most 40 MiB" "$repo/deploy/rootfs.sh" "$root" "$seccompd" "$compile"
expect "it holds the two executables and no other" "seccompd seccompd-compile" \
  "$(find "$root" -path '*bin/*' -printf '%f\n' | sort | paste -sd' ')"
expect "it holds no shell and no interpreter" "" \
  "$(find "$root" -type f | grep -E '/(sh|bash|dash|busybox|perl|python[0-9.]*|env)$')"
expect "no file has a set-user-ID bit or is writable by others" "" "$(find "$root" -type f -perm /6022)"
expect "nothing but executables, libraries and three files of /etc" "" \
  "$(find "$root" -type f | sed "s|^$root||" | grep -vE '^/usr/bin/|\.so(\.[0-9]+)*$|^/etc/(passwd|group|nsswitch.conf)$')"
expect "the executables are stripped" "" \
  "$(readelf -S "$root/usr/bin/seccompd" "$root/usr/bin/seccompd-compile" 2>/dev/null | grep -F .symtab)"
check "it refuses a directory that holds something" bash -c "! '$repo/deploy/rootfs.sh' '$root' '$seccompd' '$compile'"
[ "$(id -u)" = 0 ] || finish
check "the executable runs there" chroot "$root" /usr/bin/seccompd --help
[ "$is_real" = yes ] || finish

# in_root MOUNT ARGUMENT...: seccompd there, with what a runtime mounts into every container, or less.
in_root() {
  # shellcheck disable=SC2016
  unshare --mount --propagation private bash -ec '
    root=$0 mounts=$1
    shift
    [ "$mounts" = none ] || mount -t proc proc "$root/proc"
    [ "$mounts" != all ] || { mount -t tmpfs dev "$root/dev"; mknod -m 666 "$root/dev/null" c 1 3; }
    exec chroot "$root" /usr/bin/seccompd "$@"' "$root" "$@" 2>&1
}
libseccomp=$(pkg-config --modversion libseccomp)
expect_match "seccompd works there, by libseccomp $libseccomp" "^seccompd .* \(libseccomp $libseccomp\)$" "$(in_root all version)"
expect_match "it judges a profile there" 'error: no container can start: .*\[CannotStart\]' \
  "$(in_root all lint - <"$repo/tests/testdata/seed/web-server.json" | tr '\n' ' ')"
expect_match "without /proc it says so" '/proc/self/exe: No such file' "$(in_root none version)"
expect_match "without /dev/null it says so" 'cannot start the compiler: /dev/null: No such file' "$(in_root proc version)"
finish
