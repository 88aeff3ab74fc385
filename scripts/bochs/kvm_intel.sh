#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Runs a command on real kvm_intel where there is no Intel processor: inside
# Bochs, which emulates VMX and EPT, on Debian's stock cloud kernel. The last
# line says `ok', `not ok' or `skipped', the exit status is the command's, 3
# when it was skipped and 124 when the emulated machine gave no verdict.
set -euo pipefail
# shellcheck source=../../fixtures/lib/common.sh
. "$(dirname "$0")/../../fixtures/lib/common.sh"

usage() {
    cat >&2 <<'EOT'
usage: kvm_intel.sh [OPTION]... -- COMMAND [ARGUMENT]...
  --file PATH        a file or folder that COMMAND needs, at the same path
                     inside; shared libraries come by themselves
  --env NAME=VALUE   an environment variable inside
  --memory MIB       of the emulated machine (default 512)
  --timeout SECONDS  for all of it (default 240)
  --keep             leave the ISO and the console behind, say where
EOT
    exit 2
}

skip() {
    printf 'skipped kvm_intel: %s\n' "$*"
    exit 3
}

memory=512
limit=240
keep=
files=()
environment=()
while [ $# -gt 0 ]; do
    case $1 in
    --file | --env | --memory | --timeout)
        [ $# -ge 2 ] || usage
        case $1 in
        --file)
            [ -e "$2" ] || die "$2: no such file or folder"
            files+=("$(realpath -s "$2")")
            ;;
        --env) environment+=("$2") ;;
        --memory) memory=$2 ;;
        --timeout) limit=$2 ;;
        esac
        shift 2
        ;;
    --keep)
        keep=1
        shift
        ;;
    --)
        shift
        break
        ;;
    *) usage ;;
    esac
