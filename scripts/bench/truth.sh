#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Is the measurement true? Injects delays of known size into boots and counts
# what `toyvmm-test compare` makes of them: false alarms, and detections.
#
#   scripts/bench/truth.sh simulated [TRIALS]     hundreds of simulated sessions
#                                                 on three kinds of hosts
#   scripts/bench/truth.sh real [PAIRS [EFFECT%]...]
#                                                 real boots by turns, PAIRS of
#                                                 each effect (default: 30 of
#                                                 0, 1, 2, 5, 10); the guest's
#                                                 init computes so much longer
#   scripts/bench/truth.sh                        both
#
# Real boots are compared as a user would. Then what was injected is taken off
# again, and from all pairs samples of different sizes are drawn (blocks of
# neighbouring pairs, with replacement, sides dealt anew) on which known effects
# are put: the noise is real, but such samples are not independent of each other,
# so their rates are a picture of this host; the simulated ones are independent.
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/../.."
root=$PWD
bin=${TOYVMM_BENCH_BIN:-$root/build/bin}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# rows FILE: of JSON lines, the pairs of boots.
rows()
{
    python3 - "$1" <<'END'
import json, sys
pairs = {}
for line in open(sys.argv[1]):
    r = json.loads(line)
    if r["type"] != "scenario" or r["verdict"] != "passed":
        continue
    if "boot" not in r["title"].rsplit("(", 1)[-1]:
        continue
    side, _, number = r["title"].rsplit("(", 1)[1][:-1].split()
    marks = {m["name"]: m["wall_ns"] for m in r["marks"]}
    pairs.setdefault(int(number), {})[side] = (
        marks["userspace"], marks["login_prompt"])
for number in sorted(pairs):
    if len(pairs[number]) == 2:
        print(*pairs[number]["base"], *pairs[number]["head"])
END
}

# pairs EFFECT-IN-MICROSECONDS COUNT FILE: boots them, and writes their rows.
pairs()
{
    "$bin/toyvmm-test" compare -q --runs "$2" --warmup 1 --results "$work/run" \
        --mark userspace,login_prompt "cmdline=+toyvmm.busy=0" \
        "cmdline=+toyvmm.busy=$1" "$root/scripts/bench/truth.tc" \
        >"$work/told" 2>"$work/err" || {
        cat "$work/told" "$work/err" >&2
        exit 1
    }
    "$bin/toyvmm-test" merge -q "$work/run" --json "$work/json"
    {
        echo $(($1 * 1000))
        rows "$work/json"
    } >"$3"
}

real()
{
    local count=${1:-30} effect median
    shift || :
    cd "$work"
    pairs 0 5 first
    median=$(awk 'NR > 1 {print $2; print $4}' first | sort -n |
        awk '{v[NR] = $1} END {printf "%d", v[int((NR + 1) / 2)] / 1000}')
    echo "# $(uname -m), $("$bin/toyvmm-test" --probe | tail -n 1);" \
        "login prompt after $median us; $count pairs of each effect"
    for effect; do
        pairs $((median * effect / 100)) "$count" "rows.$effect"
        echo "# $effect %:"
        grep -E '^  (userspace|login_prompt) ' told | sed 's/^/#/'
    done
    "$bin/bench-truth" resample rows.*
}

case ${1:-all} in
simulated) "$bin/bench-truth" simulate "${2:-500}" ;;
real)
    shift
    pairs_wanted=${1:-30}
    [ $# -gt 0 ] && shift
    [ $# -gt 0 ] || set -- 0 1 2 5 10
    real "$pairs_wanted" "$@"
    ;;
all)
    "$bin/bench-truth" simulate 500
    real 30 0 1 2 5 10
    ;;
*)
    sed -n '3,20s/^# \{0,1\}//p' "$0" >&2
    exit 2
    ;;
esac
