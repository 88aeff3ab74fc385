#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Builds the Debian packages from this tree, the same bytes each time, and
# prints their paths. Usage: build.sh [DIR], default build-package.
set -euo pipefail
source_dir=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
dir=$(realpath -m "${1:-build-package}")

# Without it the packages would say that they need nothing.
command -v dpkg-shlibdeps >/dev/null ||
    { echo "error: dpkg-shlibdeps isn't installed: apt-get install dpkg-dev" >&2
      exit 3; }

# When the version was made; nothing that is packed is newer.
SOURCE_DATE_EPOCH=$(date +%s -d "$(sed -n 's/^ -- .*>  //p;T;q' \
    "$source_dir/scripts/package/changelog")")
export SOURCE_DATE_EPOCH
umask 022

mkdir -p "$dir"
cmake -S "$source_dir" -B "$dir" -G Ninja -DCMAKE_INSTALL_PREFIX=/usr \
    -DTOYVMM_TESTS=OFF -DTOYVMM_FIXTURES_DIR= >"$dir/cmake.log" 2>&1 ||
    { cat "$dir/cmake.log" >&2; exit 1; }
ninja -C "$dir" --quiet toyvmm-test toyvmm-rig libtoyvmm packaged >&2
rm -f "$dir"/*.deb
(cd "$dir" && cpack -G DEB >&2)
ls "$dir"/*.deb
