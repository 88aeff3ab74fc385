#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Installs what this project needs from Debian's packages, says what and why,
# and touches nothing else. Does nothing when all of it is there.
set -euo pipefail
list=$(dirname "$0")/lib/packages.list

usage() {
    cat >&2 <<'EOT'
usage: setup.sh [--quickstart] [--test] [--kernel] [--package] [--list]
  --quickstart  to build toyvmm-test and boot a guest (the default)
  --test        that, and to run all the tests
  --kernel      that, and to build the small kernel of the benchmarks
  --package     that, and to test the Debian packages
  --list        only say what is missing; status 1 when something is
EOT
    exit 2
}

die() {
    printf 'error: %s\n' "$*" >&2
    exit 3
}

sets=(quickstart)
only_list=
for option in "$@"; do
    case $option in
    --quickstart) ;;
    --test | --kernel | --package) sets+=("${option#--}") ;;
    --list) only_list=1 ;;
    *) usage ;;
    esac
done

is_installed() {
    [ "$(dpkg-query -W -f '${db:Status-Abbrev}' "$1" 2>/dev/null)" = 'ii ' ]
}

for tool in dpkg-query apt-get; do
    command -v "$tool" >/dev/null ||
        die "this is no Debian system; install by hand what $list names"
done
missing=()
while read -r set package reason; do
    case " ${sets[*]} " in
    *" $set "*) ;;
    *) continue ;;
    esac
    case " ${missing[*]-} " in
    *" $package "*) continue ;;
    esac
    if ! is_installed "$package"; then
        [ ${#missing[@]} -gt 0 ] || echo "Missing Debian packages:"
        printf '  %-20s %s\n' "$package" "$reason"
        missing+=("$package")
    fi
done < <(grep -v '^#' "$list" | grep .)

if [ ${#missing[@]} = 0 ]; then
    echo "All Debian packages for ${sets[*]} are installed."
    exit 0
fi
[ -z "$only_list" ] || exit 1

as_root=()
if [ "$(id -u)" != 0 ]; then
    command -v sudo >/dev/null || die "installing packages needs root: run" \
        "\`apt-get install ${missing[*]}' as root"
    as_root=(sudo)
fi

# --no-upgrade: a package that is there in another version stays as it is.
install_missing() {
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -qq install \
        --yes --no-install-recommends --no-upgrade "${missing[@]}"
}

# known PACKAGE...: apt can say where each comes from.
known() {
    local package
    for package in "$@"; do
        apt-cache show --no-all-versions "$package" >/dev/null 2>&1 ||
            return 1
    done
}

update() {
    echo "Reading the package lists (apt-get update)."
    "${as_root[@]}" apt-get -qq update || die "apt-get update failed, see above"
}

echo "Installing them with apt-get${as_root[0]:+, as root by sudo}."
updated=
if ! known "${missing[@]}"; then
    update
    updated=1
fi
# Lists from last month name files that the mirror has replaced since.
if ! install_missing; then
    [ -z "$updated" ] || die "apt-get install failed, see above"
    update
    install_missing || die "apt-get install failed, see above"
fi
echo "Installed: ${missing[*]}"
