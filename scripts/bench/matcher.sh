#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A console log with the pattern at its very end: through our matcher (all
# filters, both views, a watch with 25 fail patterns), through Tcl expect, and
# through a bare PCRE2-JIT scan of the whole log in memory. Runs are interleaved;
# medians of the speed, reckoned by CPU time.
#
#   scripts/bench/matcher.sh [RUNS [MB]]     default: 5 runs, 50 MB
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/../.."
runs=${1:-5}
megabytes=${2:-50}
bench=${TOYVMM_BENCH_MATCHER:-build/bin/bench-matcher}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
log=$work/console.log

if [ ! -x "$bench" ]; then
    echo "scripts/bench/matcher.sh: no $bench: build first" \
        "(cmake -S . -B build -G Ninja && ninja -C build bench-matcher)" >&2
    exit 3
fi

# expect reads the log from a pseudo-terminal, as it does any console.
cat >"$work/expect.tcl" <<'END'
log_user 0
set timeout -1
match_max -d [lindex $argv 1]
spawn -noecho cat [lindex $argv 0]
expect {
    -re {finished: (\d+) targets ok} {}
    eof { puts stderr "the pattern was not found"; exit 1 }
}
END

# MB/s of expect with a buffer of $1 bytes, by its CPU time and cat's.
run_expect()
{
    local times
    times=$( { TIMEFORMAT='%U %S'
        time expect -f "$work/expect.tcl" "$log" "$1"; } 2>&1 )
    awk -v size="$size" -v times="$times" 'BEGIN {
        n = split(times, t, " ")
        if (n != 2) { print times > "/dev/stderr"; exit 1 }
        printf "%.1f\n", size / 1e6 / (t[1] + t[2])
    }'
}

run_one()
{
    case $1 in
    matcher | stamped | pcre) "$bench" "$1" "$log" ;;
    expect-*) run_expect "${1#expect-}" ;;
    esac
}

median()
{
    sort -n "$work/$1" | awk '{ v[NR] = $1 }
        END { print NR % 2 ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2 }'
}

row()
{
    printf '%-52s %8.1f MB/s\n' "$2" "$(median "$1")"
}

"$bench" make "$log" $((megabytes * 1000000))
size=$(stat -c %s "$log")
contenders=(matcher stamped pcre)
if command -v expect >/dev/null; then
    contenders+=(expect-2000 expect-100000)
else
    echo "expect is not installed: skipped"
fi

for ((run = 1; run <= runs; run++)); do
    for one in "${contenders[@]}"; do
        run_one "$one" >>"$work/$one"
    done
done

echo "$megabytes MB of console log, medians of $runs runs:"
row matcher "matcher, all filters and a watch, a stamp each 4 KiB"
row stamped "the same, a stamp for each byte"
row pcre "bare PCRE2-JIT scan of the log in memory"
if command -v expect >/dev/null; then
    row expect-2000 "Tcl expect, its default window of 2 kB"
    row expect-100000 "Tcl expect, a window of 100 kB"
    awk -v a="$(median matcher)" -v b="$(median expect-2000)" \
        -v c="$(median expect-100000)" 'BEGIN {
        printf "matcher / expect            %8.1f\n", a / b
        printf "matcher / expect, 100 kB    %8.1f\n", a / c
    }'
fi
awk -v a="$(median matcher)" 'BEGIN { printf "matcher MB/s %.0f\n", a }'
