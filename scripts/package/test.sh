#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What is installed works where nothing of this tree is.
#
#   test.sh BUILD              `cmake --install BUILD` into a folder: the program,
#                              the library, a project that uses it
#   test.sh --debs [SUITE...]  the Debian packages: the same bytes twice, clean
#                              for lintian, and installed and run by an ordinary
#                              user in new roots of these suites, each with the
#                              packages built there (bookworm trixie; needs root)
#
# Prints TAP; exits 1 when a claim doesn't hold.
set -uo pipefail
source_dir=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
# shellcheck source=../lib/tap.sh
. "$source_dir/scripts/lib/tap.sh"
work=$(mktemp -d /var/tmp/toyvmm-package-XXXXXX)
trap 'rm -rf "$work"' EXIT

# The files of a guest: KERNEL and INITRD.
guest_files() {
    local conf
    conf=$("$1"/share/toyvmm/fixtures/guest.sh resolve busybox) || return
    KERNEL=$(sed -n 's/^kernel //p' "$conf")
    INITRD=$(sed -n 's/^initrd //p' "$conf")
    export KERNEL INITRD
}

# example PREFIX: a project outside of this tree, built with pkg-config alone.
example() {
    cp -r "$1/share/doc/libtoyvmm-dev/example" "$work/example" &&
        cmake -S "$work/example" -B "$work/example/build" &&
        cmake --build "$work/example/build" &&
        guest_files "$1" || return
    if "$1/bin/toyvmm-test" --probe --accel kvm >/dev/null 2>&1; then
        "$work/example/build/boots"
    else
        "$1/bin/toyvmm-rig" -- "$work/example/build/boots"
    fi
}

only_what_the_header_says() {
    local lib=$1
    [ "$(nm -D --defined-only "$lib" | awk '$2 != "A" { print $3 }' |
        sed 's/@@TOYVMM_0$//' | sort)" = \
        "$(grep -o '\btoyvmm_[a-z_]*(' "$source_dir/src/toyvmm.h" |
            tr -d '(' | sort -u)" ]
}

# only_ours PREFIX: each function that the headers declare is the library's.
only_ours() {
    ! sed 's,//.*,,; /^#/d' "$1"/include/toyvmm/*.h | grep -v '(\*' |
        grep -oE '\b[a-z_]+\(' | grep -vE '^(toyvmm_|sizeof)'
}

# same_modes PREFIX: each file of the recipes is a program where it is one here.
same_modes() {
    local file differ=0
    while read -r file; do
        [ -x "$1/share/toyvmm/$file" ] && [ -x "$source_dir/$file" ] && continue
        [ ! -x "$1/share/toyvmm/$file" ] && [ ! -x "$source_dir/$file" ] &&
            continue
        echo "$file"
        differ=1
    done < <(cd "$1/share/toyvmm" && find fixtures -type f)
    return $differ
}

installed() {
    local build=$1 prefix=$work/usr
    tap_run "cmake --install" cmake --install "$build" --prefix "$prefix"
    tap_run "programs are programs, and nothing else is" same_modes "$prefix"
    tap_run "the guests' tools are there, no compiler is needed" \
        env PATH=/usr/bin:/bin CC=/nonexistent \
        "$prefix/share/toyvmm/fixtures/tools/build.sh"
    tap_run "the program finds its guests' recipes" \
        env -C / -u TOYVMM_FIXTURES TOYVMM_OFFLINE=1 "$prefix/bin/toyvmm-test" \
        "$prefix/share/toyvmm/testcases/busybox_login.tc"
    tap_run "the library exports what its header declares" \
        only_what_the_header_says "$(find "$prefix" -name 'libtoyvmm.so.*.*')"
    PKG_CONFIG_PATH=$(dirname "$(find "$prefix" -name toyvmm.pc)")
    LD_LIBRARY_PATH=$(dirname "$PKG_CONFIG_PATH")
    export PKG_CONFIG_PATH LD_LIBRARY_PATH
    tap_run "its headers declare nothing else" only_ours "$prefix"
    tap_run "a project with tests of its own boots a guest" example "$prefix"
}

# ---- Debian packages --------------------------------------------------------

# A copy of the tree as it is committed, elsewhere.
copy_tree() {
    git -C "$source_dir" archive --prefix="$1/" HEAD | tar -x -C "$work"
}

same_twice() {
    copy_tree one && copy_tree another-place || return
    "$work/one/scripts/package/build.sh" "$work/debs-1" &&
        "$work/another-place/scripts/package/build.sh" "$work/debs-2" ||
        return
    local deb
    for deb in "$work"/debs-1/*.deb; do
        cmp "$deb" "$work/debs-2/${deb##*/}" || return
    done
}

# in_root SUITE: builds there, installs, and runs as somebody.
in_root() {
    local suite=$1 root=$work/$1 build_needs status=0
    build_needs=$(sed -n 's/^quickstart  *\([^ ]*\).*/\1/p' \
        "$source_dir/scripts/lib/packages.list" |
        grep -vE '^(qemu|busybox|lz4|curl|ca-cert)' | paste -sd,)
    mmdebstrap --quiet --variant=apt --include="$build_needs,file,dpkg-dev" \
        --components=main "$suite" "$root" || return
    cp -r "$work/one" "$root/src"
    mkdir "$root/debs"
    # How this host's apt reaches its mirrors.
    apt-config dump --format '%F "%v";%n' Acquire |
        grep -E '^Acquire::(https?::|Check-|Retries|ForceIPv)' \
            >"$root/etc/apt/apt.conf.d/99host"
    chroot "$root" bash -ec '
        /src/scripts/package/build.sh /src/build-package
        cp /src/build-package/*.deb /debs
        apt-get -qq update
        apt-get -qq -y install /debs/toyvmm-test_*.deb /debs/libtoyvmm*.deb
        rm -r /src
        useradd --create-home somebody' || return
    # In a chroot nobody gets the user namespace that the rig wants.
    # shellcheck disable=SC2016  # for the shell inside
    unshare --mount sh -ec '
        mount --make-rprivate /
        mount --rbind "$1" "$1"
        mount --rbind /dev "$1/dev"
        mount -t proc proc "$1/proc"
        cd "$1"
        pivot_root . mnt
        cd /
        umount -l /mnt
        exec su - somebody -c \
            "toyvmm-test /usr/share/toyvmm/testcases/alpine_login.tc"
    ' sh "$root" || status=$?
    return $status
}

debs() {
    local suite
    [ $# -gt 0 ] || set -- bookworm trixie
    tap_run "packages are the same bytes, wherever they are built" same_twice
    tap_run "lintian finds nothing" lintian --allow-root \
        --fail-on error,warning "$work"/debs-1/*.deb
    for suite; do
        tap_run "installed and run on $suite" in_root "$suite"
    done
}

case ${1-} in
--debs) shift && debs "$@" ;;
'' | -*) sed -n 's/^# \{0,1\}//; 4,12p' "$0" && exit 2 ;;
*) installed "$(realpath "$1")" ;;
esac
[ "$tap_failures" = 0 ]
