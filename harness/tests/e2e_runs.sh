#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What becomes of scenarios that fail: run again, known, the end of the run. On
# recorded runs: no guest boots. Usage: e2e_runs.sh PATH-OF-toyvmm-test.
# Prints TAP, a line per claim; exits 1 when one does not hold.
set -uo pipefail
test_program=$(realpath "$1")
source_dir=$(cd "$(dirname "$0")/../.." && pwd)
recordings=$source_dir/fixtures/recordings
schema=$source_dir/harness/report/jenkins-junit.xsd
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
export XDG_STATE_HOME=$work/state
broken=0
claims=0
status=0

# claim WORDS: tells whether the command before it held.
claim() {
    local held=$?
    claims=$((claims + 1))
    if [ $held = 0 ]; then
        echo "ok - $*"
    else
        broken=$((broken + 1))
        echo "not ok - $*"
        sed 's/^/#   /' err out 2>/dev/null | tail -20
    fi
}

# toyvmm ARGS: status in $status.
toyvmm() {
    timeout -k 5 300 "$test_program" "$@" >out 2>err </dev/null
    status=$?
}

# NAME...: scenarios and their recordings in a folder of their own, t.
suite() {
    rm -rf t
    mkdir t
    for name in "$@"; do
        cp "$recordings/$name".{tc,tvr} t
    done
}

retries() {
    suite timeout secret
    toyvmm --replay t --retries 2 --junit junit.xml --results results t
    [ $status = 1 ] && grep -q '^2 scenarios: 1 passed, 1 failed in' out &&
        [ "$(grep -c '^FAIL .*, attempt [123] of 3, ' out)" = 3 ] &&
        xmllint --noout --schema "$schema" junit.xml 2>err &&
        [ "$(xmllint --xpath 'count(//testcase[failure]/rerunFailure)' \
            junit.xml)" = 2 ]
    claim "a scenario that fails is run again, and all attempts are told"
    "$test_program" merge --junit merged.xml results >out 2>err
    [ $? = 1 ] && cmp junit.xml merged.xml >>err
    claim "a merged report has the attempts, too"

    # The recording is good from some attempt on.
    (
        until grep -qs 'attempt 1 of' out; do :; done
        cp t/secret.tvr good && mv good t/timeout.tvr
    ) &
    cp "$recordings/secret.tc" t/timeout.tc
    : >out
    toyvmm --replay t --retries 100 --flaky-ok --results results \
        --junit junit.xml --tap report.tap --json report.json t
    wait
    [ $status = 0 ] && grep -q '^2 scenarios: 1 passed, 1 flaky in' out &&
        grep -q '^flaky .*, attempt [0-9]* of 101, ' out &&
        grep -q '^ok 2 - ' report.tap &&
        grep -q '"scenarios":{"passed":1,"failed":0.*"flaky":1' report.json &&
        xmllint --noout --schema "$schema" junit.xml 2>err &&
        xmllint --xpath '//testcase[not(failure)]/flakyFailure' junit.xml \
            >/dev/null 2>err
    claim "one that passes then is flaky, which --flaky-ok forgives"
    toyvmm merge results
    [ $status = 1 ] && toyvmm merge --flaky-ok results && [ $status = 0 ]
    claim "and which fails a run without it"
}

fail_fast() {
    suite secret
    cp "$recordings/timeout.tvr" t/a.tvr
    cp "$recordings/timeout.tc" t/a.tc
    for i in 1 2 3 4 5 6 7 8; do
        cp t/secret.tvr t/b$i.tvr
        cp t/secret.tc t/b$i.tc
    done
    for jobs in 1 2; do
        toyvmm --replay t -x --jobs $jobs --junit junit.xml t
        [ $status = 1 ] && [ "$(grep -c '^FAIL ' out)" = 1 ] &&
            [ "$(($(grep -c '^unrun ' out) + $(grep -c '^ok ' out)))" = 9 ] &&
            grep -q '^10 scenarios: .*1 failed, [1-9] not run in' out &&
            xmllint --noout --schema "$schema" junit.xml 2>err &&
            xmllint --xpath '//testcase/skipped[contains(@message,"not run")]' \
                junit.xml >/dev/null 2>err
        claim "-x: after a failure nothing begins, with $jobs at a time"
    done
    toyvmm --replay t --fail-fast --in-process t
    [ $status = 1 ] && [ "$(grep -c '^unrun ' out)" = 9 ]
    claim "-x: nor in this process"
    toyvmm --replay t -x --retries 1 t
    [ $status = 1 ] && [ "$(grep -c '^FAIL ' out)" = 2 ] &&
        [ "$(grep -c '^unrun ' out)" = 9 ]
    claim "-x: one that failed has its second attempt first"
}

