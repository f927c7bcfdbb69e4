#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Collects the root file system of the agent's image: the two executables, the shared libraries that they need,
# /etc/passwd, and nothing else: no shell. The Dockerfile and the end-to-end test use it.
#
#   deploy/rootfs.sh DEST SECCOMPD SECCOMPD_COMPILE
#
# DEST is created; it must not exist or be empty. At most 40 MiB may come of it.
set -euo pipefail

max_kib=$((40 * 1024))

say() { printf 'rootfs: %s\n' "$*" >&2; }
die() { say "FAILED: $*"; exit 3; }

[ $# = 3 ] || { sed -n '3,8s/^# \{0,1\}//p' "$0" >&2; exit 2; }
dest=$1
seccompd=$2
compile=$3
for file in "$seccompd" "$compile"; do
  [ -x "$file" ] || die "$file is no executable: build it first"
done
[ -z "$(ls -A "$dest" 2>/dev/null)" ] || die "$dest is not empty"

install_stripped() { # install_stripped SOURCE TARGET
  install -D -m 0755 "$1" "$dest$2"
  if command -v strip >/dev/null; then strip --strip-unneeded "$dest$2"; fi
}

# needed EXECUTABLE: the files that the dynamic linker would load, itself among them.
needed() {
  local lines
  lines=$(ldd "$1" 2>/dev/null) || return 0  # a static executable needs none
  ! grep -F 'not found' <<<"$lines" >&2 || die "a library of $1 is missing"
  awk '$2 == "=>" && $3 ~ /^\// {print $3} $1 ~ /^\// {print $1}' <<<"$lines"
}

mkdir -p "$dest/etc" "$dest/proc" "$dest/sys" "$dest/dev" "$dest/var/lib"
install_stripped "$seccompd" /usr/bin/seccompd
install_stripped "$compile" /usr/bin/seccompd-compile

# glibc needs no module for names and DNS any more (since 2.34).
libraries=$( { needed "$seccompd"; needed "$compile"; } | sort -u)
for library in $libraries; do
  # The name that the executable asks for, with the bytes that it stands for; /lib is /usr/lib.
  case $library in
    /lib/* | /lib64/*) target=/usr$library ;;
    *) target=$library ;;
  esac
  install_stripped "$(readlink -f "$library")" "$target"
done
mkdir -p "$dest/usr/lib" "$dest/usr/lib64"
ln -s usr/lib "$dest/lib"
ln -s usr/lib64 "$dest/lib64"

printf 'root:x:0:0:root:/:/sbin/nologin\n' >"$dest/etc/passwd"
printf 'root:x:0:\n' >"$dest/etc/group"
# Names in /etc/hosts beat DNS, as everywhere else.
printf 'passwd: files\ngroup: files\nhosts: files dns\n' >"$dest/etc/nsswitch.conf"

used_kib=$(du -sk --apparent-size "$dest" | cut -f1)
say "$dest: $(find "$dest" -type f | wc -l) files, $((used_kib / 1024)).$((used_kib % 1024 * 10 / 1024)) MiB"
[ "$used_kib" -le "$max_kib" ] || die "$used_kib KiB is more than the $max_kib KiB that an image may have"
