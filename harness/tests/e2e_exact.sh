#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The exact rig from outside: the same bytes and times on an idle and on an
# overloaded host, whatever else is asked for; seeds, explorations, waiting that
# costs nothing, a rig that hangs. Usage: e2e_exact.sh PATH-OF-toyvmm-test, which
# toyvmm-rig lies beside. Prints TAP, a line per claim; exits 1 when one does
# not hold, 3 when the rig can't run here. scripts/bench/exact.sh does the same
# at length.
# shellcheck disable=SC2016  # some of it is expanded inside the rig
set -uo pipefail
test_program=$(realpath "$1")
rig=$(dirname "$test_program")/toyvmm-rig
source_dir=$(cd "$(dirname "$0")/../.." && pwd)
TOYVMM_GUEST_BUSYBOX=${TOYVMM_GUEST_BUSYBOX:-$("$source_dir/fixtures/guest.sh" \
    resolve busybox)} || exit 3
export TOYVMM_GUEST_BUSYBOX
"$rig" --check >/dev/null || exit 3
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
broken=0

# claim NAME: the last command says whether it holds, so NAME must not run one.
claim() {
    if [ $? = 0 ]; then
        echo "ok - $*"
    else
        broken=$((broken + 1))
        echo "not ok - $*"
        sed 's/^/#   /' err out 2>/dev/null | tail -20
    fi
}

# The CPU time that it took goes to $cpu_s, in whole seconds.
exact() {
    local TIMEFORMAT='%U %S'
    {
        time timeout -k 5 900 "$test_program" --exact "$@" >out 2>err </dev/null
        status=$?
    } 2>cpu
    cpu_s=$(awk '{ printf "%d", $1 + $2 }' cpu)
}

# scenario EXPRESSION REPORT [TITLE]: whether it is true of the report's
# scenario d (of that title; else its first), all being all of them.
scenario() {
    python3 - "$@" <<'END'
import json, sys
lines = [json.loads(line) for line in open(sys.argv[2])]
all = [line for line in lines if line["type"] == "scenario"]
d = next(d for d in all if sys.argv[3:] in ([], [d["title"]]))
p = {x["name"]: x["value"] for x in d["properties"]}
sys.exit(not eval(sys.argv[1]))
END
}

cat >text.tci <<'END'
run "echo said" as said
END
cat >login.tc <<'END'
test   "as far as a shell"
guest  busybox

login  "root" password "root"
use    "text.tci"
check  said == "said"
check  mark login_prompt < 60s
END
cat >wait.tc <<'END'
test     "waits and waits"
guest    busybox
timeout  600s

login    "root" password "root"
run      "sleep 200 && echo said" within 300s
expect   /never comes/ within 100s
END

exact --json first.json --junit first.xml --record first.tvr login.tc
[ $status = 0 ] && grep -q '^accelerator: exact.* seed 1,' out
claim "a scenario with a used file passes"
scenario 'd["accelerator"] == "exact" and p["seed"] == "1"' first.json &&
    grep -q '<property name="seed" value="1"' first.xml &&
    grep -q '^ok .* seed 1, ' out
claim "accelerator and seed stand in its reports"
"$test_program" --replay first.tvr --json again.json login.tc >out 2>err &&
    scenario 'p["seed"] == "1"' again.json && [ -s first.tvr.cast ]
claim "its recording can be replayed and knows the seed"

# On a terminal somebody looks at the run: that is no difference either.
for i in 1 2; do
    timeout 900 sh -c 'while :; do :; done' &
    busy[i]=$!
done
timeout -k 5 900 script -qec "'$test_program' --exact --json run.json \
    --record run.tvr login.tc" /dev/null >screen </dev/null
kill "${busy[@]}"
cmp first.json run.json && cmp first.tvr run.tvr
claim "bytes, times and stamps are the same on a busy host, on a terminal"
tr '\r' '\n' <screen | grep -q 'exact: 0 of 1 ended, 1 runs; .* CPU [1-9]'
claim "and a line there tells how far it is"

# Each in a rig of its own, at a time.
exact -j 2 --json both.json login.tc wait.tc
python3 - <<'END' && [ $status = 1 ] && [ "$(grep -c '^\(ok\|FAIL\) ' out)" = 2 ]
import json, sys
def first(name):
    lines = [json.loads(line) for line in open(name)]
    return next(line for line in lines if line["type"] == "scenario")
sys.exit(first("first.json") != first("both.json"))
END
claim "another scenario beside it makes no difference to one"
scenario 'd["duration_ns"] > 500e9 and "did not come" in d["message"]' \
    both.json "waits and waits" && [ "$cpu_s" -lt 150 ]
claim "a guest and a scenario wait for ten minutes that take none ($cpu_s s)"

exact --guard 1 --json run.json login.tc
[ $status = 3 ] && grep -q "1 second of this host's time: nothing" out &&
    scenario 'd["verdict"] == "error" and d["kind"] == "not-judged"' run.json
claim "a rig that doesn't end is ended, and its scenario is not judged"

