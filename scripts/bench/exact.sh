#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What the exact rig promises, counted:
#
#   scripts/bench/exact.sh spread [BOOTS]    the same boot, on this host as it
#                                            is and with a busy loop on each
#                                            processor; other seeds; other
#                                            options of QEMU (default 20 each)
#   scripts/bench/exact.sh hangs [SEEDS]     seeds that did not come to the
#                                            prompt (default 1000)
#   scripts/bench/exact.sh race [TIMES]      a real race: after how many seeds it
#                                            is found, and how often its seed
#                                            finds it again (default 100)
#   scripts/bench/exact.sh answers [FILE...] testcases/ here and in the plain
#                                            rig: do they give one answer?
#   scripts/bench/exact.sh speed [PAIRS]     by turns with the plain rig (5)
#   scripts/bench/exact.sh warp              a suite full of waiting, both ways
#
# Each prints a table; `answers' and `spread' exit 1 when something differs that
# must not.
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/../.."
root=$PWD
bin=${TOYVMM_BENCH_BIN:-$root/build/bin}
TOYVMM_GUEST_BUSYBOX=${TOYVMM_GUEST_BUSYBOX:-$(fixtures/guest.sh resolve busybox)}
export TOYVMM_GUEST_BUSYBOX
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

cat >login.tc <<'END'
test   "log in"
guest  busybox

login  "root" password "root"
run    "echo said" as said
END
cat >prompt.tc <<'END'
test   "as far as the prompt"
guest  busybox

expect /login: $/
END

exact()
{
    "$bin/toyvmm-test" --exact "$@" </dev/null
}

# marks REPORT...: a line for each, wall and CPU time of its login_prompt, ns,
# and a digest of all that the report says.
marks()
{
    python3 - "$@" <<'END'
import hashlib, json, sys
for name in sys.argv[1:]:
    for line in open(name):
        d = json.loads(line)
        if d["type"] != "scenario":
            continue
        m = {x["name"]: x for x in d["marks"]}["login_prompt"]
        digest = hashlib.sha256(line.encode()).hexdigest()[:12]
        print(m["wall_ns"], m["cpu_ns"], digest)
END
}

# table NAME FILE-OF-MARKS: how many there are, how many are different, spreads.
table()
{
    python3 - "$@" <<'END'
import statistics as s, sys
rows = [line.split() for line in open(sys.argv[2])]
def spread(column):
    v = [int(r[column]) for r in rows]
    sd = s.stdev(v) / s.mean(v) if len(v) > 1 else 0
    return f"{s.mean(v) / 1e9:.9f} s  {max(v) - min(v):>10} ns  {sd:.4%}"
print(f"| {sys.argv[1]:<28} | {len(rows):>3} | {len(set(r[2] for r in rows)):>3} "
      f"| {spread(0)} | {spread(1)} |")
END
}

head_of_table()
{
    echo "| login_prompt                 | n   | differ | wall: mean, range," \
        "sd | CPU: mean, range, sd |"
    echo "| --- | --- | --- | --- | --- |"
}

# same NAME BOOTS: so many boots of seed 1.
same()
{
    local i
    : >"$1.marks"
    for ((i = 0; i < $2; i++)); do
        exact -q --json "$1.json" login.tc >/dev/null
        marks "$1.json" >>"$1.marks"
    done
}

bench_spread()
{
    local boots=${1:-20} i tool broken=0
    local -a busy=()
    head_of_table
    same idle "$boots"
    table "seed 1, this host as it is" idle.marks
    for ((i = 0; i < $(nproc); i++)); do
        sh -c 'while :; do :; done' &
        busy+=($!)
    done
    same busy "$boots"
    kill "${busy[@]}"
    table "seed 1, overloaded" busy.marks
    exact -q --explore "$boots" --json seeds.json login.tc >/dev/null
    marks seeds.json >seeds.marks
    table "seeds 1 to $boots" seeds.marks
    # Where an instruction takes 4 ns, all takes another time, as exactly.
    tool=$(command -v qemu-system-x86_64)
    mkdir other
    cat >other/qemu-system-x86_64 <<END
#!/bin/bash
exec "$tool" "\${@/#shift=1,/shift=2,}"
END
    chmod +x other/qemu-system-x86_64
    PATH=$work/other:$PATH same other "$((boots / 4 + 2))"
    table "seed 1, -icount shift=2" other.marks
    [ "$(cat idle.marks busy.marks | sort -u | wc -l)" = 1 ] || broken=1
    [ "$(sort -u other.marks | wc -l)" = 1 ] || broken=1
    return $broken
}

bench_hangs()
{
    local seeds=${1:-1000}
    exact --explore "$seeds" --guard 1200 prompt.tc | tee hangs.out || true
    awk '/^explored/ { n = $2; passed = $4
        if (passed == n)
            printf "0 of %d: at most %.2f %% (95 %%, rule of three)\n", n, \
                300 / n
        else
            printf "%d of %d did not come to the prompt\n", n - passed, n }' \
        hangs.out
}

