#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Checks the definitions in ci/ as far as can be without the services: their
# shape, their shell lines, and their scripts by running them: parts of a suite,
# the merge, the history, the gate.
# Usage: ci/test.sh PATH-OF-toyvmm-test. Prints TAP, a line per claim; exits 1
# when one does not hold, 3 when guests can't run here.
set -uo pipefail
TOYVMM_TEST=$(realpath "$1")
export TOYVMM_TEST
root=$(cd "$(dirname "$0")/.." && pwd)
TOYVMM_GUEST_BUSYBOX=${TOYVMM_GUEST_BUSYBOX:-$("$root/fixtures/guest.sh" \
    resolve busybox)} || exit 3
export TOYVMM_GUEST_BUSYBOX
unset BOOT_HISTORY GITHUB_STEP_SUMMARY
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
broken=0

claim()
{
    if [ $? = 0 ]; then
        echo "ok - $*"
    else
        broken=$((broken + 1))
        echo "not ok - $*"
        sed 's/^/#   /' out 2>/dev/null | tail -30
    fi
}

mkdir shell
"$root/ci/check.py" shell >out 2>&1
claim "the definitions have the shape that their services want"
shellcheck --shell=sh shell/*.sh >out 2>&1
claim "their shell lines are clean"

# The cluster's shell line with a pretended part: what each exit code leads to.
line=$PWD/shell/kubernetes-job.yaml-boot-spec-template-spec-containers-0-args.sh
mkdir -p pod/ci pod/results
cat >pod/ci/shard.sh <<'END'
#!/bin/sh
echo begun
exit "$CODE"
END
chmod +x pod/ci/shard.sh
# in_pod CODE NODE: the part ends with CODE on that node; the pod's code in $pod.
in_pod()
{
    (
        cd pod || exit
        CODE=$1 NODE=$2 RESULTS=results JOB_COMPLETION_INDEX=0 \
            sh "$line"
    ) >out 2>&1
    pod=$?
}
codes=
for run in "0 a" "1 a" "3 a" "0 a"; do
    # shellcheck disable=SC2086 # two words
    in_pod $run
    codes="$codes $pod"
done
[ "$codes" = " 0 1 3 3" ] && ! grep -q begun out && in_pod 0 b && [ "$pod" = 0 ]
claim "a pod ends as its part does, and leaves a node that can't run guests"

# Every option that is used is one.
for command in run gate trend merge; do
    "$TOYVMM_TEST" $command --help
done >help
unknown=$(cat "$root"/ci/*.sh "$root"/ci/*.y*ml | grep -v '^ *#' |
    grep -Eo -- ' --(shard|results|history|junit|html|summary|json|openmetrics|warmup|bisect|pin|repeat)\b' |
    sort -u | while read -r option; do
    grep -qF -- "$option" help || echo "$option"
done)
[ -z "$unknown" ]
claim "toyvmm-test has the options that they use"

# Three runners on recordings, one report.
status=0
for i in 1 2 3; do
    BOOT_OPTIONS="--replay $root/fixtures/recordings" "$root/ci/shard.sh" "$i" 3 \
        "shard-$i.run" "$root/fixtures/recordings" >>out 2>&1 || status=$?
done
[ $status = 1 ] && [ -s shard-1.run ] && [ -s shard-3.run ]
claim "a part whose scenarios fail has results all the same"
GITHUB_STEP_SUMMARY=page.md "$root/ci/merge.sh" report shard-*.run >out 2>&1
[ $? = 1 ] && all=$(xmllint --xpath 'count(//testcase)' report/report.xml) &&
    [ "$all" = "$(find "$root/fixtures/recordings" -name '*.tc' | wc -l)" ] &&
    xmllint --noout report/index.html && grep -q '^### 8 boots' page.md
claim "the parts become one report, which fails as they did"
"$root/ci/merge.sh" less shard-1.run shard-3.run >out 2>&1
grep -q 'shard 2/3 is missing' out && [ -s less/report.xml ]
claim "a missing part is told, and what is there is reported"

# Real boots: a history with a trend, and a gate.
cat >boot.tc <<'END'
test  "to its prompt"
guest busybox

expect /login: $/
END
export TOYVMM_COMMIT=0123456789abcdef TOYVMM_BRANCH=main
BOOT_HISTORY=boot.db "$root/ci/shard.sh" 1 1 one.run boot.tc >out 2>&1 &&
    BOOT_HISTORY=boot.db "$root/ci/merge.sh" kept one.run >>out 2>&1 &&
    [ -s boot.db ] && xmllint --html --noout kept/trend.html 2>>out &&
    grep -q 'mark="login_prompt"' kept/boot.prom
claim "the history is kept by the merge, and has a trend"
BOOT_HISTORY=boot.db "$root/ci/shard.sh" 1 1 two.run boot.tc >out 2>&1
claim "and the next run's parts are balanced by it"
"$root/ci/gate.sh" "$root" "$root" boot.tc --runs 2 --warmup 0 >out 2>&1 &&
    grep -q '^gate: holds' out && grep -q '^| .login_prompt. ' gate.md &&
    python3 -m json.tool gate.json >/dev/null
claim "a change that changes nothing passes the gate"
exit $((broken > 0))