# A real race: some seeds find it, and each finds it again.
if echo 'int main(void) { return 0; }' >static.c &&
    gcc -static -o static static.c 2>/dev/null; then
    gcc -O2 -static -s -o init "$source_dir/harness/tests/guests/race.c" &&
        echo init | cpio -o -H newc --quiet >initrd
    kernel=$(sed -n 's/^kernel //p' "$TOYVMM_GUEST_BUSYBOX")
    cat >race.tc <<END
test     "a timer is waited for"
kernel   "$kernel"
initrd   "initrd"
cmdline  "console=ttyS0 quiet panic=-1"
memory   128M

expect   /racing/
expect   /all of \d+ rounds/ within 2s
END
    for seed in 1 3 5 7 9 11 13; do
        exact --explore 2 --seed $seed --json race.json race.tc
        [ $status = 0 ] || break
    done
    told=$(grep '^explored' out)
    [ $status = 1 ] && grep -q 'times\?: race.tc:8:1: .* did not come' out &&
        grep -q 'run again: the same, to the nanosecond' out
    claim "an exploration finds a race: $told"
    scenario 'len(all) == 2 and p["seed"] in d["title"]' race.json
    claim "each of its boots is in the reports"
    command=$(sed -n 's/^ *toyvmm-test //p' out)
    # shellcheck disable=SC2086  # words
    timeout 900 "$test_program" $command --json again.json >out 2>err
    python3 - <<'END'
import json, sys
def failures(name):
    for line in map(json.loads, open(name)):
        if line["type"] == "scenario" and line["verdict"] == "failed":
            yield {k: line[k] for k in ("message", "marks", "duration_ns")}
sys.exit(next(failures("again.json")) not in failures("race.json"))
END
    claim "the command line that it tells boots the failure again: $command"

    # As if QEMU weren't exact: of five boots the last is another.
    mkdir faulty
    cat >faulty/qemu-system-x86_64 <<END
#!/bin/bash
[[ " \$* " != *" -icount "* ]] || echo >>"$work/starts"
[ "\$(cat "$work/starts" | wc -l)" != 5 ] || set -- "\${@/#shift=1,/shift=2,}"
exec "$(command -v qemu-system-x86_64)" "\$@"
END
    chmod +x faulty/qemu-system-x86_64
    sed '/all of/d' race.tc >racing.tc
    : >starts
    PATH=$work/faulty:$PATH timeout -k 5 900 "$test_program" compare --exact \
        -j 1 --seeds 2 --mark first_byte cmdline=+base cmdline=+head \
        racing.tc >out 2>err </dev/null
    [ $? = 3 ] && grep -q 'seed 1 was booted twice and was not the same' out \
        && [ "$(wc -l <starts)" = 5 ]
    claim "a seed that isn't the same when it is repeated is an error, no verdict"

    # A processor goes to sleep while QEMU's other thread looks at it, or is
    # kept from doing so by a host that has no time.
    gcc -O2 -static -s -o sleeps "$source_dir/harness/tests/guests/sleeps.c"
    for i in 1 2 3 4; do
        "$rig" --exact --pack "$work/sleeps" -- "$work/sleeps" >"$i.slept" \
            2>"$i.err" &
        sleeping[i]=$!
    done
    wait "${sleeping[@]}"
    cat ./*.slept ./*.err >out
    grep -q '^awake at' 1.slept && [ "$(sort -u out | wc -l)" = 1 ]
    claim "20,000 times asleep, at once in four rigs: the same nanoseconds"
else
    echo "ok - an exploration finds a race # SKIP no static libc"
    echo "ok - 20,000 times asleep # SKIP no static libc"
fi

# Each interrupt that KVM injects is followed by one that the rig's processor
# sends itself; a handful would be too few for a boot and a login.
busybox=$(command -v busybox) || busybox=
if [ -n "$busybox" ] && ! ldd "$busybox" >/dev/null 2>&1; then
    words=(--pack "$busybox" --pack login.tc --pack text.tci)
    while read -r file; do
        words+=(--pack "$file")
    done < <(echo "$test_program" && ldd "$test_program" | grep -o '/lib[^ ]*' &&
        echo "$TOYVMM_GUEST_BUSYBOX" &&
        sed -n 's/^\(kernel\|initrd\) //p' "$TOYVMM_GUEST_BUSYBOX")
    "$rig" --memory 1536M --exact "${words[@]}" -- "$busybox" sh -c \
        '"$0" login.tc && busybox grep IWI: /proc/interrupts' "$test_program" \
        >out 2>err
    [ "$(awk '/IWI:/ { print ($2 > 100) }' out)" = 1 ]
    claim "no interrupt of a guest is left for QEMU to deliver twice"
else
    echo "ok - QEMU's second delivery # SKIP no static busybox"
fi

# 1 % more instructions in init, one boot of each.
exact_bisection() {
    timeout -k 5 900 "$test_program" bisect --exact --json run.json --mark \
        login_prompt login.tc cmdline=+toyvmm.busy=0 \
        cmdline=+toyvmm.busy=26000 >out 2>err </dev/null &&
        python3 -c 'import json
d = json.load(open("run.json"))
assert d["status"] == "found" and d["boots"] == 2, d
assert 1.008 < d["ratio"] < 1.012, d'
}
exact_bisection
claim "two images, one boot of each, and the slower one is known"

[ $broken = 0 ]
