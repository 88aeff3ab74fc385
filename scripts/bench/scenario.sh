#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Boot, login, `ls -lat /`, check: toyvmm-test against Tcl expect driving
# qemu-system-x86_64 -M microvm, with the same kernel, initrd, command line and
# dialogue. Runs are interleaved; where the host has no working /dev/kvm, all of
# them run in one rig. Prints medians, memory beyond the guest's, where our
# boot's time goes, and the ratios as the last two lines.
#
#   scripts/bench/scenario.sh [RUNS]     default: 5
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/../.."
root=$PWD
runs=${1:-5}
test=$root/build/bin/toyvmm-test
rig=$root/build/bin/toyvmm-rig
work=${TOYVMM_BENCH_WORK:-}

die()
{
    echo "scripts/bench/scenario.sh: $*" >&2
    exit 3
}

conf_value()
{
    sed -n "s/^$2 //p" "$1"
}

# The scenario: the dialogue of expect.tcl, to the letter.
write_scenario()
{
    local name=$1 pause=$2
    cat <<END
test    "bench"
guest   $name
timeout 120s
login   "root" password "root"
run     "ls -lat /" as listing
check   listing has /^total \d+/m
$pause
END
}

write_expect()
{
    cat <<'END'
set timeout 120
log_user 0
proc fail {what} { puts stderr "expect: $what"; exit 1 }
spawn -noecho {*}$argv
proc await {pattern what} {
    global expect_out spawn_id
    expect {
        -re $pattern {}
        timeout {
            expect *
            fail "no $what after: $expect_out(buffer)"
        }
        eof { fail "QEMU ended before $what: $expect_out(buffer)" }
    }
}
await {login: } "login"
send "root\r"
await {assword: } "password prompt"
send "root\r"
# The shell asks the terminal for its cursor right after the prompt.
await {# (\x1b\[6n)?$} "shell"
send "ls -lat /\r"
await {total [0-9]+} "listing"
await {# (\x1b\[6n)?$} "prompt"
if {[info exists env(BENCH_PAUSE)]} { after 4000 }
exec kill -9 [exp_pid]
exit 0
END
}

# ---- On the host: prepare, then go on inside -------------------------------

# All that is missing, at once, and the one command that cures it.
check_needs()
{
    local missing='' packages cure='' archive=
    if ! packages=$(scripts/setup.sh --test --kernel --list); then
        missing+=$packages$'\n'
        cure+="scripts/setup.sh --test --kernel && "
    fi
    if [ ! -x "$test" ] || [ ! -x "$rig" ]; then
        missing+="The build: $test and $rig"$'\n'
        cure+="scripts/test.sh build && "
    fi
    if ! alpine_at_hand; then
        missing+="Alpine's minirootfs: no mirror answers, and TOYVMM_ALPINE_ROOTFS "
        missing+="names no file (busybox lists no 15 entries)"$'\n'
        archive="TOYVMM_ALPINE_ROOTFS=alpine-minirootfs-VERSION-x86_64.tar.gz "
    fi
    [ -n "$missing" ] || return 0
    die "these are missing:
$missing
The cure:
    $cure${archive}scripts/bench/scenario.sh $runs"
}

# The guest is Alpine itself, not what stands in for it.
alpine_at_hand()
{
    local conf
    conf=$(fixtures/guest.sh resolve alpine 2>/dev/null) &&
        case $(conf_value "$conf" name) in alpine*) ;; *) false ;; esac
}

prepare()
{
    check_needs
    work=$root/build/bench-scenario
    mkdir -p "$work"
    fixtures/guest.sh resolve alpine-small >"$work/small.path"
    fixtures/guest.sh resolve alpine >"$work/stock.path"
    export TOYVMM_BENCH_WORK=$work
    local kernel
    for kernel in small stock; do
        cp "$(cat "$work/$kernel.path")" "$work/$kernel.conf"
        write_scenario "bench-$kernel" "" >"$work/$kernel.tc"
        write_scenario "bench-$kernel" 'run "sleep 4"' >"$work/$kernel-memory.tc"
        echo "guest $kernel: $(conf_value "$work/$kernel.conf" name)," \
            "$(basename "$(conf_value "$work/$kernel.conf" kernel)")"
    done
    write_expect >"$work/driver.exp"
    if "$test" --probe --accel kvm >/dev/null 2>&1; then
        exec "${BASH_SOURCE[0]}" --inside "$runs"
    fi
    echo "no usable /dev/kvm: everything below ran in one rig"
    exec "$rig" --memory 3072M -- "$root/scripts/bench/scenario.sh" \
        --inside "$runs"
}

# ---- Inside ----------------------------------------------------------------

ours()
{
    TOYVMM_GUEST_BENCH_SMALL=$work/small.conf \
        TOYVMM_GUEST_BENCH_STOCK=$work/stock.conf \
        "$test" --accel "${accel:-auto}" --quiet "$work/$1.tc"
}

qemu_command()
{
    # Each at its best with QEMU: the small kernel has no ACPI and hangs without
    # a PIT; rtc=on spares a probe. Setting the MSR of arch-capabilities fails
    # on some hosts, and QEMU gives up then.
    local conf=$work/$1.conf machine=microvm,rtc=on
    [ "$1" = stock ] || machine+=,acpi=off,pit=on,pic=on
    qemu=(qemu-system-x86_64 -accel kvm -M "$machine"
        -cpu "host,-arch-capabilities"
        -m "$(conf_value "$conf" memory)" -nodefaults -no-user-config
        -display none -no-reboot -serial stdio
        -kernel "$(conf_value "$conf" kernel)"
        -initrd "$(conf_value "$conf" initrd)"
        -append "$(conf_value "$conf" cmdline)")
}