known() {
    suite timeout secret
    printf 'timeout 2999-12-31 ann hangs\n' >known
    toyvmm --replay t --known-failures known --retries 3 --junit junit.xml t
    [ $status = 0 ] && [ "$(grep -c '^known ' out)" = 1 ] &&
        grep -q 'known:1: a known failure: hangs (ann, until 2999-12-31)' out &&
        grep -q '^2 scenarios: 1 passed, 1 known to fail in' out &&
        xmllint --noout --schema "$schema" junit.xml 2>err &&
        xmllint --xpath '//skipped[contains(@message,"hangs (ann")]' junit.xml \
            >/dev/null 2>err
    claim "a known failure fails no run, and is told"
    printf '* 2999-12-31 ann hangs\n' >known
    toyvmm --replay t --known-failures known t
    [ $status = 1 ] && grep -q '^fixed ' out &&
        grep -q 'known:1: it passed, and this line says that it fails' out
    claim "one that passes fails the run"
    printf 'timeout 2001-12-31 ann hangs\n' >known
    toyvmm --replay t --known-failures known t
    [ $status = 1 ] && grep -q '^FAIL ' out &&
        grep -q 'known:1: this was a known failure and is expired: hangs' out
    claim "one that is expired is a failure"
    printf 'timeout 2999-2-31 ann hangs\n' >known
    toyvmm --replay t --known-failures known t
    [ $status = 2 ] && [ ! -s out ] && grep -q '^known:1:9: error: ' err
    claim "a wrong line is told before anything runs"
}

output_dir() {
    suite timeout secret
    toyvmm --replay t --output-dir dirs --retries 1 t
    [ $status = 1 ] && [ "$(cd dirs && echo *)" = "t.secret t.timeout" ] &&
        [ "$(cd dirs/t.timeout && echo *)" = "attempt1.ttyS0.log attempt1.txt \
console.ttyS0.log report.html report.json report.txt" ] &&
        grep -qa 'Kernel 6' dirs/t.secret/console.ttyS0.log
    claim "a folder for each scenario has its console and reports"
}

rerun() {
    rm -rf state
    suite timeout secret two_ports
    toyvmm --replay t --rerun failed t
    [ $status = 2 ] && grep -q '^toyvmm-test: --rerun: no run in' err
    claim "--rerun without a run says so"
    toyvmm --replay t t
    toyvmm --replay t --rerun failed
    [ $status = 1 ] && grep -q '^1 scenario: 1 failed in' out
    claim "--rerun failed runs what failed, without its files named"
    cp t/secret.tvr t/timeout.tvr
    cp t/secret.tc t/timeout.tc
    toyvmm --replay t --rerun failed
    [ $status = 0 ] && toyvmm --replay t --rerun failed && [ $status = 0 ] &&
        [ "$(cat out)" = "nothing of the last run is to be run again" ]
    claim "until nothing of it is left"
    toyvmm --rerun last --list
    [ $status = 0 ] && [ "$(wc -l <out)" = 3 ]
    claim "--rerun last is the whole run"
    cp "$recordings/timeout.tvr" t/secret.tvr
    toyvmm --replay t -x t
    toyvmm --rerun unrun --list
    [ $status = 0 ] && [ "$(cut -d' ' -f1 out | paste -sd' ')" = \
        "t/timeout t/two_ports" ]
    claim "--rerun unrun is what -x left out"
    XDG_STATE_HOME=/proc/none toyvmm --replay t t
    [ ! -s err ] && XDG_STATE_HOME=/proc/none toyvmm --rerun last &&
        [ $status = 2 ]
    claim "where no store can be, runs are as ever"
}

stress() {
    suite secret two_ports
    toyvmm --replay t --stress 3 t
    [ $status = 0 ] && grep -q '^stress: none failed: 3 rounds, 6 boots$' out &&
        ! grep -q '^ok ' out
    claim "--stress runs so many rounds"
    (
        # After some rounds a recording is another one.
        until grep -qs '^accelerator' out; do :; done
        cp "$recordings/timeout.tvr" bad && mv bad t/secret.tvr
    ) &
    : >out
    toyvmm --replay t --stress 10m --junit junit.xml t
    wait
    [ $status = 1 ] && grep -q '^stress: the last one failed: ' out &&
        [ "$(grep -c '^FAIL ' out)" = 1 ] &&
        xmllint --noout --schema "$schema" junit.xml 2>err &&
        xmllint --xpath '//property[@name="stress.round"]' junit.xml \
            >/dev/null 2>err
    claim "--stress ends with the first failure"
}

