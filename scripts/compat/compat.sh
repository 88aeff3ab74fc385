#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The table of kernels that boot, src/boot/COMPATIBILITY.md, made by booting
# them: usage: compat.sh [KERNEL [FORM [CPUS]]]...
#   compat.sh                  only writes the table anew, tries nothing
#   compat.sh 12/cloud         Debian 12's cloud kernel, both forms, 1, 2, 8 CPUs
#   compat.sh 13/rt bzImage 2  one pair
# KERNEL is 11, 12 or 13, a slash, and cloud, generic or rt. It is downloaded
# with an apt of its own, from where apt has Debian here; the host's packages,
# lists and kernel stay as they are. What was tried before stays in the table. An
# overloaded host proves nothing: look before a time-out is believed.
set -euo pipefail
source_dir=$(cd "$(dirname "$0")/../.." && pwd)
# shellcheck source=../../fixtures/lib/common.sh
. "$source_dir/fixtures/lib/common.sh"

program=${TOYVMM_TEST:-$source_dir/build/bin/toyvmm-test}
table=$source_dir/src/boot/COMPATIBILITY.md
forms=(vmlinux bzImage)
all_cpus=(1 2 8)
declare -A codename=([11]=bullseye [12]=bookworm [13]=trixie)
declare -A package=([cloud]=linux-image-cloud-amd64 [generic]=linux-image-amd64
    [rt]=linux-image-rt-amd64)
# KERNEL FORM CPUS: what came of it; KERNEL: its release.
declare -A cell version

# shellcheck disable=SC2016  # apt's variable
# private_apt RELEASE WORDS...: apt-get, or apt-cache, as if this were RELEASE.
private_apt() {
    local root=$cache/compat/apt-$1 command=$2 mirror
    shift 2
    mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' \
        'Origin: Debian' 'Component: main' 2>/dev/null |
        grep -m 1 '/debian/$' || echo http://deb.debian.org/debian)
    mkdir -p "$root/lists/partial" "$root/archives/partial"
    : >>"$root/status"
    printf 'deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] %s %s main\n' \
        "$mirror" "${codename[${root##*-}]}" >"$root/sources.list"
    "$command" -qq -o Dir::Etc::SourceList="$root/sources.list" \
        -o Dir::Etc::SourceParts=/dev/null -o Dir::State="$root" \
        -o Dir::State::Lists="$root/lists" -o Dir::State::status="$root/status" \
        -o Dir::Cache="$root" -o APT::Sandbox::User=root "$@"
}

# kernel_deb RELEASE FLAVOUR: prints the path of its package.
kernel_deb() {
    local dir=$cache/compat/debs-$1-$2 name
    if ! ls "$dir"/*.deb >/dev/null 2>&1; then
        say "Debian $1, $2: downloading"
        [ -n "$(ls "$cache/compat/apt-$1/lists/"*Packages* 2>/dev/null)" ] ||
            private_apt "$1" apt-get update >&2 || return 1
        name=$(private_apt "$1" apt-cache show --no-all-versions \
            "${package[$2]}" |
            sed -n 's/^Depends: *\(linux-image-[^ ,]*\).*/\1/p' | head -n 1)
        mkdir -p "$dir"
        (cd "$dir" && private_apt "$1" apt-get download "$name" >&2) || return 1
    fi
    printf '%s\n' "$dir"/*.deb
}

# try KERNEL FORM CPUS: boots it; its cell says what came of it.
try() {
    local deb conf out why dir=$cache/compat/${1/\//-}
    deb=$(kernel_deb "${1%/*}" "${1#*/}") || {
        cell[$1 $2 $3]="no package"
        return
    }
    # A cache of its own: the kernel that all guests have stays the one it is.
    conf=$(TOYVMM_CACHE=$dir TOYVMM_KERNEL_DEB=$deb \
        "$source_dir/fixtures/guest.sh" resolve busybox) || die "$deb: no guest"
    version[$1]=$(cat "$(dirname "$(sed -n 's/^kernel //p' "$conf")")/version")
    if [ "$2" = bzImage ]; then
        sed '/^kernel /s/vmlinux$/vmlinuz/' "$conf" >"$dir/bzImage.conf"
        conf=$dir/bzImage.conf
    fi
    say "${version[$1]} as $2 with $3 CPUs"
    if out=$(TOYVMM_GUEST_BUSYBOX=$conf "$program" --cpus "$3" \
        --set processors="$3" "$source_dir/scripts/compat/boot.tc" 2>&1); then
        cell[$1 $2 $3]=boots
    else
        why=$(sed -n 's/^ *[^ ]*boot.tc:[0-9:]* //p' <<<"$out" | head -n 1)
        cell[$1 $2 $3]="no: ${why:-the run failed}"
        printf '%s\n' "$out" >&2
    fi
}

# What the table says already.
read_table() {
    local kernel release form i cells
    [ -f "$table" ] || return 0
    while IFS='|' read -r _ kernel release form cells; do
        read -r kernel <<<"$kernel"
        read -r release <<<"$release"
        read -r form <<<"$form"
        [[ $kernel == 1?/* ]] || continue
        [ "$release" = - ] || version[$kernel]=$release
        for i in "${!all_cpus[@]}"; do
            cell[$kernel $form ${all_cpus[i]}]=$(cut -d'|' -f$((i + 1)) \
                <<<"$cells" | sed 's/^ *//; s/ *$//')
        done
    done <"$table"
}

write_table() {
    local release flavour kernel form n
    cat <<'EOT'
# Kernels that were seen to boot

Made by `scripts/compat/compat.sh`, which boots each pair: Debian's kernels, unmodified, with the
guest `busybox` and the drivers that belong to the kernel, to a login on ttyS0, with all its
processors at work, a disk and a network card on PCI, and a power-off. Another guest, `debian`, has the
kernel of its own and is booted by every test run (`testcases/debian_login.tc`). `vmlinux` is the
ELF file that the package's bzImage holds.

| kernel | release | file | 1 CPU | 2 CPUs | 8 CPUs |
| --- | --- | --- | --- | --- | --- |
EOT
    for release in 11 12 13; do
        for flavour in cloud generic rt; do
            kernel=$release/$flavour
            for form in "${forms[@]}"; do
                printf '| %s | %s | %s |' "$kernel" "${version[$kernel]:--}" \
                    "$form"
                for n in "${all_cpus[@]}"; do
                    printf ' %s |' "${cell[$kernel $form $n]:-not tried}"
                done
                printf '\n'
            done
        done
    done
}

read_table
status=0
while [ $# -gt 0 ]; do
    kernel=$1
    shift
    if [ -z "${codename[${kernel%/*}]:-}" ] ||
        [ -z "${package[${kernel#*/}]:-}" ]; then
        die "$kernel: a kernel is 11, 12 or 13, a slash, and cloud, generic or rt"
    fi
    these=("${forms[@]}")
    counts=("${all_cpus[@]}")
    case ${1:-} in vmlinux | bzImage)
        these=("$1")
        shift
        ;;
    esac
    case ${1:-} in 1 | 2 | 8)
        counts=("$1")
        shift
        ;;
    esac
    for form in "${these[@]}"; do
        for n in "${counts[@]}"; do
            try "$kernel" "$form" "$n"
            [ "${cell[$kernel $form $n]}" = boots ] || status=1
            # What was seen is kept, whatever becomes of the next one.
            write_table >"$table.new"
            mv "$table.new" "$table"
        done
    done
done
write_table >"$table.new"
mv "$table.new" "$table"
exit $status
