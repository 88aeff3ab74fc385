#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# One runner's part of a suite: ci/shard.sh I N RESULTS.run FILE|FOLDER...
# BOOT_HISTORY (a file, or postgresql://...) balances the parts, BOOT_OPTIONS are
# more options. The results are written whatever the verdicts are.
set -eu
if [ $# -lt 4 ]; then
    echo "usage: $0 I N RESULTS.run FILE|FOLDER..." >&2
    exit 2
fi
program=${TOYVMM_TEST:-$(dirname "$0")/../build/bin/toyvmm-test}
index=$1
count=$2
results=$3
shift 3
# A history that isn't there yet balances nothing.
case ${BOOT_HISTORY:-} in
'') ;;
*://*) set -- --history "$BOOT_HISTORY" "$@" ;;
*) [ ! -s "$BOOT_HISTORY" ] || set -- --history "$BOOT_HISTORY" "$@" ;;
esac
# shellcheck disable=SC2086 # several options
exec "$program" --shard "$index/$count" --results "$results" \
    ${BOOT_OPTIONS:-} "$@"
