#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Measured boots from outside: series, distributions, comparisons, the gate.
# Usage: e2e_measure.sh PATH-OF-toyvmm-test. Prints TAP, a line per claim; exits
# 1 when one does not hold, 3 when guests can't run here.
set -uo pipefail
test_program=$(realpath "$1")
source_dir=$(cd "$(dirname "$0")/../.." && pwd)
TOYVMM_GUEST_BUSYBOX=${TOYVMM_GUEST_BUSYBOX:-$("$source_dir/fixtures/guest.sh" \
    resolve busybox)} || exit 3
export TOYVMM_GUEST_BUSYBOX
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
broken=0

claim() {
    if [ $? = 0 ]; then
        echo "ok - $*"
    else
        broken=$((broken + 1))
        echo "not ok - $*"
        sed 's/^/#   /' err out 2>/dev/null | tail -20
    fi
}

toyvmm() {
    timeout -k 5 900 "$test_program" "$@" >out 2>err </dev/null
    status=$?
}

cat >boot.tc <<'END'
test   "to its prompt"
guest  busybox
repeat 2

expect /login: $/ mark prompt
END

wrong() {
    local text=$1
    shift
    toyvmm "$@"
    [ $status = 2 ] && grep -qF -- "$text" err && ! grep -q '^ok' out
    claim "exit 2 and \"$text\": $*"
}

wrong "gate takes BASE HEAD FILE.tc" gate kernel=a kernel=b
wrong 'there is no "krenel"' compare krenel=a kernel=b boot.tc
wrong "--runs is not for a run of scenarios" --runs 3 boot.tc
wrong "--runs 1: give a number from 2" compare --runs 1 a b boot.tc
wrong "are for one boot" --record x.tvr boot.tc
toyvmm compare kernel=/no/such/image cmdline=+b boot.tc
[ $status = 3 ] && grep -q '/no/such/image' err
claim "a kernel that isn't there is told before anything boots"

toyvmm --warmup 1 --stat --junit report.xml boot.tc
[ $status = 0 ] && grep -q '^to its prompt: 2 boots, 1 warm-up not counted' out
claim "a scenario's own repeat, a warm-up, and their distributions"
grep -Eq '^  prompt +2 ' out
claim "a row for each mark with the number of boots that reached it"
[ "$(xmllint --xpath 'count(//testcase)' report.xml)" = 3 ] &&
    grep -q 'to its prompt (boot 2)' report.xml
claim "each boot is in the report"

# Three of each see nothing small: the gate holds, and says so.
toyvmm gate --runs 3 --warmup 0 --json c.json --summary c.md \
    cmdline=+one cmdline=+two boot.tc
[ $status = 0 ] && grep -q '^gate: holds; too few samples' out
claim "too few samples do not break the gate"
python3 - <<'END' && grep -q '^| .prompt. |' c.md
import json
c = json.loads(open("c.json").read())
marks = {m["mark"]: m for m in c["marks"]}
assert c["interleaved"] and c["gate"] == "too few samples", c
assert marks["prompt"]["base_n"] == marks["prompt"]["head_n"] == 3, c
assert marks["prompt"]["needed"] > 3, c
END
claim "a comparison for programs and for a merge request"

# A head that doesn't boot is worse than a slow one.
toyvmm gate --runs 2 --warmup 0 cmdline=+one \
    'cmdline=+rdinit=/no/such/init panic=-1' boot.tc
[ $status = 1 ] && grep -q "of head's boots did not pass" err &&
    grep -q '^gate: broken' out
claim "a head that does not boot breaks the gate"

# ---- The history ------------------------------------------------------------

export TOYVMM_COMMIT=aaaa000011112222 TOYVMM_BRANCH=main
toyvmm --pin 99999 boot.tc
[ $status != 0 ] && grep -q 'CPU 99999' err
claim "a CPU that isn't there is told before anything boots"
toyvmm --history no/such/folder/boot.db boot.tc
[ $status = 3 ] && ! grep -q '^ok' out
claim "and so is a history that can't be opened"

