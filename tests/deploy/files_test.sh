#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The scripts and rendered files of deploy/: up to date, and the image's root file system holds no shell.
set -uo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# Any dynamic executables do here; the end-to-end test does it with the real ones.
seccompd=${SECCOMPD_BUILD:-$repo/build/dev}/src/seccompd
compile=${SECCOMPD_BUILD:-$repo/build/dev}/src/seccompd-compile
if [ ! -x "$seccompd" ] || [ ! -x "$compile" ]; then
  seccompd=$(command -v curl)
  compile=$(command -v jq)
fi

for script in "$repo"/deploy/*.sh "$repo"/tests/*.sh "$repo"/tests/*/*.sh; do
  check "${script#"$repo"/}: parses" bash -n "$script"
done

if [ -x "$helm_bin" ]; then
  check "deploy/*.yaml are what the chart renders" "$repo/deploy/render.sh" --check
  check "helm lint" "$helm_bin" lint --strict "$repo/charts/seccompd"
else
  skip "no Helm at $helm_bin: run deploy/install-deps.sh test"
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
if [ "$(id -u)" = 0 ]; then
  check "the executable runs there" chroot "$root" /usr/bin/seccompd --help
fi
check "it refuses a directory that holds something" bash -c "! '$repo/deploy/rootfs.sh' '$root' '$seccompd' '$compile'"

expect_match "install-deps.sh names its groups when asked for another" 'build.*test.*runtime' \
  "$("$repo/deploy/install-deps.sh" nonsense 2>&1)"
finish
