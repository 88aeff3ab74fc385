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

# idles PID: in two seconds its first thread had less than a tenth of them.
idles() {
    local before ticks
    before=$(awk '{ print $14 + $15 }' "/proc/$1/task/$1/stat") && sleep 2 &&
        ticks=$(awk -v b="$before" '{ print $14 + $15 - b }' \
            "/proc/$1/task/$1/stat") &&
        [ $((ticks * 10)) -lt $((2 * $(getconf CLK_TCK))) ]
}

# `exec` on the KVM that is here, so on a machine of ours: one boot.
commands_in_a_guest() {
    local run
    mkdir "$work/kept"
    mkfifo "$work/typed"
    # shellcheck disable=SC2016  # the guest expands it
    timeout -k 5 3600 "$test_program" exec --rw "$work/kept" \
        --cpus 2 --cmdline toyvmm.word -- sh -c 'read line
            echo "$line $(nproc) $PWD"
            read line
            grep -o toyvmm.word /proc/cmdline
            echo aside >&2
            echo kept >"$0/file" && echo lost >lost && cat lost
            seq 1 20000 >&2
            exit 7' "$work/kept" <"$work/typed" >"$work/out" 2>"$work/err" &
    run=$!
    exec 9>"$work/typed"
    echo typed >&9
    until grep -qs '^typed 2' "$work/out" || ! kill -0 $run; do
        sleep 0.05
    done
    idles "$(pgrep -f exec-machine)"
    claim "exec on our own machine: a guest that waits costs nothing"
    echo go >&9
    exec 9>&-
    wait $run
    status=$?
    [ $status = 7 ] &&
        printf 'typed 2 %s\ntoyvmm.word\nlost\n' "$PWD" | cmp - "$work/out"
    claim "exec on our own machine: input, output, exit code"
    { echo aside && seq 1 20000; } | cmp - "$work/err" &&
        [ "$(cat "$work/kept/file")" = kept ] && [ ! -e lost ]
    claim "exec on our own machine: much output, files kept and not kept"
}