# Another commit, whose guest waits before its prompt, at the same time: what
# the host does meanwhile makes none of them as slow as that.
mkdir topic
sed 's|^expect .*|expect /login: $/\nexpect idle 12s\nmark prompt|' boot.tc \
    >topic/boot.tc
(
    cd topic || exit 1
    TOYVMM_COMMIT=bbbb000011112222 TOYVMM_BRANCH=topic timeout 900 \
        "$test_program" --repeat 3 --history ../boot.db boot.tc
) >out.topic 2>&1 </dev/null &
topic=$!
toyvmm --repeat 3 --pin 0 --history boot.db --results one.run --html page.html \
    boot.tc
[ $status = 0 ] && [ "$(grep -c '^ok' out)" = 3 ] && xmllint --noout page.html
claim "runs are kept, and shown as a page"
wait "$topic"
python3 - <<'END'
import re, sqlite3
db = sqlite3.connect("boot.db")
runs = db.execute("SELECT commit_id, branch, verdict, scenario FROM run")
assert sorted(runs) == (3 * [("aaaa000011112222", "main", "passed", "./boot")] +
                        3 * [("bbbb000011112222", "topic", "passed", "./boot")])
marks = db.execute("SELECT mark, count(*) FROM sample GROUP BY mark")
marks = dict(marks)
for name in ("memory_ready", "first_kvm_run", "userspace", "login_prompt",
             "prompt", "kernel.last"):
    assert marks.get(name) == 6, (name, marks)
(kernel,), = db.execute("SELECT DISTINCT kernel_sha256 FROM subject")
assert re.fullmatch("[0-9a-f]{64}", kernel)
# The host's own processor, also where the guests ran in an emulated one.
(cpu,), = db.execute("SELECT DISTINCT host_cpu FROM environment")
model = re.search(r"model name\s*: (.*)", open("/proc/cpuinfo").read())
assert cpu == (model.group(1).strip() if model else "unknown"), cpu
END
claim "with their marks, the images' sums, and this host's processor, of two commands at a time"

toyvmm compare main topic --history boot.db --json c.json
[ $status = 0 ] && python3 - <<'END'
import json
c = json.loads(open("c.json").read())
marks = {m["mark"]: m for m in c["marks"]}
assert marks["prompt"]["base_n"] == marks["prompt"]["head_n"] == 3, c
assert marks["prompt"]["ratio"] > 1.3 and not c["interleaved"], c
END
claim "two branches of a history are compared"
toyvmm gate aaaa bbbb --history boot.db --mark prompt --alpha 0.3 --bisect
[ $status = 1 ] && grep -q '^gate: broken' out
claim "and gated"
toyvmm gate aaaa cccc --history boot.db --bisect
[ $status -gt 127 ] && grep -q 'cccc is no branch and no commit' err
claim "a commit that the history does not have is no verdict"

toyvmm trend --history boot.db --mark prompt --csv - --html trend.html
[ $status = 0 ] && [ "$(grep -c ',prompt,' out)" = 2 ] &&
    xmllint --html --noout trend.html 2>/dev/null
claim "a trend over both commits"
toyvmm trend --history boot.db --scenario nothing
[ $status = 3 ] && grep -q './boot on busybox' err
claim "a trend of nothing says what there is"

# A server that runners share: the results leave the rig for it.
# shellcheck disable=SC2016 # expanded there
"$source_dir/scripts/lib/with-postgres.sh" bash -c \
    '"$0" --history "$TOYVMM_TEST_POSTGRES" "$1" &&
        "$0" trend --history "$TOYVMM_TEST_POSTGRES" --mark prompt' \
    "$test_program" "$work/boot.tc" >out 2>err
