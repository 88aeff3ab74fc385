#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# One scripted login on real kvm_intel, inside Bochs, so that every test run
# proves both vendors' KVM: scripts/bochs/login.sh PATH-OF-toyvmm-test. Prints
# one line of TAP.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
# shellcheck source=../lib/tap.sh
. "$root/scripts/lib/tap.sh"

name="a login under kvm_intel, in Bochs"
test=$(realpath "$1")
conf=$("$root/fixtures/guest.sh" resolve busybox-bzimage)
kernel=$(sed -n 's/^kernel //p' "$conf")
initrd=$(sed -n 's/^initrd //p' "$conf")
scenario=$here/login.tc

status=0
output=$("$here/kvm_intel.sh" --file "$conf" --file "$kernel" \
    --file "$initrd" --file "$scenario" --memory 768 \
    --env "TOYVMM_GUEST_BUSYBOX=$conf" -- \
    "$test" --accel kvm --timeout-scale 8 "$scenario" 2>&1) || status=$?
# Its own verdict line is for people; the scenario's result is what counts.
output=$(printf '%s\n' "$output" | tr -d '\r')
case $status in
0)
    printf '%s\n' "$output" | grep '^ok .*kvm' | sed 's/^/# /'
    tap_ok "$name"
    ;;
3)
    tap_skip "$name" "$(printf '%s\n' "$output" | grep '^skipped' | tail -1)"
    ;;
*)
    tap_not_ok "$name" "exit status $status" "$output"
    exit 1
    ;;
esac
