#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Never a hang: guests, scenarios, signals and surroundings that would make a
# lesser program wait for ever. Each claim measures that the command ended by
# its scenario's deadline and two seconds, with the right exit code, its report
# written and no process left. Usage: torture.sh PATH-OF-toyvmm-test. Prints TAP,
# a line per claim; exits 1 when one does not hold, 3 when guests can't run
# here. Without KVM all of it runs in one rig.
set -uo pipefail
test_program=$(realpath "$1")
source_dir=$(cd "$(dirname "$0")/../.." && pwd)

# An emulated machine is so much slower than what is promised. On one that has
# other work besides, a control says how much slower it is: in_time.
SLACK=${TOYVMM_TORTURE_SLACK:-3}
# Nothing here is waited for longer, s: what takes that long does not come.
readonly PATIENCE=120

TOYVMM_GUEST_BUSYBOX=${TOYVMM_GUEST_BUSYBOX:-$("$source_dir/fixtures/guest.sh" \
    resolve busybox)} || exit 3
export TOYVMM_GUEST_BUSYBOX
if [ -z "${TOYVMM_RIG:-}" ] && ! "$test_program" --probe | grep >/dev/null '^kvm: usable'
then
    rig=$(dirname "$test_program")/toyvmm-rig
    [ -x "$rig" ] || exit 3
    cd "$source_dir" || exit 1
    exec "$rig" --memory 1536M -- "$0" "$test_program"
fi

work=$(mktemp -d)
disk=$work/disk
trap 'umount "$disk" 2>/dev/null; rm -rf "$work"' EXIT
cd "$work" || exit 1
broken=0
claims=0
status=0
took=0

# claim WORDS: tells whether the command before it held.
claim()
{
    local held=$?
    claims=$((claims + 1))
    if [ $held = 0 ]; then
        echo "ok - $*"
        echo "#   exit code $status after $took ms"
        return
    fi
    broken=$((broken + 1))
    echo "not ok - $*"
    echo "#   exit code $status after $took ms"
    tail -n 25 "$work/err" "$work/out" 2>/dev/null | cut -c1-300 |
        sed 's/^/#   /'
}

now_ms()
{
    local t=${EPOCHREALTIME/./}
    echo $((t / 1000))
}

# ---- Guests of a few instructions -------------------------------------------

# le BYTES NUMBER: as \x escapes, little endian.
le()
{
    local i n=$2
    for ((i = 0; i < $1; i++)); do
        printf '\\x%02x' $((n & 255))
        n=$((n >> 8))
    done
}

