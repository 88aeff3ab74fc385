#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Recording real guests and replaying them: the same verdicts, marks and
# messages, whatever happens to the recording. Sourced by e2e.sh, whose
# functions and variables it uses.

# shellcheck disable=SC2154  # work and status are e2e.sh's

# Wrong command lines; nothing boots.
bad_recordings() {
    local tc=$work/recorded.tc
    scenario 'kernel "kernel"\nexpect /x/\n' recorded.tc
    refused 2 'is no recording: it is not overwritten' --record "$tc" "$tc"
    refused 2 '/no/such/dir' --record /no/such/dir/x.tvr "$tc"
    refused 2 'give one of them' --record "$work/a" --replay "$work/b" "$tc"
    refused 2 '--replay-speed is for --replay' --replay-speed 2 "$tc"
    refused 2 'give a number' --replay "$work/b" --replay-speed fast "$tc"
    refused 2 'No such file' --replay "$work/missing.tvr" "$tc"
    refused 2 'is no recording' --replay "$tc" "$tc"
    refused 2 'is no recording' show "$tc"
    refused 2 'show takes one recording' show
    grep -q . "$tc"
    claim "a scenario named by --record is as it was"
}

# essence REPORT: what of a report a replay must give again.
essence() {
    xmllint --xpath '//testcase/@name | //testcase/@time |
        //failure/@type | //failure/@message | //error/@type |
        //error/@message | //property[starts-with(@name, "mark.")]/@*' \
        "$1" 2>&1
}

replays_like() {
    local name=$1
    shift
    toyvmm --junit "$work/then.xml" --record "$work/$name" "$@"
    local then=$status
    toyvmm --junit "$work/now.xml" --replay "$work/$name" "$@"
    [ "$status" = "$then" ] && grep -q '^accelerator: replay' "$work/out" &&
        ! grep -q 'record' "$work/out" &&
        diff <(essence "$work/then.xml") <(essence "$work/now.xml") \
            >"$work/err"
    claim "$name: exit $then, verdicts, marks, messages, times are the same"
}

# Real guests that pass and that fail, each in a run of its own or many.
replays() {
    mkdir "$work/mixed"
    cp testcases/failing/{panic,silent,status}.tc testcases/two_ports.tc \
        "$work/mixed"
    replays_like login.tvr testcases/busybox_login.tc
    replays_like mixed-recordings "$work/mixed"
    [ -s "$work/mixed-recordings/panic.tvr" ] &&
        [ -s "$work/mixed-recordings/two_ports.tvr.ttyS1.cast" ]
    claim "a folder has a recording and casts for each"
    xmllint --noout --schema harness/report/jenkins-junit.xsd \
        "$work/now.xml" 2>"$work/err"
    claim "a replay's report is valid"
    # Without a rig, without KVM, without the guest.
    TOYVMM_RIG='' TOYVMM_GUEST_BUSYBOX=/no/such/guest PATH=/nowhere \
        "$test_program" --replay "$work/login.tvr" testcases/busybox_login.tc \
        >"$work/out" 2>"$work/err"
    claim "a replay needs neither rig nor guest"
    local before=$SECONDS
    toyvmm --replay "$work/login.tvr" --replay-speed 1 \
        testcases/busybox_login.tc
    [ "$status" = 0 ] && [ $((SECONDS - before)) -ge 1 ]
    claim "--replay-speed 1 takes its time"
}

# Through a file: a pipe that grep leaves early would be an error of show's.
shows_last_line() {
    "$test_program" show "$work/killed.tvr" >"$work/shown" 2>"$work/err"
    grep -q 'nothing follows this line' "$work/shown"
}

# Another scenario, a recording that is cut off, a disk that is full.
replays_part() {
    sed 's/^login .*/&\nsend "something else"/' testcases/busybox_login.tc \
        >"$work/other.tc"
    toyvmm --replay "$work/login.tvr" "$work/other.tc"
    grep -q 'types something else than was recorded at [0-9.]* s' "$work/out" &&
        grep -q 'not the one that was recorded' "$work/out"
    claim "a replay tells that another scenario types something else"
    head -c $(($(stat -c %s "$work/login.tvr") * 2 / 3)) "$work/login.tvr" \
        >"$work/cut.tvr"
    toyvmm --replay "$work/cut.tvr" testcases/busybox_login.tc
    [ "$status" = 1 ] &&
        grep -q 'the recording ends at [0-9.]* s, it is cut off' "$work/out"
    claim "a replay tells that the recording is cut off"
    toyvmm --record /dev/full testcases/busybox_login.tc
    [ "$status" = 3 ] && grep -q '^ok ' "$work/out" &&
        grep -q 'is cut off: No space left on device' "$work/err"
    claim "a full disk costs the recording, not the verdict"
    local run
    "$test_program" --in-process --record "$work/killed.tvr" \
        testcases/failing/silent.tc --timeout-scale 30 >"$work/out" \
        2>"$work/err" </dev/null &
    run=$!
    await shows_last_line
    kill -KILL "$run"
    wait "$run" 2>"$work/err"
    toyvmm show "$work/killed.tvr"
    grep -q 'nothing follows this line' "$work/out" &&
        grep -q 'the recording has no end: it is cut off' "$work/out"
    claim "a killed run leaves a recording of all that was printed"
}

shows() {
    toyvmm show --since-last "$work/login.tvr"
    grep -q '= login_prompt' "$work/out" && grep -q '> root' "$work/out" &&
        grep -q '# the longest gaps:' "$work/out"
    claim "show --since-last has marks, input and gaps"
    toyvmm show --raw "$work/login.tvr"
    grep -q 'login: ' "$work/out"
    claim "show --raw has the console"
    toyvmm show --cast "$work/login.tvr"
    cmp -s "$work/out" "$work/login.tvr.cast"
    claim "show --cast is what --record wrote beside the recording"
    if ! command -v python3 >/dev/null; then
        echo "ok - JSON of show # SKIP python3 is not installed"
        return
    fi
    python3 - "$work/login.tvr.cast" <<'END'
import json, sys
lines = [json.loads(line) for line in open(sys.argv[1], encoding="utf-8")]
head, events = lines[0], lines[1:]
assert (head["version"], head["width"], head["height"]) == (2, 80, 24)
assert {code for _, code, _ in events} == {"o", "i", "m"}
assert all(isinstance(text, str) for _, _, text in events)
times = [time for time, _, _ in events]
assert times == sorted(times) and times[0] >= 0
END
    claim "the asciicast is one, and its times ascend"
    toyvmm show --json "$work/login.tvr"
    python3 -c 'import json, sys
for line in sys.stdin: json.loads(line)' <"$work/out"
    claim "show --json has an object on each line"
}

# A secret's text is in no file, though the guest prints it.
secrets_stay() {
    {
        printf 'guest busybox\nlogin "root" password "root"\n'
        printf 'send "read x"\nsend "open-sesame" secret\n'
        # shellcheck disable=SC2016  # the guest's variable
        printf 'send "echo \\"<$x>\\""\nexpect /<open-sesame>/\n'
    } >"$work/secret.tc"
    replays_like secret.tvr "$work/secret.tc"
    ! grep -rqF sesame "$work"/secret.tvr*
    claim "a secret is in neither recording nor cast"
}

recordings() {
    replays
    replays_part
    shows
    secrets_stay
}
