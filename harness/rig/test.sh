#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Runs toyvmm-rig for real: usage: test.sh PATH-OF-TOYVMM-RIG. Prints TAP,
# exits 1 when a test failed and 77 when the rig can't run here. Two rigs run
# at a time, each test in a scratch directory of its own.
# shellcheck disable=SC2016  # much of it is expanded inside the rig
set -uo pipefail
# shellcheck source=../../scripts/lib/tap.sh
. "$(dirname "$0")/../../scripts/lib/tap.sh"

rig=$(realpath "${1:?usage: test.sh PATH-OF-TOYVMM-RIG}")
scratch=$(mktemp -d /tmp/rig-test-XXXXXX)
trap 'rm -rf "$scratch"' EXIT
readonly WAIT_STEPS=2400 # of await, 50 ms each
readonly DEADLINE=${RIG_TEST_DEADLINE:-600} # of one test, seconds

# expect NAME WANTED GOT
expect() {
    if [ "$2" = "$3" ]; then
        tap_ok "$1"
    else
        tap_not_ok "$1" "wanted: $2" "got:    $3"
    fi
}

# expect_match NAME PATTERN GOT: a bash pattern.
expect_match() {
    # shellcheck disable=SC2053  # the pattern is one on purpose
    if [[ $3 == $2 ]]; then
        tap_ok "$1"
    else
        tap_not_ok "$1" "wanted: $2" "got:    $3"
    fi
}

# await COMMAND...: until it succeeds, two minutes at most.
await() {
    local i
    for ((i = 0; i < WAIT_STEPS; i++)); do
        ! "$@" 2>/dev/null || return 0
        sleep 0.05
    done
    echo "# never came true: $*"
    return 1
}

gone() {
    local pid state
    for pid in "$@"; do
        state=$(ps -o state= -p "$pid") || continue
        [ "${state:0:1}" = Z ] || return 1 # nobody may reap it but it's dead
    done
}

# start NAME COMMAND...: a rig in the background, its shell's pid in $pid; its
# stdout and stderr in NAME.out and NAME.err.
start() {
    local name=$1
    shift
    # What an earlier one of this name printed must not be taken for its words:
    # the redirection happens in the child, some time after the fork.
    rm -f "$name.out" "$name.err"
    env --default-signal=INT,HUP "$rig" -- "$@" >"$name.out" 2>"$name.err" &
    pid=$!
}

runs_rig() {
    [ "$(cat "/proc/$1/comm")" = "${rig##*/}" ]
}

children_of() {
    ps -o pid= --ppid "$1"
}

# User and system time of a process, in ticks of 10 ms.
cpu_ticks() {
    awk '{ print $14 + $15 }' "/proc/$1/stat"
}

# QEMU and two of virtiofsd.
has_children() {
    [ "$(children_of "$1" | wc -l)" = 3 ]
}

test_exit_codes() {
    local code
    TMPDIR=/nonexistent "$rig" -- sh -c 'exit 7'
    expect "the command's exit code" 7 $?
    "$rig" -- sh -c 'kill -SEGV $$' 2>/dev/null
    expect "a signal is 128 + its number" 139 $?
    "$rig" -- no-such-command 2>err
    code=$?
    expect "a command that isn't there" "127 toyvmm-rig: no-such-command:\
 No such file or directory" "$code $(cat err)"
    echo true >script
    "$rig" -- ./script 2>err
    expect "a file that isn't executable" 126 $?
}

