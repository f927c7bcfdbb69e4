#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The layers of ARCHITECTURE.md, enforced: who includes whom, which layer touches which library, what the executables link.
set -uo pipefail
cd "$(dirname "$0")/.."
build=${SECCOMPD_BUILD:-$PWD/build/dev}
passed=0 failed=0
ok() { passed=$((passed + 1)); printf 'ok: %s\n' "$*"; }
fail() { failed=$((failed + 1)); printf 'FAIL: %s\n' "$*"; }

# layer -> the layers whose headers it may include
declare -A may=(
  [base]="base"
  [profile]="base profile"
  [compiler]="base profile compiler"
  [node]="base node"
  [http]="base http"
  [kube]="base http kube"
  [agent]="base profile compiler node http kube agent"
  [cli]="base profile compiler node http kube cli"
)
for layer in "${!may[@]}"; do
  bad=$(grep -rnoE '#include "seccompd/[a-z]+/' "include/seccompd/$layer" "src/$layer" |
    while IFS= read -r line; do
      other=${line##*seccompd/} other=${other%/}
      [[ " ${may[$layer]} " == *" $other "* ]] || printf '%s\n' "$line"
    done)
  if [ -z "$bad" ]; then ok "$layer includes only: ${may[$layer]}"; else fail "$layer reaches out of its layer:"; printf '%s\n' "$bad"; fi
done

# header regex -> the files that may include it
lonely() { # lonely WHAT REGEX ALLOWED-PATH-REGEX
  local bad
  bad=$(grep -rnE "#include [<\"]$2" include src | grep -vE "^($3)" || true)
  if [ -z "$bad" ]; then ok "$1 stays in its place"; else fail "$1 is included elsewhere:"; printf '%s\n' "$bad"; fi
}
lonely cpprestsdk '(cpprest|pplx)/' 'src/http/'
lonely Boost 'boost/' 'src/http/'
lonely libseccomp 'seccomp\.h' 'src/profile/'
lonely yaml-cpp 'yaml-cpp/' 'src/profile/yaml\.cc'
lonely spdlog 'spdlog/' 'src/agent/|src/cli/'
lonely prometheus-cpp 'prometheus/' 'src/agent/metrics\.cc'
lonely CLI11 'CLI/' 'src/agent/flags\.cc|src/(main|audit_command)\.cc|src/cli/(commands|completion)\.cc'
lonely OpenSSL 'openssl/' 'src/base/digest\.cc|src/http/'
lonely 'a heavy library in a public header' '(nlohmann|boost|cpprest|yaml-cpp|prometheus)/[^>]*' 'src/'

# An exec plugin of a kubeconfig gets the environment that the command line was started in.
bad=$(grep -rnE '\b(getenv|secure_getenv|environ)\b' include src | grep -vE '^(src/main\.cc|src/compile_main\.cc|src/kube/exec_plugin\.cc)' || true)
if [ -z "$bad" ]; then ok "only the mains read the environment"; else fail "the environment is read elsewhere:"; printf '%s\n' "$bad"; fi
# Two exceptions: the random moment of a kill -9, and a CRD's first serving, of which no event tells.
bad=$(grep -rnE 'sleep_for|usleep\(|[^a-z_]sleep\(' tests --include='*.cc' --include='*.h' |
  grep -vE '^tests/(node/store_live_test|realapi/reflector_realapi_test)\.cc' || true)
if [ -z "$bad" ]; then ok "no test sleeps"; else fail "a sleep in place of an event:"; printf '%s\n' "$bad"; fi

linked=$(ldd "$build/src/seccompd" 2>&1)
for library in libseccomp libyaml-cpp; do
  if grep -q "$library" <<<"$linked"; then fail "seccompd links $library"; else ok "seccompd does not link $library"; fi
done
for exe in seccompd seccompd-compile; do
  head=$(readelf -hW "$build/src/$exe") dynamic=$(readelf -dW "$build/src/$exe") program=$(readelf -lW "$build/src/$exe")
  if grep -q 'DYN' <<<"$head"; then ok "$exe is position independent"; else fail "$exe is no PIE"; fi
  if grep -q 'GNU_RELRO' <<<"$program" && grep -qE 'BIND_NOW|NOW' <<<"$dynamic"; then ok "$exe has full RELRO"; else fail "$exe lacks RELRO"; fi
  if grep -q 'GNU_STACK.*RWE' <<<"$program"; then fail "$exe has an executable stack"; else ok "$exe has no executable stack"; fi
  symbols=$(nm -D --undefined-only "$build/src/$exe" 2>/dev/null; nm "$build/src/$exe" 2>/dev/null)
  if grep -q '_chk' <<<"$symbols"; then
    ok "$exe is built with _FORTIFY_SOURCE"
  else
    fail "$exe is not built with _FORTIFY_SOURCE"
  fi
done
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
