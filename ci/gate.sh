#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Is this change slower? ci/gate.sh BASE-TREE HEAD-TREE SCENARIO.tc [OPTION...]
# boots the images of both trees by turns on this runner, writes gate.md and
# gate.json, and exits 1 only when the head is slower for sure, or does not boot.
# Options are those of `toyvmm-test gate`.
set -eu
if [ $# -lt 3 ]; then
    echo "usage: $0 BASE-TREE HEAD-TREE SCENARIO.tc [OPTION...]" >&2
    exit 2
fi
here=$(dirname "$0")
program=${TOYVMM_TEST:-$here/../build/bin/toyvmm-test}
base=$("$here/image.sh" "$1")
head=$("$here/image.sh" "$2")
scenario=$3
shift 3
rm -f gate.md
status=0
"$program" gate --json gate.json --summary gate.md "$@" \
    "$base" "$head" "$scenario" || status=$?
[ -z "${GITHUB_STEP_SUMMARY:-}" ] || [ ! -s gate.md ] ||
    cat gate.md >>"$GITHUB_STEP_SUMMARY"
exit $status
