#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Real guests that fail, and what the report says of why. Sourced by e2e.sh,
# whose functions and variables it uses.

# shellcheck disable=SC2154  # work and status are e2e.sh's

# fails NAME GUEST STEPS...: runs a scenario that must fail.
fails() {
    local name=$1 guest=$2 step
    shift 2
    {
        printf 'test "%s"\nguest %s\ntimeout 60s\n' "$name" "$guest"
        for step in "$@"; do
            printf '%s\n' "$step"
        done
    } >"$work/$name.tc"
    toyvmm --junit "$work/$name.xml" "$work/$name.tc"
    [ "$status" = 1 ]
    claim "$name fails"
}

# explains NAME TEXT: the terminal and the report both say it.
explains() {
    grep -qF -- "$2" "$work/out" &&
        xmllint --xpath 'string(//failure)' "$work/$1.xml" | grep -F -- "$2" >/dev/null
    claim "$1: \"$2\""
}

diagnoses() {
    fails slip busybox 'expect /Kernel .* on an /' 'expect /logn: $/ within 1s'
    explains slip '/logn: $/ is nearest to this: expected "logn: ", saw "login'
    explains slip 'the guest is idle and waits for input on ttyS0'
    fails late busybox 'login "root" password "root"' \
        'expect /Welcome to BusyBox/ within 1s'
    explains late 'matched before this wait began, on line'
    # The program's own loop; the kernel's ticks come in between.
    fails loops busybox 'login "root" password "root"' \
        'send "while :; do :; done"' 'expect /# $/ within 500ms'
    explains loops 'in user space ('
    # Debian's kernel as it is shipped: no symbols, and moved at random.
    fails halts busybox-bzimage 'cmdline + "toyvmm.test=halt"' 'login "root"'
    explains halts 'at the end the guest was at stop_this_cpu+0x'
    explains halts "names: the kernel's own kallsyms"
    explains halts '  native_machine_halt+0x'
    fails falls busybox 'cmdline + "toyvmm.test=reset reboot=t"' 'login "root"'
    if grep -q AuthenticAMD /proc/cpuinfo; then
        explains falls 'KVM resets the processor at a triple fault on AMD'
    fi
}