# A project's file: what is taken, by whom it was said, what is wrong with it.
config() {
    suite timeout secret
    rm -rf state p
    mkdir -p p/sub
    mv t p/sub
    touch p/.git
    cat >p/toyvmm.conf <<'EOF'
jobs auto
junit junit.xml
for "sub/t/timeout" { retries 2 }
for t/secret { retries 0 }
EOF
    cd p/sub || exit 1
    toyvmm -v --replay t --json report.json t
    [ $status = 1 ] && grep -q '^config: ../toyvmm.conf$' out &&
        [ "$(grep -c '^FAIL .*, attempt [123] of 3, ' out)" = 3 ] &&
        grep -q '^jobs: .*; 2 boots of at most 64 MiB ' out &&
        grep -q '^{"type":"run".*"config":"../toyvmm.conf"' report.json &&
        xmllint --noout --schema "$schema" ../junit.xml 2>>err
    claim "a project's file is found above, its blocks and paths are taken"
    toyvmm --replay t --retries 0 --no-config --json report.json t
    [ $status = 1 ] && [ "$(grep -c '^FAIL ' out)" = 1 ] &&
        grep -q '^{"type":"run".*"config":null' report.json
    claim "and left with --no-config"
    TOYVMM_ACCEL=rig toyvmm --explain t
    grep -q '^    config  *../toyvmm.conf, blocks of lines 3$' out &&
        grep -q '^    attempts  *3 at most$' out
    claim "--explain says what it did"
    printf 'jbos 4\n' >>../toyvmm.conf
    toyvmm --check t
    [ $status = 2 ] && grep -q '^../toyvmm.conf:5:1: error: unknown opt' err &&
        grep -q 'did you mean .jobs.' err && [ ! -s out ]
    claim "what is wrong with it is told before anything is looked at"
    cd ../..
}

# init RECORDING ARGS: in a folder of its own, i, on what was recorded.
init() {
    local replay=$recordings/$1.tvr
    shift
    (cd i && timeout -k 5 300 "$test_program" init --replay "$replay" "$@" \
        >../out 2>../err </dev/null)
    status=$?
}

init_writes() {
    mkdir i tmp
    export TMPDIR=$work/tmp
    printf 'an initrd that is none\n' >i/initrd.img
    init alpine
    [ $status = 0 ] && grep -q '^passed  a login prompt comes$' out &&
        grep -q '^expect */login: \$/$' i/boot.tc && [ -x i/ci/boot-test.sh ] &&
        "$test_program" --format --check i/boot.tc >>out 2>&1
    claim "init writes a scenario that waits for what was seen"
    toyvmm --replay "$recordings/alpine.tvr" i/boot.tc
    [ $status = 0 ] && shellcheck --shell=sh i/ci/boot-test.sh >out 2>&1
    claim "which passes, and a script for a CI that is clean"
    cp i/boot.tc before
    init alpine
    [ $status = 2 ] && [ ! -s out ] && grep -q 'boot.tc is there already$' err &&
        cmp before i/boot.tc >>err
    claim "and replaces no file"
    init secret --force
    [ $status = 0 ] && grep -q '^wrote   .*boot.tc: ' out
    claim "unless it is told to"
    cp i/boot.tc before
    init timeout --dry-run
    [ $status = 0 ] && grep -q '^---- .*/i/ci/boot-test.sh$' out &&
        grep -q '^passed ' err && cmp before i/boot.tc >>err
    claim "--dry-run prints what would be written"
    rm -r i/boot.tc i/ci
    init panic
    [ $status = 1 ] && grep -q '^failed  kernel panic: ' out &&
        grep -q 'Kernel Offset: disabled' out && [ ! -e i/boot.tc ]
    claim "a guest that panics is told of, and nothing is written"
    toyvmm init --replay "$test_program" i
    [ $status = 2 ] && grep -q recording err && [ ! -e i/boot.tc ]
    claim "a recording that is none is no trial"
    mkdir -p i/.git
    printf '[remote "origin"]\n\turl = git@github.com:a/b.git\n' >i/.git/config
    toyvmm init --no-run i
    [ $status = 0 ] && grep -q '^# It was not tried.$' i/boot.tc &&
        python3 -c 'import sys, yaml; yaml.safe_load(open(sys.argv[1]))' \
            i/.github/workflows/boot.yml >>out 2>&1
    claim "--no-run writes what was not tried, and the repository's workflow"
    [ -z "$(ls -A tmp)" ]
    claim "and nothing stays behind"
    unset TMPDIR
}

init_writes
retries
config
fail_fast
known
output_dir
rerun
stress
echo "# $claims claims, $broken broken"
[ $broken = 0 ]
