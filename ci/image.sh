#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Builds the images of one source tree and prints them as a side of
# `toyvmm-test gate`: ci/image.sh TREE. A project with a kernel or an initrd of
# its own puts its build here. This one's are the guests of fixtures/.
set -eu
tree=${1:?usage: $0 TREE}
conf=$("$tree/fixtures/guest.sh" resolve "${BOOT_GUEST:-busybox}")
folder=$(dirname "$conf")
value()
{
    sed -n "s/^$1 //p" "$conf" | sed "s,^[^/],$folder/&,"
}
printf 'kernel=%s,initrd=%s\n' "$(value kernel)" "$(value initrd)"