make_race()
{
    gcc -O2 -static -s -o init "$root/harness/tests/guests/race.c"
    echo init | cpio -o -H newc --quiet >initrd
    cat >race.tc <<END
test     "a timer is waited for"
kernel   "$(sed -n 's/^kernel //p' "$TOYVMM_GUEST_BUSYBOX")"
initrd   "initrd"
cmdline  "console=ttyS0 quiet panic=-1"
memory   128M

expect   /racing/
expect   /all of \d+ rounds/ within 2s
END
}

bench_race()
{
    local times=${1:-100} seed=1 found again=0 i
    make_race
    until exact --explore 10 --seed $seed --json race.json race.tc >race.out; do
        break
    done
    while ! grep -q 'run again' race.out && [ $seed -lt 200 ]; do
        seed=$((seed + 10))
        exact --explore 10 --seed $seed race.tc >race.out || true
    done
    sed -n '/^explored/,$p' race.out
    found=$(sed -n 's/^ *seeds\? \([0-9]*\).*/\1/p' race.out | head -n 1)
    exact -q --seed "$found" --json first.json race.tc >/dev/null || true
    for ((i = 0; i < times; i++)); do
        exact -q --seed "$found" --json again.json race.tc >/dev/null || true
        ! cmp -s first.json again.json || again=$((again + 1))
    done
    echo "seed $found: $again of $times the same failure, byte by byte"
}

# verdicts REPORT: path, verdict, what the failure is, a line for each scenario.
verdicts()
{
    python3 - "$1" <<'END'
import json, re, sys
for line in open(sys.argv[1]):
    d = json.loads(line)
    if d["type"] != "scenario":
        continue
    message = (d["message"] or "").split("\n")[0]
    # Numbers are the machine's, addresses and times of it.
    message = re.sub(r"0x[0-9a-f]+|\d+(\.\d+)?", "N", message)
    print(f'{d["path"]}\t{d["verdict"]}\t{d["kind"] or ""}\t{message}')
END
}

bench_answers()
{
    local -a files
    cd "$root"
    files=("$@")
    [ $# -gt 0 ] || files=(testcases/*.tc testcases/failing/*.tc)
    exact -q -j "$(nproc)" --json "$work/exact.json" "${files[@]}" \
        >"$work/exact.out" 2>&1 || true
    "$bin/toyvmm-test" --accel rig -q --json "$work/rig.json" "${files[@]}" \
        >"$work/rig.out" 2>&1 </dev/null || true
    verdicts "$work/exact.json" >"$work/exact.told"
    verdicts "$work/rig.json" >"$work/rig.told"
    python3 - "$work/exact.told" "$work/rig.told" <<'END'
import sys
def read(name):
    return {p[0]: p[1:] for p in
            (line.rstrip("\n").split("\t") for line in open(name))}
a, b = read(sys.argv[1]), read(sys.argv[2])
differ = 0
print("| scenario | exact | rig | |\n| --- | --- | --- | --- |")
for path in sorted(a.keys() | b.keys()):
    x, y = a.get(path, ["none", "", ""]), b.get(path, ["none", "", ""])
    same = x[:2] == y[:2]
    differ += not same
    words = "" if x == y else f"{x[2]} / {y[2]}"
    print(f"| {path} | {x[0]} {x[1]} | {y[0]} {y[1]} "
          f"| {'' if same else 'DIFFERS '}{words} |")
print(f"{len(a)} scenarios, {differ} differ")
sys.exit(differ > 0 or len(a) != len(b))
END
}

# timed NAME COMMAND...: wall and CPU seconds of it.
timed()
{
    local name=$1 TIMEFORMAT='%R %U %S'
    shift
    { time "$@" >/dev/null 2>&1 </dev/null; } 2>&1 |
        awk -v name="$name" '{ print name, $1, $2 + $3 }'
}

bench_speed()
{
    local pairs=${1:-5} i
    local file=$root/testcases/alpine_login.tc
    for ((i = 0; i < pairs; i++)); do
        timed exact "$bin/toyvmm-test" --exact -q "$file"
        timed rig "$bin/toyvmm-test" --accel rig -q "$file"
    done | tee speed
    python3 - speed <<'END'
import statistics as s, sys
rows = [line.split() for line in open(sys.argv[1])]
for column, what in ((1, "wall"), (2, "CPU")):
    of = {n: [float(r[column]) for r in rows if r[0] == n]
          for n in ("exact", "rig")}
    ratios = [x / y for x, y in zip(of["exact"], of["rig"])]
    print(f"{what}: exact {s.median(of['exact']):.1f} s, rig "
          f"{s.median(of['rig']):.1f} s, ratio {s.median(ratios):.2f} "
          f"({min(ratios):.2f} to {max(ratios):.2f})")
END
}

bench_warp()
{
    cat >wait.tc <<'END'
test     "waits"
guest    busybox
timeout  200s

login    "root" password "root"
run      "sleep 10 && echo said" within 60s
expect   /never comes/ within 15s
END
    timed exact "$bin/toyvmm-test" --exact -q wait.tc
    timed rig "$bin/toyvmm-test" --accel rig -q wait.tc
}

case ${1-} in
spread | hangs | race | answers | speed | warp)
    what=$1
    shift
    "bench_$what" "$@"
    ;;
*)
    sed -n '3,/^set /p' "$root/scripts/bench/exact.sh" | sed '$d; s/^# \?//'
    exit 2
    ;;
esac
