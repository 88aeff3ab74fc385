#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The parts' results as one report: ci/merge.sh FOLDER RESULTS.run...
# FOLDER gets report.xml, index.html and summary.md. With BOOT_HISTORY the runs
# are kept there, and FOLDER gets trend.html and boot.prom, too. Exits as the
# whole suite does; 3 when a part is missing.
set -eu
if [ $# -lt 2 ]; then
    echo "usage: $0 FOLDER RESULTS.run..." >&2
    exit 2
fi
program=${TOYVMM_TEST:-$(dirname "$0")/../build/bin/toyvmm-test}
folder=$1
shift
mkdir -p "$folder"
rm -f "$folder/summary.md"
[ -z "${BOOT_HISTORY:-}" ] || set -- --history "$BOOT_HISTORY" "$@"
status=0
"$program" merge --junit "$folder/report.xml" --html "$folder/index.html" \
    --summary "$folder/summary.md" "$@" || status=$?
if [ -n "${BOOT_HISTORY:-}" ]; then
    # 3: nothing has passed yet.
    "$program" trend --history "$BOOT_HISTORY" --html "$folder/trend.html" \
        --openmetrics "$folder/boot.prom" -q || [ $? = 3 ]
fi
# GitHub shows it on the run's page.
[ -z "${GITHUB_STEP_SUMMARY:-}" ] ||
    cat "$folder/summary.md" >>"$GITHUB_STEP_SUMMARY"
exit $status
