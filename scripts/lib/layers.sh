#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Who includes whom: says each #include that goes against the plan, exits 1 when
# there is one.
#
#   - Between rooms: a room sees the headers of those that toyvmm_room links it
#     with (harness/CMakeLists.txt, src/CMakeLists.txt), and src/toyvmm.h.
#   - Within a room whose README.md has a table of layers: a file sees headers
#     of its own layer and of lower numbers; each file stands in the table.
#
# Usage: layers.sh [ROOT]
set -euo pipefail
cd "${1:-$(dirname "${BASH_SOURCE[0]}")/../..}"

# includes FILE...: "FILE HEADER" for each of our own that it includes.
includes()
{
    awk '/^#include "(harness|src)\// { gsub(/"/, "", $2); print FILENAME, $2 }' \
        "$@"
}

# "ROOM FOLDER DEPENDENCY..." for each room.
rooms()
{
    local part
    for part in src harness; do
        tr '\n' ' ' <"$part/CMakeLists.txt" | grep -o 'toyvmm_room([^)]*)' |
            sed "s/toyvmm_room(//; s/)//; s| \([^ ]*\)| $part/\1|"
    done
}

check_rooms()
{
    # shellcheck disable=SC2046  # no name has a blank
    includes $(rooms | while read -r _ folder _; do
        printf '%s\n' "$folder"/*.[ch]
    done) | awk -v rooms="$(rooms)" '
        function sees(room, folder, seen,    i, n, deps) {
            if (room in seen) return 0
            seen[room] = 1
            if (folders[room] == folder) return 1
            n = split(uses[room], deps, " ")
            for (i = 1; i <= n; i++)
                if (deps[i] in folders && sees(deps[i], folder, seen)) return 1
            return 0
        }
        function folder_of(path) { sub(/\/[^\/]*$/, "", path); return path }
        BEGIN {
            n = split(rooms, lines, "\n")
            for (i = 1; i <= n; i++) {
                split(lines[i], f, " ")
                folders[f[1]] = f[2]; room_of[f[2]] = f[1]
                line = lines[i]; sub(/^[^ ]+ +[^ ]+ */, "", line)
                uses[f[1]] = line
            }
        }
        {
            to = folder_of($2)
            if ($2 == "src/toyvmm.h") next
            delete seen
            if (!sees(room_of[folder_of($1)], to, seen)) {
                print $1 " includes " $2 ": its room is not linked with that"
                bad = 1
            }
        }
        END { exit bad }'
}

# "FILE LAYER" for each file in the table of a README.
layers()
{
    awk -F '|' '$2 ~ /^ *[0-9]+ *$/ {
        n = split($3 " " $4, names, /[` ]+/)
        for (i = 1; i <= n; i++)
            if (names[i] ~ /\.[ch]$/) print names[i], $2 + 0
    }' "$1"
}

check_layers()
{
    local folder=$1 files
    files=$(git ls-files "$folder/*.c" "$folder/*.h")
    # shellcheck disable=SC2086  # no name has a blank
    { layers "$folder/README.md" && echo && printf '%s\n' $files && echo &&
        includes $files; } | awk -v folder="$folder/" '
        !NF { part++; next }
        part == 0 { layer[folder $1] = $2; next }
        part == 1 {
            if (!($1 in layer)) {
                print $1 " stands in no layer of " folder "README.md"
                bad = 1
            }
            next
        }
        index($2, folder) == 1 && layer[$2] > layer[$1] {
            print $1 " (layer " layer[$1] ") includes " $2 " (layer " \
                layer[$2] ")"
            bad = 1
        }
        END { exit bad }'
}

status=0
check_rooms || status=1
for readme in $(git ls-files 'harness/*/README.md' 'src/*/README.md'); do
    if [ -n "$(layers "$readme")" ]; then
        check_layers "$(dirname "$readme")" || status=1
    fi
done
exit "$status"