# One boot, many questions.
test_process_state() {
    local got
    printf 'one\n' >here
    umask 027
    got=$(cd "$scratch" && X=$'a\xff b' Y='' "$rig" -- bash -c '
        printf "%s|" "$PWD" "$X" "${Y-unset}" "$TOYVMM_RIG" "$(umask)" "$@"
        printf "%s|" "$(ulimit -Sn)" "$(hostname)" "$(test -t 0 || echo no)"
        [ -c /dev/kvm ] && [ -r /dev/kvm ] && [ -w /dev/kvm ] && printf "kvm|"
        grep -qwE "xsave|avx|avx2|fma|f16c" /proc/cpuinfo || printf "sse2|"
        [ -e /dev/fd/0 ] && [ -d /dev/pts ] && [ -w /dev/shm ] && printf "dev|"
        ip=$(cat /sys/class/net/lo/operstate) && printf "lo|"
        now=$(date +%s) && printf "%s" "$now"
    ' name $'\x01 "q"' '' $'\xfe' </dev/null)
    expect_match "environment, arguments, umask, limits, devices" \
        "$scratch|"$'a\xff b||1|0027|\x01 "q"||\xfe|'"$(ulimit -Sn)|$(
            hostname)|no|kvm|sse2|dev|lo|*" "$got"
    local apart=$(($(date +%s) - ${got##*|}))
    expect "the host's clock" yes \
        "$([ "$apart" -ge -2 ] && [ "$apart" -le 20 ] && echo yes || echo \
            "$apart seconds apart")"
    env -i /bin/sh -c '"$0" --kernel "$1" --modules "$2" -- /usr/bin/env' \
        "$rig" "${kernel[@]}" >out
    expect "an environment that was empty" "TOYVMM_RIG=1" \
        "$(grep -v '^PWD=' out)"
}

test_files() {
    local shared=$scratch/shared status
    mkdir -p "$shared" "$scratch/private" "it's, \\ a dir"
    printf 'from the host' >"$scratch/private/seen"
    cd "it's, \\ a dir" || return
    "$rig" --rw "$shared" -- sh -c '
        cat "$1/private/seen" && printf 1 >here && printf 2 >"$1/shared/f" &&
        printf 3 >"$1/private/lost" && printf 4 >>"$1/private/seen" &&
        printf 5 >/etc/toyvmm-rig-test && cat "$1/private/seen" &&
        mkdir /tmp/toyvmm-rig-d && mv /tmp/toyvmm-rig-d /tmp/toyvmm-rig-e &&
        rm -r "$1/private" && mkfifo fifo && ln -s here link
    ' - "$scratch" >out 2>err
    status=$?
    expect "files are read and written ($(head -c 300 err))" 0 $status
    expect "what was read" "from the hostfrom the host4" "$(cat out)"
    expect "the working directory and --rw keep what was written" "1 2 here" \
        "$(cat here) $(cat "$shared/f") $(readlink link)"
    expect "all else is as it was" "from the host no no no" \
        "$(cat "$scratch/private/seen") $(
        for f in "$scratch/private/lost" /etc/toyvmm-rig-test \
            /tmp/toyvmm-rig-e; do [ -e "$f" ] && echo "$f" || echo no; done |
            paste -sd' ')"
}

test_streams() {
    local sum status
    head -c 30000003 /dev/urandom >bytes
    sum=$(md5sum <bytes)
    # In, and out again; separate from stderr.
    "$rig" -- sh -c 'cat; echo done >&2; exit 3' <bytes 2>err | md5sum >out
    status=${PIPESTATUS[0]}
    expect "30 MB in and out" "$sum 3 done" "$(cat out) $status $(cat err)"
    # Order between the two when both are one file.
    "$rig" -- sh -c 'for i in 1 2 3 4 5; do echo o$i; echo e$i >&2; done' \
        >both 2>&1 </dev/null
    expect "one file for stdout and stderr keeps their order" \
        "o1 e1 o2 e2 o3 e3 o4 e4 o5 e5" "$(paste -sd' ' both)"
}

test_slow_reader() {
    local got rss
    # 100 MB that nobody reads at first, while stderr goes on; the launcher
    # must not hold it in memory.
    mkfifo pipe
    env --default-signal=INT,HUP "$rig" -- sh -c \
        'echo ready >&2; head -c 100000000 /dev/zero; echo end >&2; exit 4' \
        >pipe 2>err </dev/null &
    pid=$!
    exec 7<pipe
    await grep -q ready err
    sleep 1 # for the rig to run into the full pipe, in vain
    rss=$(awk '/VmRSS/ { print $2 }' "/proc/$pid/status")
    expect "the launcher's memory stays small ($rss kB)" yes \
        "$([ "$rss" -lt 16384 ] && echo yes)"
    got=$(wc -c <&7)
    exec 7<&-
    wait "$pid"
    expect "100 MB through a slow reader" "100000000 4 ready end" \
        "$got $? $(paste -sd' ' err)"
}

# The command and the rig have ended before anybody reads the first byte.
test_late_reader() {
    local children got ticks
    mkfifo pipe
    "$rig" -- sh -c 'head -c 250000 /dev/zero; exit 4' >pipe 2>err &
    pid=$!
    exec 7<pipe
    await runs_rig $pid
    await has_children $pid
    children=$(children_of $pid)
    # shellcheck disable=SC2086
    await gone $children
    ticks=$(cpu_ticks $pid)
    sleep 1
    ticks=$(($(cpu_ticks $pid) - ticks))
    expect "waiting for a reader costs no time ($ticks ticks)" yes \
        "$([ $ticks -lt 20 ] && echo yes)"
    got=$(wc -c <&7)
    exec 7<&-
    wait $pid
    expect "a reader that comes after the end" "250000 4 " \
        "$got $? $(cat err)"
}

test_ends_of_streams() {
    local status
    "$rig" -- sh -c 'yes; echo $? >&2' 2>err | head -n 1 >out
    expect "a reader that leaves ends the writer" "y 141" \
        "$(cat out) $(cat err)"
    tr '\0' x </dev/zero | "$rig" -- sh -c 'read -rn 3 l 2>/dev/null; exit 5'
    status=${PIPESTATUS[1]}
    expect "a command that doesn't read its stdin" 5 "$status"
    "$rig" -- echo x <&- 2>err >/dev/full
    expect_match "a full disk is said" \
        "3 *writing the standard output: No space left on device" \
        "$? $(cat err)"
}

test_signals() {
    start a sh -c 'trap "echo int; exit 50" INT; trap "echo usr" USR1
        echo ready; while :; do sleep 0.05; done'
    await grep -q ready a.out
    kill -USR1 $pid
    await grep -q usr a.out
    kill -INT $pid
    wait $pid
    expect "SIGUSR1 and SIGINT reach the command" "50 ready usr int" \
        "$? $(paste -sd' ' a.out)"
    start b sh -c 'trap "echo term" TERM; echo ready
        while :; do sleep 0.05; done'
    await grep -q ready b.out
    kill -TERM $pid
    await grep -q term b.out
    sleep 0.3 # sooner, it counts as the same one
    kill -TERM $pid
    wait $pid
    expect "a second SIGTERM ends the rig" 143 $?
    start c sleep 1000
    await runs_rig $pid
    kill -INT $pid
    wait $pid
    expect "SIGINT before the command runs" 130 $?
}

test_no_orphans() {
    local children how
    for how in KILL HUP; do
        start o sh -c 'echo ready; exec sleep 1000'
        await grep -q ready o.out
        children=$(children_of $pid)
        [ "$(wc -w <<<"$children")" -ge 3 ] || tap_not_ok "QEMU and virtiofsd"
        kill -$how $pid
        wait $pid 2>/dev/null
        # shellcheck disable=SC2086
        if await gone $children; then
            tap_ok "nothing is left after SIG$how"
        else
            # shellcheck disable=SC2086
            tap_not_ok "nothing is left after SIG$how" "$(ps $children)"
        fi
    done
}

test_failures() {
    local children qemu
    start q sh -c 'echo ready; exec sleep 1000'
    await grep -q ready q.out
    children=$(children_of $pid)
    # shellcheck disable=SC2086
    qemu=$(ps -o pid=,comm= $children | awk '/qemu/ { print $1 }')
    kill -KILL "$qemu"
    wait $pid
    expect_match "QEMU dies" "3 toyvmm-rig: the rig's QEMU ended*" \
        "$? $(cat q.err)"
    "$rig" -- sh -c 'echo c >/proc/sysrq-trigger' 2>err
    expect_match "the rig's kernel panics" \
        "3 *kernel panicked: sysrq triggered crash*" "$? $(cat err)"
    "$rig" --timeout 1 --cpus 2 -- true 2>err
    expect_match "it doesn't come up in time" "3 *didn't come up in 1 sec*" \
        "$? $(cat err)"
    (cd /proc/self && exec "$rig" -- true) 2>err
    expect_match "a directory that isn't there" "3 *has no directory /proc/*" \
        "$? $(cat err)"
}

# What is refused before anything boots.
test_refusals() {
    local name code text
    while IFS='|' read -r name code text args; do
        # shellcheck disable=SC2086
        "$rig" $args -- true >out 2>err </dev/null
        expect_match "refused: $name" "$code *$text*" "$? $(cat err)"
    done <<'EOT'
an unknown option|2|unknown option --frob|--frob
a file to share|2|/etc/hostname: not a directory|--rw /etc/hostname
all files to share|2|whole file system|--rw /
no QEMU|3|apt-get install|--qemu /nonexistent/qemu
no kernel|3|/nonexistent|--kernel /nonexistent --modules /tmp
half a kernel|3|--modules|--kernel /etc/hostname
no modules|3|lack|--kernel /etc/hostname --modules /etc
EOT
    "$rig" -- true >/dev/null 2>err <&- || tap_not_ok "stdin that is closed"
    mkdir deleted && cd deleted && rmdir ../deleted
    "$rig" -- true 2>../err
    expect_match "a deleted directory" "3 *doesn't exist any more" \
        "$? $(cat "$OLDPWD/err")"
}

# script(1) gives the rig a terminal; stty shows what became of it.
test_terminal() {
    cat >inside <<'EOT'
stty rows 31 cols 101 -echoctl
stty -a >before
(until [ -e ready ]; do sleep 0.05; done; stty rows 44 cols 99 </dev/tty) &
"$RIG" -- sh -c 'test -t 0 && test -t 1 && test -t 2 && stty size
    trap "stty size; touch sized" WINCH
    touch ready; until [ -e sized ]; do sleep 0.05; done
    trap - WINCH; read -r line; echo "got <$line>"; touch typed; sleep 1000'
echo "status $?"
stty rows 31 cols 101; stty -a >after
"$RIG" -- true & wait $!
echo "in the background $?"
EOT
    (
        await test -e sized >&2
        printf 'a word\r'
        await test -e typed >&2
        printf '\003'
        await test -e after >&2
    ) | RIG=$rig timeout 300 script -qec 'sh inside' /dev/null >screen
    expect_match "terminal, window size, keys, Ctrl-C, background" \
        "*31 101*44 99*got <a word>*status 130*in the background 0*" \
        "$(tr -d '\r' <screen)"
    expect "the terminal is restored" "" "$(diff before after)"
}

test_terminal_survives_kill() {
    cat >inside <<'EOT'
stty -a >before
"$RIG" -- sh -c 'touch ready; sleep 1000' & echo $! >pid
fg >/dev/null
i=0; until stty -a >after; cmp -s before after || [ $((i += 1)) -gt 2000 ]; do
    sleep 0.05
done
EOT
    (
        await test -e ready >&2
        kill -KILL "$(cat pid)"
        await cmp -s before after >&2
    ) | RIG=$rig timeout 300 script -qec 'bash -m inside' /dev/null >screen
    expect "the terminal is restored after SIGKILL" "" "$(diff before after)"
}

# As an ordinary user: nobody, who may enter nothing of ours but this.
test_unprivileged() {
    local status
    if [ "$(id -u)" != 0 ]; then
        tap_skip "as an ordinary user" "all of this ran as one"
        return
    fi
    chmod 755 "$scratch" .
    mkdir -m 777 mine
    cp "$rig" rig
    cp -r "${kernel[@]}" . 2>/dev/null
    cd mine || return
    setpriv --reuid=65534 --regid=65534 --clear-groups \
        "../rig" --kernel "../${kernel[0]##*/}" \
        --modules "../${kernel[1]##*/}" -- sh -c '
            [ -w /dev/kvm ] && echo kvm; echo x >file; echo y >/tmp/rig-y
            cat /tmp/rig-y; tail -n 1 /etc/passwd; echo z >>/etc/hosts &&
            tail -n 1 /etc/hosts; touch /root/no 2>/dev/null; exit 6' >out 2>err
    status=$?
    expect "as an ordinary user ($(head -c 300 err))" \
        "6 kvm y $(tail -n 1 /etc/passwd) z x 65534" \
        "$status $(paste -sd' ' out) $(cat file) $(stat -c %u file)"
    [ ! -e /tmp/rig-y ] || tap_not_ok "/tmp is private"
}

# A processor that missed its timer is woken by the launcher's ticks: without
# them no device interrupts an idle rig. Builtins only, for no file to be read.
test_ticks() {
    cat >count.sh <<'END'
count() {
    n=0
    while read -r _ a rest; do
        case $rest in *virtio*) n=$((n + a)) ;; esac
    done </proc/interrupts
}
exec {pipe}<> <(:)
count
count
before=$n
read -r -t 3 -u "$pipe" _
count
[ $((n - before)) -ge 10 ]
END
    "$rig" -- bash count.sh >out 2>err
    expect "an idle rig is interrupted again and again" "0" "$?"
}

# That two of its runs are the same, e2e_exact.sh tests.
test_exact() {
    local busybox
    busybox=$(command -v busybox)
    if [ -z "$busybox" ] || ! file -L "$busybox" | grep -q 'statically linked'; then
        tap_skip "the exact rig" "no static busybox"
        return
    fi
    mkdir out
    "$rig" --exact --out out --pack "$busybox" -- "$busybox" sh -c \
        'cat; echo x >/rig.out/made; echo y >lost; echo end >&2; exit 5' \
        >a <<<"unread" 2>err
    expect "exact: the exit code" "5" "$?"
    expect "exact: stdout and stderr" " end" "$(cat a) $(cat err)"
    expect "exact: what it was to hand out, alone" "x no" \
        "$(cat out/made) $(cat lost 2>/dev/null || echo no)"
    "$rig" --exact --pack /nowhere true 2>err
    expect "exact: a file that isn't there" "3" "$?"
    expect_match "and its name" "*--pack /nowhere:*" "$(cat err)"
    "$rig" --exact --timeout 1 true 2>err
    expect_match "exact: a rig that hangs" \
        "3 *in 1 second of this host's time: nothing is known of it" \
        "$? $(cat err)"
}

test_machines() {
    "$rig" --machine q35 --cpus 2 --memory 512M -- nproc >out 2>err
    expect "on q35 with two processors" "0 2" "$? $(cat out)"
    "$rig" --verbose -- true >out 2>err
    expect_match "--verbose shows the console and the times" \
        "0 *Linux version*rig's own clock*the command ended*" "$? $(cat err)"
    "$rig" --memory 256M -- sh -c 'tail /dev/zero; exit 8' >out 2>err
    expect_match "want of memory is said" "8 *give it more with --memory*" \
        "$? $(cat err)"
}

# kill_tree PID: it and all below it.
kill_tree() {
    local child
    kill -STOP "$1" 2>/dev/null
    for child in $(children_of "$1"); do
        kill_tree "$child"
    done
    kill -KILL "$1" 2>/dev/null
}

# A test that never ends is a failure with a name, not a run that never ends.
watch_deadline() {
    local running name
    while sleep 2; do
        find "$scratch" -maxdepth 1 -name '*.running' \
            ! -newermt "$DEADLINE seconds ago" >"$scratch/late"
        while read -r running; do
            name=$(basename "$running" .running)
            echo "not ok - $name: no end within $DEADLINE s" \
                >>"$scratch/$name.tap"
            ps -eo pid,ppid,etime,wchan:20,args --forest >>"$scratch/$name.log"
            kill_tree "$(cat "$running")"
            rm "$running"
        done <"$scratch/late"
    done
}

main() {
    local check watchdog code=0 name out
    check=$("$rig" --check 2>&1) || code=$?
    if [ "$code" = 3 ]; then
        tap_skip "the rig" "${check#toyvmm-rig: }"
        exit 77
    fi
    expect "--check" "0" "$code"
    # Where the kernel is, for the tests that change the environment.
    kernel=("${check##* with }")
    kernel+=("${TOYVMM_RIG_MODULES:-$(dirname "${kernel[0]}")/modules}")
    watch_deadline &
    watchdog=$!
    # Not one of the jobs that are waited for.
    disown $watchdog
    while read -r name; do
        [ "$(jobs -rp | wc -l)" -lt 2 ] || wait -n
        mkdir "$scratch/$name"
        (
            echo "$BASHPID" >"$scratch/$name.running"
            cd "$scratch/$name" || exit
            "test_$name" >"$scratch/$name.tap" 2>"$scratch/$name.log"
            rm "$scratch/$name.running"
        ) </dev/null &
    done < <(declare -F | sed -n 's/^declare -f test_//p')
    wait
    kill_tree $watchdog
    for out in "$scratch"/*.tap; do
        cat "$out"
        grep -q '^not ok' "$out" && sed 's/^/# /' "${out%.tap}.log"
    done
    tap_failures=$(cat "$scratch"/*.tap | grep -c '^not ok')
    echo "# $(($(cat "$scratch"/*.tap | grep -c '^ok') + 1)) ok," \
        "$tap_failures not ok"
    [ "$tap_failures" = 0 ]
}

main
