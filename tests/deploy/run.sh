#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Tests of the chart and of deploy/: needs Helm and python3-yaml (deploy/install-deps.sh test), no cluster.
set -uo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"
[ -x "$helm_bin" ] || skip "no Helm at $helm_bin: run deploy/install-deps.sh test"
status=0
"$python" "$repo/tests/deploy/chart_test.py" "$helm_bin" || status=1
"$repo/tests/deploy/files_test.sh" || status=1
"$repo/tests/deploy/rootfs_test.sh" || status=1
exit $status
