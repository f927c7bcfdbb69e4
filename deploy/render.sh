#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Renders deploy/seccompd.yaml and deploy/crds.yaml from the chart, for those who do not use Helm.
#
#   deploy/render.sh           write both files
#   deploy/render.sh --check   fail when they differ from the chart
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/../tests/lib.sh"

[ -x "$helm_bin" ] || { say "render: no Helm at $helm_bin: run deploy/install-deps.sh test" >&2; exit 3; }

render() { # render [HELM-ARGUMENT...]: without what only Helm would use
  printf '# Rendered from charts/seccompd by deploy/render.sh: change the chart, not this file.\n'
  helm template seccompd "$repo/charts/seccompd" --namespace seccompd-system "$@" |
    sed -e '/^# Source: /d' -e '/app.kubernetes.io\/managed-by: Helm$/d'
}

out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
render --set createNamespace=true >"$out/seccompd.yaml"
render --show-only templates/crds/tenantseccompprofiles.yaml \
  --show-only templates/crds/nodeseccompstates.yaml >"$out/crds.yaml"

case ${1:-} in
  --check)
    for file in seccompd.yaml crds.yaml; do
      diff -u "$repo/deploy/$file" "$out/$file" ||
        { say "render: deploy/$file is not what the chart renders: run deploy/render.sh" >&2; exit 1; }
    done
    ;;
  "") cp "$out"/*.yaml "$repo/deploy/" ;;
  *) sed -n '3,6s/^# \{0,1\}//p' "$0" >&2; exit 2 ;;
esac