status=$?
if [ $status = 3 ] && grep -q 'install the package' err; then
    echo "ok - runs are kept on a PostgreSQL server # SKIP no server installed"
else
    [ $status = 0 ] && grep -q '^  prompt .* n 2$' out
    claim "runs are kept on a PostgreSQL server"
fi

# await_first: until the command in the background has told of its first boot,
# or has ended.
await_first() {
    until grep -qs '^ok' out || ! kill -0 "$outer" 2>/dev/null; do
        sleep 0.1
    done
}

# Killed at any moment: nothing is left behind, the history is whole.
rm -f out # its words are the run's before
setsid timeout 300 "$test_program" --repeat 50 --history boot.db boot.tc \
    >out 2>err </dev/null &
outer=$!
await_first
kill -KILL -- "-$outer"
wait "$outer" 2>/dev/null
runs=$(python3 -c 'import sqlite3
db = sqlite3.connect("boot.db")
assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
print(*db.execute("SELECT count(*) FROM run").fetchone())')
[ "$runs" = 6 ]
claim "a killed command leaves the history as it was"

# Interrupted: what had run is kept.
rm -f out
timeout --foreground -s INT -k 30 300 "$test_program" --repeat 50 \
    --history boot.db boot.tc >out 2>err </dev/null &
outer=$!
await_first
pkill -INT -P "$outer"
wait "$outer"
[ $? = 130 ] && runs=$(python3 -c 'import sqlite3
print(*sqlite3.connect("boot.db").execute(
    "SELECT count(*) FROM run WHERE verdict = '"'passed'"'").fetchone())') &&
    [ "$runs" -gt 6 ]
claim "an interrupted command keeps what had run"

# ---- Parts ------------------------------------------------------------------

toyvmm merge one.run one.run --junit merged.xml --history boot.db
[ $status = 0 ] && [ "$(xmllint --xpath 'count(//testcase)' merged.xml)" = 3 ]
claim "results given twice count once"
toyvmm merge merged.xml
[ $status = 2 ] && grep -q 'merged.xml is no file of --results' err
claim "what is no results file is told"

# ---- Bisection --------------------------------------------------------------

toyvmm bisect --mark prompt --json b.json boot.tc cmdline=+two \
    cmdline=+toyvmm.busy=6000000
[ $status = 0 ] && grep -q '^cmdline=+toyvmm.busy=6000000 is the first slow' out &&
    python3 - <<'END'
import json
b = json.load(open("b.json"))
assert b["last_good"] == "cmdline=+two" and b["ratio"] > 1.2, b
END
claim "bisect finds the first slow one"
# Six boots of each are looked at: two can't settle anything.
toyvmm bisect --max-runs 2 --mark prompt --json b.json boot.tc cmdline=+one \
    cmdline=+two
[ $status = 3 ] && grep -q 'no answer' out && grep -q 'the noise hides' out &&
    python3 - <<'END'
import json
b = json.load(open("b.json"))
assert b["status"] == "unsure" and b["first_slow"] is None, b
assert [a["slow"] for a in b["answers"]] == [None], b
END
claim "a question that the noise leaves open is answered by nobody"
mkdir repository
(
    cd repository && git init -q . && git config user.email t@example.org &&
        git config user.name t || exit 1
    for i in 1 2 3 4 5 6; do
        [ "$i" -lt 4 ] && pattern=login || pattern=nothing-like-it
        printf 'test "b"\nguest busybox\ntimeout 9s\nexpect /%s/\n' "$pattern" \
            >b.tc
        echo "$i" >number && git add . && git commit -qm "number $i" || exit 1
    done
    git bisect start HEAD HEAD~5 &&
        git bisect run "$test_program" --bisect -q \
            --replay "$source_dir/fixtures/recordings/noise.tvr" b.tc
) >out 2>err
grep -q 'is the first bad commit' out && grep -q 'number 4' out
claim "git bisect run finds the first bad commit"
exit $((broken > 0))
