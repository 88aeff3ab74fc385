# shellcheck shell=bash disable=SC2154
# SPDX-License-Identifier: Apache-2.0
# Part of e2e.sh: images that a guest changes, raw and not. One run proves all of
# it: a reset keeps them, and what was written is there afterwards.

disks() {
    mkdir -p "$work/disk"
    cp testcases/disk.qcow2 "$work/disk/a.qcow2"
    cp testcases/disk.img "$work/disk/b.img"
    cat >"$work/disk/writes.tc" <<'END'
test    "Two images are changed"
guest   busybox
disk    a.qcow2 writable
disk    b.img   writable
timeout 120s
login   "root" password "root"
run     "echo written | dd of=/dev/vda bs=512 seek=1 conv=sync"
run     "echo written | dd of=/dev/vdb bs=512 seek=1 conv=sync; sync"
send    "reboot -f"
expect  reset within 20s
login   "root" password "root"
run     "for d in vda vdb; do tail -c +513 /dev/$d | head -c 7; done" as kept
check   kept == "writtenwritten"
poweroff
END
    toyvmm "$work/disk/writes.tc"
    [ "$status" = 0 ]
    claim "images that are writable outlive a reset, a qcow2 one and a raw one"
    qemu-img convert -O raw "$work/disk/a.qcow2" "$work/disk/a.img" &&
        cmp "$work/disk/a.img" "$work/disk/b.img" &&
        ! cmp -s "$work/disk/b.img" testcases/disk.img
    claim "what the guest wrote is in both images afterwards"
    qemu-img create -q -f qcow2 -F raw -b "$PWD/testcases/disk.img" \
        "$work/disk/over.qcow2"
    sed 's/a.qcow2/over.qcow2/' "$work/disk/writes.tc" >"$work/disk/over.tc"
    toyvmm "$work/disk/over.tc"
    [ "$status" = 2 ] && grep -q "over.qcow2 is what changed against another" \
        "$work/out" "$work/err"
    claim "an image that names another one ends a run before it boots"
}