# kernel NAME CODE: an ELF kernel of one segment at 1 MiB; CODE is \x escapes.
kernel()
{
    local code=$2 len=$((${#2} / 4)) header
    header='\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0'
    header+=$(le 2 2)$(le 2 62)$(le 4 1)$(le 8 0x100000)$(le 8 64)$(le 8 0)
    header+=$(le 4 0)$(le 2 64)$(le 2 56)$(le 2 1)$(le 2 0)$(le 2 0)$(le 2 0)
    header+=$(le 4 1)$(le 4 5)$(le 8 120)$(le 8 0x100000)$(le 8 0x100000)
    header+=$(le 8 $len)$(le 8 $len)$(le 8 4096)
    printf '%b' "$header$code" >"$1"
}

# Spins with interrupts off, prints nothing and never looks at its UART.
kernel spin '\xfa\xf3\x90\xeb\xfc'
# Sends "a" to ttyS0 as fast as it can.
kernel flood '\x66\xba\xf8\x03\xb0\x61\xee\xeb\xfd'
# The same in lines of 63.
kernel lines '\x66\xba\xf8\x03\xb9\x3f\x00\x00\x00\xb0\x61\xee\xe2\xfd\xb0\x0a\xee\xeb\xf1'
# Resets at once, through 0xcf9.
kernel resets '\x66\xba\xf9\x0c\xb0\x06\xee\xeb\xfe'

# scenario FILE TEXT
scenario()
{
    printf '%b' "$2" >"$1.tc"
}
scenario control 'kernel spin\nmemory 16M\ntimeout 1s\nexpect /x/\n'

# ---- Measuring --------------------------------------------------------------

# toyvmm ARGS: runs the command; status and took (ms). Its report is report.xml.
toyvmm()
{
    local begin
    rm -f report.xml
    begin=$(now_ms)
    timeout -k 5 300 "$test_program" --accel kvm --timeout-scale 1 \
        --junit report.xml "$@" >out 2>err </dev/null
    status=$?
    took=$(($(now_ms) - begin))
}

# files: what the command could leave behind.
files()
{
    ls -d /tmp/toyvmm-?????? /tmp/criterion_*.sock /dev/shm/* 2>/dev/null
}
files_before=$(files)

# until_true COMMAND...: looks again and again; false when it stays false.
until_true()
{
    local end=$((SECONDS + PATIENCE))
    until "$@"; do
        [ $SECONDS -lt $end ] || return 1
        sleep 0.05
    done
}

nothing_left()
{
    left=$(pgrep -x toyvmm-test; files | grep -vxF "$files_before")
    [ -z "$left" ]
}

# A run with a deadline of one second that nothing disturbs: overrun, by how
# much (ms) it ends later than that, now and here.
control()
{
    local begin
    begin=$(now_ms)
    timeout -k 5 300 "$test_program" --accel kvm --timeout-scale 1 \
        "$work/control.tc" >"$work/control.out" 2>&1 </dev/null
    overrun=$(($(now_ms) - begin - 1000))
}

# in_time SECONDS: the last run, with a deadline of so many, ended by itself and
# soon enough, and left no process and no file. What is late by the promise is
# late only when it is by far later than a control that runs at once.
in_time()
{
    local left overrun limit=$((($1 + 2) * 1000 * SLACK))
    if [ "$status" = 124 ] || [ "$status" = 137 ]; then
        return 1
    fi
    if [ "$took" -gt $limit ]; then
        control
        echo "late: $took ms; a control is late by $overrun ms" >>err
        [ "$took" -le $((limit + 10 * overrun)) ] || return 1
    fi
    until_true nothing_left || {
        echo "left behind: $left" >>err
        return 1
    }
}

# failed KIND TEXT: the report has a failure or an error of that kind and words.
failed()
{
    [ "$status" = 1 ] && grep -q "type=\"$1\"" report.xml &&
        grep -qF -- "$2" report.xml
}

# ---- Guests -----------------------------------------------------------------

guests()
{
    scenario spin 'kernel spin\nmemory 16M\ntimeout 1s\nexpect /x/\n'
    toyvmm spin.tc
    failed timeout "timeout of 1 s passed" && in_time 1
    claim "a guest that spins with interrupts off"

    # The step's own time, which does not begin before the machine is made.
    scenario login 'kernel spin\nmemory 16M\ntimeout 100s\nstep-timeout 1s\n
login "root"\n'
    toyvmm login.tc
    failed timeout "a login prompt" && in_time 1
    claim "a login on a guest that never looks at its UART"

    scenario typed "kernel spin\nmemory 16M\ntimeout 100s\nstep-timeout 2s\n\
repeat 3000 {\ntype \"$(head -c 1000 /dev/zero | tr '\0' x)\"\n}\nexpect /x/\n"
    toyvmm typed.tc
    failed input "no room for" && in_time 2
    claim "a guest that never reads, and 3 MB typed"

    scenario flood 'kernel flood\nmemory 16M\ntimeout 1s\nexpect /x/\n'
    toyvmm flood.tc
    failed timeout "timeout of 1 s passed" && in_time 1
    claim "a guest that floods the console"

    scenario explode 'kernel flood\nmemory 16M\ntimeout 2s\n
expect /(a+)+\\d/\n'
    toyvmm explode.tc
    [ $status = 1 ] && grep -q '<error\|<failure' report.xml && in_time 2
    claim "a pattern that explodes on a flood"

    scenario watch 'kernel lines\nmemory 16M\ntimeout 2s\n
fail /(a+)+\\d/ "never"\nexpect /x/\n'
    toyvmm watch.tc
    failed pattern-limit "takes too long on" && in_time 2
    claim "a fail pattern that explodes on a flood"

    scenario resets 'kernel resets\nmemory 16M\ntimeout 2s\n
repeat 1000000 {\nexpect reset\n}\n'
    toyvmm resets.tc
    failed timeout "timeout of 2 s passed" && in_time 2
    claim "a guest that resets for ever"
}

# ---- Scenarios --------------------------------------------------------------

scenarios()
{
    local head='kernel spin\nmemory 16M\ntimeout 1s\n'
    scenario empty "${head}repeat 1000000 {\nrepeat 1000000 {\n}\n}\n"
    toyvmm empty.tc
    failed timeout "timeout of 1 s passed" && in_time 1
    claim "empty loops without end"

    scenario logs "${head}repeat 1000000 {\nrepeat 1000000 {\nlog \"on\"\n}\n}\n"
    toyvmm logs.tc
    failed timeout "timeout of 1 s passed" && in_time 1 &&
        [ "$(stat -c %s report.xml)" -lt 20000000 ]
    claim "a log without end"

    { echo 'kernel spin'
      head -c 200000 /dev/zero | tr '\0' 'x' | sed 's/xx/repeat 2 {\n/g'
    } >nested.tc
    toyvmm nested.tc
    [ $status = 2 ] && in_time 1
    claim "100000 blocks in one another are refused"
}

# ---- Commands in a guest ----------------------------------------------------

# command NAME TEXT: a command that does not come to its end, in a real guest.
command_never_ends()
{
    scenario "$1" "guest busybox\ntimeout 100s\n\
login \"root\" password \"root\"\nrun '$2' within 4s\n"
    toyvmm "$1.tc"
    failed timeout "the end of the command" && in_time 100
    claim "a command that $3"
}

commands()
{
    command_never_ends endless 'while :; do :; done' "never ends"
    command_never_ends stdin 'cat' "waits for input"
    # shellcheck disable=SC2016  # the guest expands it
    command_never_ends kills 'kill -9 $PPID $$' "kills its shell and the login"
}

# ---- Signals ----------------------------------------------------------------

# start FILE ARGS: in the background; waits until its first step is begun: then
# the worker is there.
start()
{
    local file=$1
    shift
    # Not the words of the run before: the redirection is the child's.
    rm -f report.xml out err
    launched=$(now_ms)
    "$test_program" --accel kvm --timeout-scale 1 --junit report.xml -vv \
        "$file" "$@" >out 2>err </dev/null &
    run=$!
    until_true grep -qs 'expect' err || return 1
    began=$(now_ms)
}

# ended: waits for it; status and took.
ended()
{
    wait "$run"
    status=$?
    took=$(($(now_ms) - began))
}

# child_of PID: its only child's. In a rig a look at all processes would take so
# long that the scenario's time is over before it is stopped.
child_of()
{
    local child
    # The file has no line's end: read says that it met the file's.
    read -r child <"/proc/$1/task/$1/children" || [ -n "$child" ] && echo "$child"
}

# worker: the pid of the process that is the child of the only child.
worker()
{
    child_of "$(child_of "$run")"
}

# is_stopped PID: it is; or it is gone.
is_stopped()
{
    ! state=$(ps -o state= -p "$1") || [ "$state" = T ]
}

# start_and_stop WHO...: a scenario in the background, of which the processes
# WHO were stopped before its deadline, `limit` s. Where the machine is too slow
# for a short one, what was stopped too late proves nothing, and the deadline
# must be a longer one.
start_and_stop()
{
    local who pid state
    for limit in 3 12 48; do
        scenario short "kernel spin\nmemory 16M\ntimeout ${limit}s\nexpect /x/\n"
        start short.tc || return 1
        for who in "$@"; do
            pid=$($who)
            kill -STOP "$pid"
            until_true is_stopped "$pid"
        done
        [ $(($(now_ms) - launched)) -ge $((limit * 1000)) ] || return 0
        kill -CONT "$pid"
        ended
    done
    return 1
}

criterion()
{
    child_of "$run"
}

signals()
{
    local run began launched limit signal
    scenario long 'kernel spin\nmemory 16M\ntimeout 100s\nstep-timeout 100s\nexpect /x/\n'
    for signal in INT TERM HUP; do
        start long.tc
        kill "-$signal" "$run"
        ended
        [ $status = 130 ] && grep -q 'type="interrupted"' report.xml && in_time 0
        claim "SIG$signal"
    done
    start long.tc
    kill -INT "$run"
    kill -INT "$run"
    ended
    [ $status = 130 ] && grep -q 'type="interrupted"' report.xml && in_time 0
    claim "SIGINT twice"

    start long.tc
    kill -STOP "$(worker)"
    kill -INT "$run"
    sleep 0.2
    kill -INT "$run"
    ended
    [ $status = 130 ] && grep -q 'type="interrupted"' report.xml && in_time 0
    claim "SIGINT twice while the worker is stopped"

    start_and_stop worker
    ended
    failed stuck "did not end by itself" && in_time "$limit"
    claim "a worker that is stopped"

    start long.tc
    kill -KILL "$(worker)"
    ended
    failed crash "died of SIGKILL" && in_time 0
    claim "a worker that is killed"

    start_and_stop criterion
    kill -KILL "$(worker)"
    ended
    [ $status = 1 ] && [ -s report.xml ] && in_time "$limit"
    claim "Criterion stopped and its worker killed"
}

# ---- Streams ----------------------------------------------------------------

streams()
{
    local begin pid
    # Closed, without a reader, and full.
    rm -f report.xml
    begin=$(now_ms)
    "$test_program" --accel kvm --timeout-scale 1 --junit report.xml spin.tc \
        >&- 2>err </dev/null
    status=$?
    took=$(($(now_ms) - begin))
    failed timeout "timeout of 1 s" && in_time 1
    claim "standard output is closed"

    "$test_program" --accel kvm --timeout-scale 1 --junit report.xml spin.tc \
        <&- >&- 2>&-
    status=$?
    failed timeout "timeout of 1 s" && in_time 1
    claim "all three streams are closed"

    begin=$(now_ms)
    { "$test_program" --accel kvm --timeout-scale 1 --junit report.xml -v \
        spin.tc 2>err </dev/null; echo $? >status; } | true
    status=$(cat status)
    took=$(($(now_ms) - begin))
    failed timeout "timeout of 1 s" && in_time 1
    claim "nobody reads standard output any more"

    mkfifo full
    sleep 1000 <>full &
    pid=$!
    # Ends when no more goes in.
    dd if=/dev/zero of=full oflag=nonblock conv=notrunc bs=1 \
        count=10000000 2>/dev/null
    rm -f report.xml
    begin=$(now_ms)
    timeout -k 5 300 "$test_program" --accel kvm --timeout-scale 1 \
        --junit report.xml spin.tc >full 2>err </dev/null
    status=$?
    took=$(($(now_ms) - begin))
    failed timeout "timeout of 1 s" && in_time 3
    claim "standard output is a full pipe"

    begin=$(now_ms)
    timeout -k 5 300 "$test_program" --accel kvm --timeout-scale 1 \
        --junit report.xml -vv --console flood.tc >out 2>full </dev/null
    status=$?
    took=$(($(now_ms) - begin))
    failed timeout "timeout of 1 s" && in_time 2
    claim "standard error is a full pipe, and a flood goes there"
    kill $pid
    wait $pid 2>/dev/null
}

# ---- Surroundings -----------------------------------------------------------

surroundings()
{
    mkfifo fifo
    toyvmm --initrd fifo spin.tc
    [ $status = 2 ] && grep -q 'is a FIFO' err && in_time 0
    claim "a FIFO as initrd"
    toyvmm --kernel fifo spin.tc
    [ $status = 2 ] && grep -q 'is a FIFO' err && in_time 0
    claim "a FIFO as kernel"

    mkfifo tape
    toyvmm --record tape spin.tc
    failed stuck "did not" && in_time 1
    claim "a recording into a pipe that nobody reads"

    cp spin shrinks
    start long.tc --kernel shrinks
    : >shrinks
    kill -INT "$run"
    ended
    [ $status = 130 ] && in_time 0
    claim "a kernel that is truncated while it runs"

    TMPDIR=$work/nowhere toyvmm spin.tc
    failed timeout "timeout of 1 s" && in_time 1
    claim "a folder for temporary files that is not there"

    (ulimit -v 400000; toyvmm --memory 1G spin.tc
        [ "$status" = 1 ] || [ "$status" = 3 ])
    claim "no memory for the guest"

    mkdir disk
    if ! mount -t tmpfs -o size=48k tmpfs "$disk" 2>/dev/null; then
        echo "ok - a full disk # SKIP no permission to mount"
        return
    fi
    TMPDIR=$disk toyvmm flood.tc
    failed timeout "timeout of 1 s" && in_time 1
    claim "a disk too small for the console"
    head -c 100000 /dev/zero >disk/fill 2>/dev/null
    TMPDIR=$disk toyvmm spin.tc
    failed timeout "timeout of 1 s" && in_time 1
    claim "a full disk for temporary files"
    toyvmm --junit disk/report.xml spin.tc
    [ $status = 3 ] || [ $status = 2 ]
    claim "a full disk for the report"
    umount "$disk"
}

guests
scenarios
streams
signals
surroundings
commands
echo "# $claims claims, $broken broken"
[ $broken = 0 ]
