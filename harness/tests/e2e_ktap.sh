# shellcheck shell=bash disable=SC2154
# SPDX-License-Identifier: Apache-2.0
# A guest's own tests (KTAP), and the reports in which they are. Sourced by
# e2e.sh.

# Needs no KVM.
bad_reports() {
    scenario 'kernel "kernel"\nexpect /x/\n' report.tc
    refused 2 '/no/such/dir' --json /no/such/dir/x.json "$work/report.tc"
    refused 2 'is a directory' --tap "$work" "$work/report.tc"
    refused 2 'another report goes to standard output already' \
        --json - --tap - "$work/report.tc"
}

# A program's document that a kernel message cuts, and one of the kernel's in
# the middle of it. The command that starts them is too short to be taken for
# what they print.
ktap_scenario() {
    cat <<'END'
guest busybox
timeout 60s
login "root" password "root"
run 'p() { printf "%s\n" "$@"; }'
run 'k() { for l; do echo "<2>$l" >/dev/kmsg; done; }'
run 'echo on >/proc/sys/kernel/printk_devkmsg'
run 'one() { p "TAP version 13" 1..3 "# about one" "ok 1 - one"; }'
run 'deep() { k "KTAP version 1" 1..1 "    # Subtest: deep" "    1..2"; }'
run 'two() { k "    ok 1 a" "    not ok 2 b # exit=1" "not ok 1 deep"; }'
run 'cut() { printf "ok 3 - th"; k "a message that cuts in"; echo ree; }'
END
}

ktap_failed() {
    { ktap_scenario
      echo "send 'one; deep; p \"ok 2 - two # SKIP why\"; two; cut'"
      echo 'ktap within 20s'; } >"$work/ktap.tc"
    toyvmm --json - --tap "$work/ktap.tap" --junit "$work/ktap.xml" \
        "$work/ktap.tc"
    [ "$status" = 1 ] && grep -q '1 of 5 kernel tests failed: deep/b' "$work/err"
    claim "a failed test of the guest's fails the scenario"
    grep -q '5 kernel tests: 3 passed, 1 failed, 1 skipped' "$work/err" &&
        grep -q 'FAIL  deep/b: exit=1' "$work/err"
    claim "it is named on the terminal"
    xmllint --noout --schema harness/report/jenkins-junit.xsd \
        "$work/ktap.xml" 2>"$work/err"
    claim "the JUnit report with the guest's tests is valid"
    [ "$(xmllint --xpath 'count(//testcase)' "$work/ktap.xml")" = 6 ] &&
        [ "$(xmllint --xpath 'string(//testcase[failure][2]/@name)' \
            "$work/ktap.xml")" = deep/b ] &&
        [ "$(xmllint --xpath 'string(//testsuite/@tests)' \
            "$work/ktap.xml")" = 6 ]
    claim "each of them is a testcase there"
    ktap_json
    grep -q '^    not ok . - deep/b$' "$work/ktap.tap" &&
        grep -q '^not ok 1 - ktap$' "$work/ktap.tap"
    claim "the TAP report has them as subtests"
}

ktap_json() {
    local what="standard output holds the JSON lines alone, with all of them"
    if ! command -v python3 >/dev/null; then
        echo "ok - $what # SKIP python3 is not installed"
        return
    fi
    python3 -c '
import json, sys
run, one, end = [json.loads(line) for line in open(sys.argv[1])]
names = sorted(t["name"] for t in one["tests"])
assert names == ["deep/a", "deep/b", "one", "three", "two"], names
assert end["tests"] == {"passed": 3, "failed": 1, "error": 0, "skipped": 1}
assert one["kind"] == "ktap" and run["scenarios"] == 1
assert "cuts in" in one["consoles"][0]["text"]
' "$work/out" 2>>"$work/err"
    claim "$what"
}

ktap_killed() {
    { ktap_scenario
      echo "send 'one; poweroff -f'"
      echo 'ktap within 20s'; } >"$work/ktap.tc"
    toyvmm --junit "$work/ktap.xml" "$work/ktap.tc"
    [ "$status" = 1 ] && grep -q 'the guest powered off' "$work/out" &&
        grep -q 'ERROR test 2: it ran when the machine ended' "$work/out"
    claim "a guest that ends in a test: the test is named"
}

ktap_reports() {
    ktap_failed
    ktap_killed
}