theirs()
{
    local qemu
    qemu_command "$1"
    expect "$work/driver.exp" "${qemu[@]}"
}

# timed WHO KERNEL: appends the wall seconds to a file.
timed()
{
    local start=$EPOCHREALTIME end
    "$1" "$2" >"$work/last.log" 2>&1 || {
        cat "$work/last.log" >&2
        die "$1 $2 failed"
    }
    end=$EPOCHREALTIME
    awk -v a="$start" -v b="$end" 'BEGIN { printf "%.3f\n", b - a }' |
        tee -a "$work/$1-$2.times"
}

median()
{
    sort -n "$1" | awk '{ v[NR] = $1 } END {
        m = int((NR + 1) / 2)
        printf "%.3f", NR % 2 ? v[m] : (v[m] + v[m + 1]) / 2 }'
}

# A process and all below it.
tree()
{
    local child children
    echo "$1"
    read -ra children < <(cat "/proc/$1/task/"*/children 2>/dev/null) || :
    for child in "${children[@]}"; do
        tree "$child"
    done
}

# Proportional memory of a process and all below it, without the mappings that
# are the guest's RAM (of RAM kB): beyond_guest PID RAM, in kB.
beyond_guest()
{
    local pid total=0 one guest=$2
    for pid in $(tree "$1"); do
        # A VM's RAM is the mapping of just its size; ours may be cut in two
        # by its large pages, never joined with others.
        one=$(awk -v ram="$guest" '
            /^[0-9a-f]+-[0-9a-f]+ / { pss = 0; size = 0 }
            /^Size:/ { size = $2 }
            /^Pss:/ { if (size < ram) sum += $2 }
            END { print sum + 0 }' "/proc/$pid/smaps" 2>/dev/null) || one=0
        total=$((total + ${one:-0}))
    done
    echo "$total"
}

# memory WHO KERNEL [NAME]: the peak over samples taken while it waits at the
# shell. NAME counts only that program's process, not the driver above it.
memory()
{
    local peak=0 now ram top pid
    ram=$(conf_value "$work/$2.conf" memory)
    ram=$((${ram%M} * 1024))
    if [ "$1" = ours ]; then
        ours "$2-memory" >/dev/null 2>&1 &
    else
        BENCH_PAUSE=1 theirs "$2" >/dev/null 2>&1 &
    fi
    top=$!
    while kill -0 "$top" 2>/dev/null; do
        pid=$top
        if [ "$1" = theirs ]; then
            pid=$(for pid in $(tree "$top"); do
                [ "$(cat "/proc/$pid/comm" 2>/dev/null)" != qemu-system-x86 ] ||
                    echo "$pid"
            done | head -1)
        fi
        now=$(beyond_guest "${pid:-$top}" "$ram")
        [ "$now" -le "$peak" ] || peak=$now
        sleep 0.3
    done
    echo "$peak"
}

# The same boot with its messages on, once: where does the time go?
breakdown()
{
    local conf=$work/$1.conf cmdline memory
    cmdline=$(conf_value "$conf" cmdline)
    memory=$(conf_value "$conf" memory)
    echo
    echo "breakdown, $1 kernel, from the first KVM_RUN to user space:"
    "$root/build/bin/bench-breakdown" "$(conf_value "$conf" kernel)" \
        "$(conf_value "$conf" initrd)" "${cmdline/quiet/}" "${memory%M}"
}

inside()
{
    local kernel i who
    rm -f "$work"/*.times
    for kernel in small stock; do
        # Warms the page cache for both.
        timed ours "$kernel" >/dev/null
        timed theirs "$kernel" >/dev/null
        rm -f "$work"/*-"$kernel".times
    done
    for i in $(seq "$runs"); do
        for kernel in small stock; do
            for who in ours theirs; do
                echo "run $i $kernel $who $(timed "$who" "$kernel")"
            done
        done
    done

    for kernel in small stock; do
        breakdown "$kernel"
    done
    echo
    echo "wall seconds, process start to verdict, median of $runs:"
    for kernel in small stock; do
        echo "  $kernel: toyvmm-test $(median "$work/ours-$kernel.times")," \
            "expect + QEMU microvm $(median "$work/theirs-$kernel.times")"
    done
    echo "memory beyond the guest's RAM, kB (Pss, peak; all of toyvmm-test's" \
        "processes, QEMU's alone):"
    for kernel in small stock; do
        echo "  $kernel: toyvmm-test $(memory ours "$kernel")," \
            "QEMU $(memory theirs "$kernel")"
    done
    for kernel in small stock; do
        awk -v k="$kernel" -v a="$(median "$work/ours-$kernel.times")" \
            -v b="$(median "$work/theirs-$kernel.times")" \
            'BEGIN { printf "wall ratio %s %.2f\n", k, a / b }'
    done
}

if [ "${1-}" = --inside ]; then
    runs=$2
    work=$TOYVMM_BENCH_WORK
    inside
else
    prepare
fi
