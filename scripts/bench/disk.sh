#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Reads from a raw image, without a guest: by a disk's device in turn and looking
# ahead, and from the bare file in turn, told before, and by io_uring (where
# liburing-dev was there to build with). Runs are interleaved; medians, and the
# medians and quartiles of what each round's runs are to each other. Cold is
# what the host does not have in memory: a file system that keeps its files there
# (tmpfs) has none of it.
#
#   scripts/bench/disk.sh [ROUNDS [MB [FOLDER]]]  default: 40 rounds, 512 MB in
#                                                 $TMPDIR or /tmp
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/../.."
rounds=${1:-40}
megabytes=${2:-512}
folder=${3:-${TMPDIR:-/tmp}}
bench=${TOYVMM_BENCH_DISK:-build/bin/bench-disk}

if [ ! -x "$bench" ]; then
    echo "scripts/bench/disk.sh: no $bench: build first" \
        "(cmake -S . -B build -G Ninja && ninja -C build bench-disk)" >&2
    exit 3
fi
image=$(mktemp "$folder/toyvmm-bench-disk-XXXXXX")
trap 'rm -f "$image"' EXIT
head -c "$((megabytes * 1000000 / 4096 * 4096))" /dev/urandom >"$image"
sync "$image"

# At each: what, how, KiB, at a time, reads of a run.
while read -r state order size depth reads; do
    [ "$state" = cold ] || cat "$image" >/dev/null
    "$bench" "$image" "$state" "$order" "$size" "$depth" "$reads" "$rounds"
done <<'END'
hot random 4 32 3200
cold random 4 32 320
cold random 4 4 320
cold random 64 8 96
cold sequential 4 32 2000
cold sequential 128 2 500
hot sequential 1024 32 64
cold sequential 1024 32 64
END
