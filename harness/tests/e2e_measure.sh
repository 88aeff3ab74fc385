#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Measured boots from outside: series, distributions, comparisons, the gate.
# Usage: e2e_measure.sh PATH-OF-toyvmm-test. Prints TAP, a line per claim; exits
# 1 when one does not hold, 3 when guests can't run here.
set -uo pipefail
test_program=$(realpath "$1")
source_dir=$(cd "$(dirname "$0")/../.." && pwd)
TOYVMM_GUEST_BUSYBOX=${TOYVMM_GUEST_BUSYBOX:-$("$source_dir/fixtures/guest.sh" \
    resolve busybox)} || exit 3
export TOYVMM_GUEST_BUSYBOX
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
broken=0

claim() {
    if [ $? = 0 ]; then
        echo "ok - $*"
    else
        broken=$((broken + 1))
        echo "not ok - $*"
        sed 's/^/#   /' err out 2>/dev/null | tail -20
    fi
}

toyvmm() {
    timeout -k 5 300 "$test_program" "$@" >out 2>err </dev/null
    status=$?
}

cat >boot.tc <<'END'
test   "to its prompt"
guest  busybox
repeat 2

expect /login: $/ mark prompt
END

wrong() {
    local text=$1
    shift
    toyvmm "$@"
    [ $status = 2 ] && grep -qF -- "$text" err && ! grep -q '^ok' out
    claim "exit 2 and \"$text\": $*"
}

wrong "gate takes BASE HEAD FILE.tc" gate kernel=a kernel=b
wrong 'there is no "krenel"' compare krenel=a kernel=b boot.tc
wrong "--runs is not for toyvmm-test" --runs 3 boot.tc
wrong "--runs 1: give a number from 2" compare --runs 1 a b boot.tc
wrong "are for one boot" --record x.tvr boot.tc
toyvmm compare kernel=/no/such/image cmdline=+b boot.tc
[ $status = 3 ] && grep -q '/no/such/image' err
claim "a kernel that isn't there is told before anything boots"

toyvmm --warmup 1 --stat --junit report.xml boot.tc
[ $status = 0 ] && grep -q '^to its prompt: 2 boots, 1 warm-up not counted' out
claim "a scenario's own repeat, a warm-up, and their distributions"
grep -Eq '^  prompt +2 ' out
claim "a row for each mark with the number of boots that reached it"
[ "$(xmllint --xpath 'count(//testcase)' report.xml)" = 3 ] &&
    grep -q 'to its prompt (boot 2)' report.xml
claim "each boot is in the report"

# Three of each see nothing small: the gate holds, and says so.
toyvmm gate --runs 3 --warmup 0 --json c.json --summary c.md \
    cmdline=+one cmdline=+two boot.tc
[ $status = 0 ] && grep -q '^gate: holds; too few samples' out
claim "too few samples do not break the gate"
python3 - <<'END' && grep -q '^| .prompt. |' c.md
import json
c = json.loads(open("c.json").read())
marks = {m["mark"]: m for m in c["marks"]}
assert c["interleaved"] and c["gate"] == "too few samples", c
assert marks["prompt"]["base_n"] == marks["prompt"]["head_n"] == 3, c
assert marks["prompt"]["needed"] > 3, c
END
claim "a comparison for programs and for a merge request"

# A head that doesn't boot is worse than a slow one.
toyvmm gate --runs 2 --warmup 0 cmdline=+one \
    'cmdline=+rdinit=/no/such/init panic=-1' boot.tc
[ $status = 1 ] && grep -q "of head's boots did not pass" err &&
    grep -q '^gate: broken' out
claim "a head that does not boot breaks the gate"
exit $((broken > 0))
