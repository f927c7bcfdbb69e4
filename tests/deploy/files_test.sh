#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The scripts and rendered files of deploy/: up to date.
set -uo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"

for script in "$repo"/deploy/*.sh "$repo"/tests/*.sh "$repo"/tests/*/*.sh; do
  check "${script#"$repo"/}: parses" bash -n "$script"
done

if [ -x "$helm_bin" ]; then
  check "deploy/*.yaml are what the chart renders" "$repo/deploy/render.sh" --check
  check "helm lint" "$helm_bin" lint --strict "$repo/charts/seccompd"
else
  skip "no Helm at $helm_bin: run deploy/install-deps.sh test"
fi

expect_match "install-deps.sh names its groups when asked for another" 'build.*unit.*runtime.*servers.*test' \
  "$("$repo/deploy/install-deps.sh" nonsense 2>&1)"
finish
