#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Real guests: several ports, the machine's ends, and boots after the first.
# Sourced by e2e.sh, whose functions and variables it uses.

# shellcheck disable=SC2154  # work and status are e2e.sh's

# ends NAME CMDLINE STEPS...: a scenario of $work/ends whose guest resets.
ends() {
    local name=$1 cmdline=$2 step
    shift 2
    {
        printf 'test "%s"\nguest busybox\ntimeout 60s\n' "$name"
        printf 'cmdline + "%s"\n' "$cmdline"
        for step in "$@"; do
            printf '%s\n' "$step"
        done
    } >"$work/ends/$name.tc"
}

# ended NAME ELEMENT KIND TEXT: what the report says of one of them.
ended() {
    local path="//testcase[@name='$1']/$2"
    xmllint --xpath "string($path/@type)" "$work/ends.xml" 2>/dev/null |
        grep -qx "$3" &&
        xmllint --xpath "string($path/@message)" "$work/ends.xml" |
        grep -qF "$4"
    claim "$1: $2 of kind $3 with \"$4\""
}

# A kernel has four ways to reset a PC; each is told at once, by its name.
machine_ends() {
    mkdir "$work/ends"
    ends by_keyboard "toyvmm.test=reset reboot=k" 'login "root"'
    ends by_port "toyvmm.test=reset reboot=p" 'login "root"'
    ends by_acpi "toyvmm.test=reset reboot=a" 'login "root"'
    ends by_triple_fault "toyvmm.test=reset reboot=t" 'login "root"'
    ends expected_fault "toyvmm.test=reset reboot=t" 'expect triple-fault'
    ends expected_halt "toyvmm.test=halt" 'expect halt'
    ends expected_poweroff "toyvmm.test=poweroff" 'expect one {' \
        'reset { log "reset" }' 'poweroff { log "off" }' '}'
    toyvmm --junit "$work/ends.xml" "$work/ends"
    [ "$status" = 1 ] && grep -q '7 scenarios: 3 passed, 4 failed' "$work/out"
    claim "four ends that nobody expects fail, three that are expected pass"
    ended by_keyboard failure reset 'the guest reset (keyboard controller'
    ended by_port failure reset 'the guest reset (reset register 0xcf9)'
    ended by_acpi failure reset 'the guest reset (reset register 0xcf9)'
    ended by_triple_fault failure triple-fault 'after a triple fault'
    none_slow "$work/ends.xml"
    claim "none of them waited for its deadline"
}

# A whole distribution, in one boot; its readings are those of a real systemd.
distribution() {
    toyvmm --junit "$work/debian.xml" testcases/debian_login.tc
    if grep -q 'needs guest debian' "$work/out"; then
        echo "ok - debian_login # SKIP the guest debian can't be had here"
        return
    fi
    [ "$status" = 0 ]
    claim "debian_login passes"
    [ "$(grep -cE 'systemd\.(kernel|userspace|total)' "$work/debian.xml")" = 3 ]
    claim "its report has the times that systemd tells"
}

# mark_of NAME: seconds of a mark in $work/life.xml.
mark_of() {
    xmllint --xpath "string(//property[@name='mark.$1.wall_s']/@value)" \
        "$work/life.xml" 2>/dev/null
}

machine_life() {
    local name
    local image
    image=$(cksum testcases/disk.img testcases/disk.qcow2)
    for name in two_ports nmi sysrq disk four_disks qcow2 network smp power_button \
        hvc mmio; do
        toyvmm "testcases/$name.tc"
        [ "$status" = 0 ]
        claim "$name passes"
    done
    [ "$(cksum testcases/disk.img testcases/disk.qcow2)" = "$image" ]
    claim "the images of their disks are as they were"
    toyvmm --junit "$work/life.xml" testcases/reboot.tc
    [ "$status" = 0 ]
    claim "reboot passes: three boots in one run"
    # Each boot has its marks, in the order in which they happened.
    for name in login_prompt reset boot2_first_byte boot2_login_prompt \
        boot2_reset boot3_shell_prompt; do
        mark_of "$name"
    done >"$work/out"
    [ "$(grep -c . "$work/out")" = 6 ] && sort -nc "$work/out" 2>"$work/err"
    claim "its report has the marks of all three"
}
