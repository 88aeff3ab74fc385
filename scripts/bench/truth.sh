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
#   scripts/bench/truth.sh exact [SEEDS [EFFECT%]...]
#                                                 boots in the exact rig: SEEDS
#                                                 (8) of each of 0.05, 0.1, 0.2,
#                                                 0.5, 1 and 5 %, and of images
#                                                 with another comment in a file
#   scripts/bench/truth.sh                        all of them
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

# comment NAME FIND REPLACE: $work/NAME, the guest's initrd with this text of a
# file in it replaced. It is an archive that isn't compressed.
comment()
{
    python3 - "$work/initrd.plain" "$work/initrd.$1" "$2" "$3" <<'END'
import sys
archive, out, old, new = sys.argv[1:]
old, new = old.encode(), new.encode()
b = open(archive, "rb").read()
assert b.count(old) == 1, "the initrd has no such comment"
# newc: a header of 110 bytes, the name, the file, each to a multiple of 4.
h = b.rfind(b"070701", 0, b.find(old))
size, name = int(b[h + 54:h + 62], 16), int(b[h + 94:h + 102], 16)
start = (h + 110 + name + 3) // 4 * 4
data = b[start:start + size].replace(old, new)
rest = b[(start + size + 3) // 4 * 4:]
open(out, "wb").write(b[:h + 54] + b"%08X" % len(data) + b[h + 62:start] +
                      data + b"\0" * (-len(data) % 4) + rest)
END
}

# exact_boot IMAGE MICROSECONDS SEED: its report goes to $work/json. Each boot
# has its image at the same path: nothing else may differ.
exact_boot()
{
    cp "$work/initrd.$1" initrd
    "$bin/toyvmm-test" --exact -q --seed "$3" --initrd initrd \
        --cmdline "+toyvmm.busy=$2" --json json truth.tc >told 2>err || {
        cat told err >&2
        exit 1
    }
}

# exact_row IMAGE EFFECT% SEED: a line for bench-truth.
exact_row()
{
    python3 - "$@" <<'END'
import json, sys
lines = [json.loads(line) for line in open("json")]
marks = {m["name"]: m["cpu_ns"]
         for m in next(l for l in lines if l["type"] == "scenario")["marks"]}
print(*sys.argv[1:], marks["first_byte"], marks["userspace"],
      marks["login_prompt"])
END
}

exact()
{
    local seeds=${1:-8} seed image effect prompt busy
    local inittab="# BusyBox's init, in all guests" script="# Started as process"
    shift || :
    cp "$root/scripts/bench/truth.tc" "$work"
    cd "$work"
    cp "$(awk '$1 == "initrd" {print $2}' \
        "$("$root/fixtures/guest.sh" resolve busybox)")" initrd.plain
    comment byte "$inittab" "# busyBox's init, in all guests"
    comment unread "$script" "# started as process"
    comment longer "$inittab" "$inittab, and more"
    comment longest "$inittab" "$inittab$(printf '%4000s' '')"
    : >boots
    for ((seed = 1; seed <= seeds; seed++)); do
        for image in plain byte unread longer longest; do
            exact_boot "$image" 0 "$seed"
            exact_row "$image" 0 "$seed" >>boots
        done
        prompt=${prompt:-$(awk '{print $NF; exit}' boots)}
        for effect; do
            busy=$(awk "BEGIN {printf \"%d\", $prompt * $effect / 100000}")
            exact_boot plain "$busy" "$seed"
            exact_row delayed "$effect" "$seed" >>boots
        done
    done
    # Overloaded: what it was on whatever machine this is.
    local loops=()
    for ((i = 0; i < 2 * $(nproc); i++)); do
        timeout 900 sh -c 'while :; do :; done' &
        loops+=($!)
    done
    exact_boot plain 0 1
    kill "${loops[@]}"
    [ "$(exact_row plain 0 1)" = "$(head -n 1 boots)" ] &&
        echo "# seed 1 on an overloaded machine: the same to the nanosecond"
    "$bin/bench-truth" exact boots
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
exact)
    shift
    seeds_wanted=${1:-8}
    [ $# -gt 0 ] && shift
    [ $# -gt 0 ] || set -- 0.05 0.1 0.2 0.5 1 5
    exact "$seeds_wanted" "$@"
    ;;
all)
    "$bin/bench-truth" simulate 500
    exact 8 0.05 0.1 0.2 0.5 1 5
    real 30 0 1 2 5 10
    ;;
*)
    sed -n '3,25s/^# \{0,1\}//p' "$0" >&2
    exit 2
    ;;
esac
