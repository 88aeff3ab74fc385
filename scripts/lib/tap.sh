# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# TAP for shell tests, and the tally over everybody's TAP. Sourced by
# scripts/test.sh and by the test scripts of the rooms.
#
# A line is `ok - name`, `ok - name # SKIP reason` or `not ok - name`, with
# `# ...` lines as explanation: what Criterion's --tap writes too.

tap_failures=0

tap_ok()
{
    printf 'ok - %s\n' "$1"
}

# tap_not_ok NAME [EXPLANATION...]
tap_not_ok()
{
    printf 'not ok - %s\n' "$1"
    shift
    [ $# -eq 0 ] || printf '%s\n' "$@" | sed 's/^/# /'
    tap_failures=$((tap_failures + 1))
}

# tap_skip NAME REASON
tap_skip()
{
    printf 'ok - %s # SKIP %s\n' "$1" "$2"
}

# tap_run NAME COMMAND...: ok when it exits 0; its output explains a failure.
tap_run()
{
    local name=$1 out status=0
    shift
    out=$("$@" 2>&1) || status=$?
    if [ "$status" -eq 0 ]; then
        tap_ok "$name"
    else
        tap_not_ok "$name" "exit status $status: $*" "${out:0:4000}"
    fi
}

# tap_tally FILE...: prints "PASSED FAILED SKIPPED" of all the files. Criterion
# writes neither a number nor always " - " for a crashed test.
tap_tally()
{
    awk '
        /^not ok/           { failed++; next }
        /^ok.*# SKIP/       { skipped++; next }
        /^ok/               { passed++ }
        END { print passed + 0, failed + 0, skipped + 0 }
    ' /dev/null "$@"
}
