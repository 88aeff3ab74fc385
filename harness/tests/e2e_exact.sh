#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The exact rig from outside: the same bytes and times on an idle and on an
# overloaded host, seeds, waiting that costs nothing. Usage: e2e_exact.sh
# PATH-OF-toyvmm-test, which toyvmm-rig lies beside. Prints TAP, a line per
# claim; exits 1 when one does not hold, 3 when the rig can't run here.
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

claim() {
    if [ $? = 0 ]; then
        echo "ok - $*"
    else
        broken=$((broken + 1))
        echo "not ok - $*"
        sed 's/^/#   /' err out 2>/dev/null | tail -20
    fi
}

exact() {
    timeout -k 5 900 "$test_program" --exact "$@" >out 2>err </dev/null
    status=$?
}

# Whether an expression on a report's only scenario, d, is true.
scenario() {
    python3 - "$@" <<'END'
import json, sys
lines = [json.loads(line) for line in open(sys.argv[2])]
d = next(line for line in lines if line["type"] == "scenario")
sys.exit(not eval(sys.argv[1]))
END
}

# User and system time of all that has ended, in milliseconds, goes to $cpu_ms.
look_at_cpu() {
    # Not in a pipe: a subshell has children of its own.
    times >cpu
    cpu_ms=$(awk -F '[ms ]' \
        'END { printf "%d", ($1 * 60 + $2 + $4 * 60 + $5) * 1000 }' cpu)
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
sed 's/^use.*/run "sleep 20 \&\& echo said" as said/' login.tc >sleep.tc

exact --json run.json --record run.tvr login.tc
[ $status = 0 ] && grep -q '^accelerator: exact.* seed 1,' out
claim "a scenario with a used file passes"
scenario 'd["accelerator"] == "exact"' run.json
claim "its report names the accelerator"
"$test_program" --replay run.tvr login.tc >out 2>err
claim "its recording can be replayed"
mv run.json first.json
mv run.tvr first.tvr

for i in 1 2; do
    timeout 900 sh -c 'while :; do :; done' &
    busy[i]=$!
done
timeout -k 5 900 "$test_program" --exact --json run.json --record run.tvr \
    login.tc </dev/null 2>&1 | cat >out
kill "${busy[@]}"
cmp first.json run.json && cmp first.tvr run.tvr
claim "bytes, times and stamps are the same on a busy host, into a pipe"

look_at_cpu
before=$cpu_ms
exact --seed 2 --json run.json login.tc
look_at_cpu
login=$((cpu_ms - before))
[ $status = 0 ] && grep -q ' seed 2,' out && ! cmp -s first.json run.json
claim "another seed has the same verdict and other times"

before=$cpu_ms
exact --seed 2 --json run.json sleep.tc
look_at_cpu
asleep=$((cpu_ms - before))
[ $status = 0 ] && scenario 'd["duration_ns"] > 20e9' run.json &&
    [ "$asleep" -lt $((login + 10000)) ]
claim "a guest that sleeps for 20 s takes none of the host's ($login, $asleep ms)"

exact --accel kvm login.tc
[ $status = 2 ] && grep -q -- '--exact is not for --accel kvm' err
claim "not with KVM"

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

[ $broken = 0 ]
