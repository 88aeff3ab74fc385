#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Boots a Linux to log in to by hand (Ctrl-A x leaves): vmlinux.bin and
# initrd.img of the working directory when both are there, else the guest
# `alpine`. Usage: run_linux.sh [PATH-OF-toyvmm-test [OPTIONS]]
# `ninja -C build run_linux` calls it in the top folder of the source.
set -euo pipefail
top=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
program=${1:-$top/build/bin/toyvmm-test}
shift $(($# > 0))

if [ -e vmlinux.bin ] && [ -e initrd.img ]; then
    echo "booting vmlinux.bin and initrd.img of $PWD"
    exec "$program" --interactive --kernel vmlinux.bin --initrd initrd.img \
        --cmdline "console=ttyS0 quiet panic=-1" "$@"
fi
for pair in vmlinux.bin:initrd.img initrd.img:vmlinux.bin; do
    [ ! -e "${pair%:*}" ] ||
        echo "$PWD has ${pair%:*} but no ${pair#*:}: not used"
done
echo "booting the guest alpine (root's password is root)"
exec "$program" --interactive "$@" "$top/testcases/alpine_login.tc"
