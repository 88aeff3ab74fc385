#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What a mebibyte of console output costs on a UART and on the virtio console:
#
#   scripts/bench/console.sh [MIB]    each prints so many (default 1), one after
#                                     the other, in one boot of `busybox'
#
# Prints the VM exits and the guest's CPU time for each MiB, and the wall time;
# times are a machine's that has KVM, or an emulator's.
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/../.."
bin=${TOYVMM_BENCH_BIN:-$PWD/build/bin}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
lines=$((${1:-1} * 16384))

cat >"$work/console.tc" <<END
test    "a MiB on ttyS0 and on hvc0"
guest   busybox
cmdline + "toyvmm.getty=ttyS0,hvc0"
timeout 10m

login   on ttyS0 "root" password "root"
login   on hvc0 "root" password "root"
# A line has 63 bytes and its end.
run     on ttyS0 "yes \$(printf %063d 0) | head -n $lines > /tmp/text; stty -opost"
run     on hvc0 "stty -opost"
mark    uart
run     on ttyS0 "cat /tmp/text" within 5m
mark    between
run     on hvc0 "cat /tmp/text" within 5m
mark    virtio
poweroff
END
"$bin/toyvmm-test" -q --json "$work/report" "$work/console.tc"
python3 - "$work/report" "${1:-1}" <<'END'
import json, sys
marks = {}
for line in open(sys.argv[1]):
    record = json.loads(line)
    if record["type"] == "scenario":
        marks = {m["name"]: m for m in record["marks"]}
mib = float(sys.argv[2])
print("| port  | exits per MiB | CPU per MiB | wall per MiB |")
print("| ---   | ---:          | ---:        | ---:         |")
for port, a, b in (("ttyS0", "uart", "between"), ("hvc0", "between", "virtio")):
    a, b = marks[a], marks[b]
    print(f"| {port:5} | {(b['exits'] - a['exits']) / mib:13.0f} "
          f"| {(b['cpu_ns'] - a['cpu_ns']) / mib / 1e9:9.3f} s "
          f"| {(b['wall_ns'] - a['wall_ns']) / mib / 1e9:10.3f} s |")
END
