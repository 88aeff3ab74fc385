# shellcheck shell=bash disable=SC2154
# SPDX-License-Identifier: Apache-2.0
# Part of e2e.sh: folders of this machine's in a guest. One boot proves all of it.

shares() {
    mkdir -p "$work/share/out"
    toyvmm --set "out=$work/share/out" --set clean=no \
        --record "$work/share/share.tvr" testcases/share.tc
    [ "$status" = 0 ]
    claim "share passes: a folder that can't be changed, and one that can"
    [ "$(cat "$work/share/out/note.txt")" = "written by the guest" ] &&
        [ ! -e testcases/share/new ]
    claim "what the guest wrote is there, where it may write"
    rm -r "$work/share/out"
    toyvmm --set "out=$work/share/out" --set clean=no \
        --replay "$work/share/share.tvr" testcases/share.tc
    [ "$status" = 0 ] && [ ! -e "$work/share/out" ]
    claim "a replay needs no folder"
    toyvmm --check --set "out=$work/share/out" testcases/share.tc
    [ "$status" = 0 ] && grep -q "share.tc:8:9: warning: can't share" \
        "$work/out" "$work/err"
    claim "--check names a folder that isn't there, and its line"
    toyvmm --set "out=$work/share/out" testcases/share.tc
    [ "$status" = 3 ] && grep -q "share.tc: can't share $work/share/out: No such" \
        "$work/out" "$work/err"
    claim "a run with one ends before it boots"
}