done
[ $# -gt 0 ] || usage
command=$(command -v "$1") || die "$1: no such command"
command=$(realpath -s "$command")
shift

isolinux=/usr/lib/ISOLINUX/isolinux.bin
ldlinux=/usr/lib/syslinux/modules/bios/ldlinux.c32
# Debian's bochs depends on either of two packages for each of its ROMs.
bios=
vga=
for file in /usr/share/bochs/BIOS-bochs-latest /usr/share/seabios/bios.bin; do
    [ -n "$bios" ] || [ ! -r "$file" ] || bios=$file
done
for file in /usr/share/vgabios/vgabios.bin \
    /usr/share/seabios/vgabios-isavga.bin; do
    [ -n "$vga" ] || [ ! -r "$file" ] || vga=$file
done
for wanted in bochs xorriso script ldd; do
    command -v "$wanted" >/dev/null || skip "$wanted isn't installed"
done
[ -r "$isolinux" ] || skip "isolinux isn't installed"
[ -r "$ldlinux" ] || skip "syslinux-common isn't installed"
[ -n "$bios$vga" ] || skip "seabios isn't installed"

kernel=$("$fixtures/kernel/debian-cloud.sh")
tools=$("$fixtures/tools/build.sh")
busybox=$(command -v busybox) || skip "busybox-static isn't installed"
work=$(mktemp -d "${TMPDIR:-/tmp}/kvm_intel.XXXXXX")
if [ -n "$keep" ]; then
    trap 'say "kept: $work"' EXIT
else
    trap 'rm -rf "$work"' EXIT
fi

# spec_file PATH: the file at its own path, links followed, and what it loads.
spec_file() {
    local mode=644
    [ ! -x "$1" ] || mode=755
    printf 'file %s %s 0 0 %s\n' "$(spec_path "$1")" "$mode" "$1"
    # ldd fails for what is no dynamic program: then there is nothing to load.
    { ldd "$1" 2>/dev/null || true; } | sed -n 's|^[^/]*\(/[^ ]*\) (.*|\1|p' |
        while read -r library; do
            printf 'file %s 755 0 0 %s\n' "$(spec_path "$library")" "$library"
        done
}

# The machine's /init: brings up /dev/kvm, runs the command, says how it went.
write_init() {
    local pair
    cat <<'EOT'
#!/bin/busybox sh
/bin/busybox --install -s /bin
export PATH=/usr/local/bin:/usr/bin:/bin HOME=/root TERM=dumb
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs devtmpfs /dev
mkdir -p /dev/shm /dev/pts
mount -t devpts devpts /dev/pts
mount -t tmpfs tmpfs /dev/shm
for module in irqbypass kvm kvm-intel; do
    insmod /modules/$module.ko
done
EOT
    for pair in "${environment[@]}"; do
        printf 'export %q\n' "$pair"
    done
    printf 'cd %q\n%q ' "$PWD" "$command"
    printf '%q ' "$@"
    # The UART empties at its own pace: powered off at once, the last lines
    # would be lost.
    cat <<'EOT'
</dev/null
echo "kvm_intel exit $?"
sleep 1
poweroff -f
EOT
}

write_init "$@" >"$work/init"
{
    printf 'dir /dev 755 0 0\nnode /dev/console 600 0 0 c 5 1\n'
    for dir in proc sys root "${PWD#/}"; do
        printf 'dir /%s 755 0 0\n' "$(spec_path "$dir")"
    done
    printf 'dir /tmp 1777 0 0\n'
    printf 'file /init 755 0 0 %s\n' "$work/init"
    printf 'file /bin/busybox 755 0 0 %s\n' "$busybox"
    modules=$kernel/modules/kernel
    for module in virt/lib/irqbypass.ko arch/x86/kvm/kvm.ko \
        arch/x86/kvm/kvm-intel.ko; do
        printf 'file /modules/%s 644 0 0 %s\n' "${module##*/}" \
            "$modules/$module"
    done
    spec_file "$command"
    for path in "${files[@]}"; do
        find -L "$path" -type f | sort | while read -r file; do
            spec_file "$file"
        done
    done
} >"$work/spec"
mkdir -p "$work/iso/isolinux"
"$tools/mkinitrd" --spec "$work/spec" --out "$work/iso/initrd" || exit 3
cp "$kernel/vmlinuz" "$work/iso/vmlinuz"
cp "$isolinux" "$ldlinux" "$work/iso/isolinux/"
cat >"$work/iso/isolinux/isolinux.cfg" <<'EOF2'
default linux
prompt 0
label linux
    kernel /vmlinuz
    initrd /initrd
    append console=ttyS0,115200 quiet mitigations=off nokaslr tsc=reliable lpj=4000000 i8042.noaux i8042.nokbd cryptomgr.notests panic=-1
EOF2
xorriso -as mkisofs -quiet -o "$work/boot.iso" -b isolinux/isolinux.bin \
    -c isolinux/boot.cat -no-emul-boot -boot-load-size 4 -boot-info-table \
    "$work/iso" >"$work/xorriso.log" 2>&1 || {
    cat "$work/xorriso.log" >&2
    die "xorriso can't write the boot image"
}

# A processor with VMX, EPT and 1 GiB pages. ips only sets the pace of the
# emulated clock, and reset_on_triple_fault would boot for ever.
cat >"$work/bochsrc" <<EOF2
cpu: model=corei7_haswell_4770, ips=100000000, reset_on_triple_fault=0, ignore_bad_msrs=1
memory: guest=$memory, host=$memory
romimage: file=$bios
vgaromimage: file=$vga
clock: sync=none
display_library: term
ata0-master: type=cdrom, path=$work/boot.iso, status=inserted
boot: cdrom
com1: enabled=1, mode=file, dev=$work/com1
log: $work/bochs.log
panic: action=fatal
error: action=ignore
info: action=ignore
debug: action=ignore
EOF2
# The packaged Bochs starts in its debugger: `c' lets it go on.
printf 'c\n' >"$work/go"
: >"$work/com1"
# The term display needs a terminal, which script makes. A power-off ends
# Bochs with status 1, and hung it ignores SIGTERM: the verdict is on com1.
cd "$work"
TERM=vt100 timeout -k 5 "$limit" script -qefc "bochs -q -f bochsrc -rc go" \
    /dev/null </dev/null >bochs.out 2>&1 &
emulator=$!
# timeout leads a process group of its own, which Ctrl-C doesn't reach.
trap 'kill "$emulator"; wait "$emulator" || true; exit 130' INT TERM
wait "$emulator" || true
tr -d '\r' <"$work/com1" | grep -av '^kvm_intel exit ' || true
status=$(tr -d '\r' <"$work/com1" |
    sed -n 's/^kvm_intel exit \([0-9]*\)$/\1/p' | tail -n 1)
if [ -z "$status" ]; then
    printf 'not ok kvm_intel: no verdict within %s seconds\n' "$limit"
    exit 124
fi
if [ "$status" = 0 ]; then
    printf 'ok kvm_intel\n'
else
    printf 'not ok kvm_intel: exit status %s\n' "$status"
fi
exit "$status"
