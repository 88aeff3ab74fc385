#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Logins on noisy consoles, one after the other: how many of how many worked?
#
#   scripts/soak.sh [LOGINS [BOOTS]]      default: 200 logins on 10 boots
#
# Boots take turns with what disturbs them: kernel messages as fast as a guest
# can write them, of one level and of all; a program that prints on the same
# terminal; both; the kernel's own dumps. A login types a name and a password,
# runs commands whose output and status must be exact, matches what was typed
# in a way that its echo can't, and logs out. The dumps (SysRq) leave the guest
# little time for anything else: their boot takes a tenth of the logins.
#
# TOYVMM_TEST names the program (build/bin/toyvmm-test), TOYVMM_SOAK_GUEST the
# guest (busybox), TOYVMM_SOAK_KEEP a folder for the scenarios and their output.
# Exits 1 when a login did not work.
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."
logins=${1:-200}
boots=${2:-10}
program=${TOYVMM_TEST:-build/bin/toyvmm-test}
guest=${TOYVMM_SOAK_GUEST:-busybox}
disturbances=(sysrq kmsg levels daemon "levels,daemon")
dumps=sysrq

if [ ! -x "$program" ]; then
    echo "scripts/soak.sh: no $program: build first" >&2
    exit 3
fi
if [ -n "${TOYVMM_SOAK_KEEP:-}" ]; then
    work=$TOYVMM_SOAK_KEEP
    mkdir -p "$work"
else
    work=$(mktemp -d)
    trap 'rm -rf "$work"' EXIT
fi

# scenario DISTURBANCE LOGINS: among the lines of another program the output of
# a command is not alone.
scenario()
{
    local check='check out == "one\ntwo"'
    local count='check bytes == "201"'
    case $1 in
    *daemon*)
        check='check out has /^one\r?\n(.*\n)*two$/m'
        count='check bytes has /^201$/m'
        ;;
    esac
    local long
    long=$(printf 'x%.0s' {1..200})
    cat <<END
test    "$2 logins, disturbed by $1"
guest   $guest
cmdline + "toyvmm.test=$1"
timeout $((120 + $2 * 30))s
step-timeout 90s
repeat $2 {
    login "root" password "root"
    run   "echo one; echo two" as out
    $check
    run   "echo $long | wc -c" as bytes
    $count
    run   "false" status 1
    send  "echo se''en"
    expect /^seen\$/m
    log   "a login worked"
    send  "exit"
}
END
}

# The plan: each boot's disturbance and logins.
left=$logins
for ((boot = 1; boot <= boots; boot++)); do
    disturbance=${disturbances[(boot - 1) % ${#disturbances[@]}]}
    share=$((left / (boots - boot + 1)))
    [ "$disturbance" != $dumps ] || share=$(((share + 9) / 10))
    [ $boot -lt "$boots" ] || share=$left
    left=$((left - share))
    [ "$share" -eq 0 ] || scenario "$disturbance" "$share" \
        >"$(printf '%s/%02d-%s.tc' "$work" $boot "${disturbance//,/-}")"
done

status=0
"$program" "$work" >"$work/out" 2>"$work/err" || status=$?
if [ $status -gt 1 ]; then
    cat "$work/err" >&2
    exit $status
fi
grep -E '^(ok|FAIL|ERROR)' "$work/out"
worked=$(grep -c 'a login worked' "$work/out" || true)
[ $status -eq 0 ] || sed -n '/^FAIL\|^ERROR/,/^ok/p' "$work/out" | head -80
echo "noisy logins: $worked of $logins worked, $boots boots of $guest"
[ "$worked" -eq "$logins" ] && [ $status -eq 0 ]
