#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The whole command from outside: bad input (needs no KVM), then real guests,
# good ones and those of testcases/failing, each of which must fail for the
# right reason. Usage: e2e.sh PATH-OF-toyvmm-test [first|second]: all of it, or a
# half. Prints TAP, a line per claim; exits 1 when one does not hold, 3 when
# guests can't run here. Without KVM all of it runs in one rig.
set -uo pipefail
test_program=$(realpath "$1")
source_dir=$(cd "$(dirname "$0")/../.." && pwd)

TOYVMM_GUEST_BUSYBOX=${TOYVMM_GUEST_BUSYBOX:-$("$source_dir/fixtures/guest.sh" \
    resolve busybox)} || exit 3
export TOYVMM_GUEST_BUSYBOX
# Made here, because a rig has no network; where it can't be had its scenario is
# skipped.
if [ -z "${TOYVMM_GUEST_DEBIAN:-}" ] &&
    debian=$("$source_dir/fixtures/guest.sh" resolve debian); then
    export TOYVMM_GUEST_DEBIAN=$debian
fi
if [ -z "${TOYVMM_RIG:-}" ] && ! "$test_program" --probe | grep >/dev/null '^kvm: usable'
then
    rig=$(dirname "$test_program")/toyvmm-rig
    [ -x "$rig" ] || exit 3
    cd "$source_dir" || exit 1
    # smp.tc has 5 GiB, of which it touches little: twice what there is at most.
    exec "$rig" --memory 3072M -- "$0" "$test_program" ${2:+"$2"}
fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$source_dir" || exit 1
broken=0
claims=0

# claim WORDS: tells whether the command before it held.
claim() {
    local held=$?
    claims=$((claims + 1))
    if [ $held = 0 ]; then
        echo "ok - $*"
    else
        broken=$((broken + 1))
        echo "not ok - $*"
        sed 's/^/#   /' "$work/err" "$work/out" 2>/dev/null | tail -20
    fi
}

# toyvmm ARGS: runs the command, which ends by itself; status in $status.
toyvmm() {
    timeout -k 5 3600 "$test_program" "$@" >"$work/out" 2>"$work/err" </dev/null
    status=$?
}

# refused CODE TEXT ARGS: exit code CODE, one message that says TEXT, nothing
# booted.
refused() {
    local code=$1 text=$2
    shift 2
    toyvmm "$@"
    [ $status = "$code" ] && grep -qF -- "$text" "$work/err" &&
        ! grep -q '^accelerator' "$work/out"
    claim "exit $code and \"$text\": ${*//$work/WORK}"
}

scenario() {
    printf '%b' "$1" >"$work/$2"
}

bad_input() {
    local k=$work/kernel
    scenario 'kernel "kernel"\nexpect /x/\n' good.tc
    refused 2 'no scenario given'
    refused 2 'unknown option --nonsense' --nonsense
    refused 2 'needs a value' --junit
    refused 2 'No such file' "$work/missing.tc"
    mkdir "$work/empty"
    refused 2 'there is no *.tc file' "$work/empty"
    : >"$work/empty.tc"
    toyvmm "$work/empty.tc"
    [ $status = 2 ]
    claim "exit 2 for an empty scenario"
    refused 2 'no scenario of 1 is selected' --filter 'no*such' "$work/good.tc"
    refused 2 'is a directory' --junit "$work/empty" "$work/good.tc"
    refused 2 '/no/such/dir' --junit /no/such/dir/x.xml "$work/good.tc"
    scenario 'kernel "kernel"\nexpct /x/\n' word.tc
    refused 2 'word.tc:2:1' "$work/word.tc"
    refused 2 'expect' "$work/word.tc"
    scenario 'kernel "kernel"\nsend "abc\n' string.tc
    refused 2 'string.tc:2:' "$work/string.tc"
    scenario 'kernel "kernel"\ngroup "a" {\nexpect /x/\n' brace.tc
    refused 2 'brace.tc:' "$work/brace.tc"
    scenario 'kernel "kernel"\nexpect /a(b/\n' regex.tc
    refused 2 'regex.tc:2:' "$work/regex.tc"
    scenario 'kernel "kernel"\nlog "\xff"\n' utf8.tc
    refused 2 'utf8.tc:2:' "$work/utf8.tc"
    scenario 'kernel "kernel"\nlog "a\0b"\n' nul.tc
    refused 2 'nul.tc:2:' "$work/nul.tc"
    scenario 'kernel "kernel"\nsnapshot x\nexpect /x/\n' snapshot.tc
    refused 2 'not supported yet' "$work/snapshot.tc"
    scenario 'guest nobody_knows\nexpect /x/\n' guest.tc
    refused 2 'there is no guest "nobody_knows"' "$work/guest.tc"
    scenario 'expect /x/\n' machine.tc
    toyvmm "$work/machine.tc"
    [ $status = 2 ]
    claim "exit 2 for a scenario without a machine"

    toyvmm "$work/good.tc"
    [ $status = 3 ] && grep -q "$k: No such file" "$work/err"
    claim "exit 3 for a kernel that is missing"
    mkdir "$k"
    refused 3 "$k" "$work/good.tc"
    rmdir "$k"
    : >"$k"
    toyvmm "$work/good.tc"
    [ $status = 2 ] || [ $status = 3 ]
    claim "an empty kernel is refused: $(tail -1 "$work/err")"
    head -c 100000 /dev/zero >"$k"
    toyvmm "$work/good.tc"
    [ $status = 2 ] || [ $status = 3 ]
    claim "a kernel of zeroes is refused: $(tail -1 "$work/err")"
    # An ELF file of another architecture: e_machine is ARM's.
    { printf '\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0\x02\0\xb7\0\x01\0\0\0'
      head -c 5000 /dev/zero; } >"$k"
    toyvmm "$work/good.tc"
    [ $status = 2 ] || [ $status = 3 ]
    claim "another architecture is refused: $(tail -1 "$work/err")"
}

# With real guests: sizes that no kernel fits in.
bad_machines() {
    local g=testcases/busybox_login.tc
    refused 2 '--memory' --memory 0 $g
    toyvmm --memory 1M $g
    [ $status = 2 ] || [ $status = 3 ]
    claim "1M of memory is refused: $(tail -1 "$work/err")"
    toyvmm --memory 2T $g
    [ $status = 2 ] || [ $status = 3 ]
    claim "2T of memory are refused: $(tail -1 "$work/err")"
    toyvmm --cmdline "$(head -c 5000 /dev/zero | tr '\0' x)" $g
    [ $status = 2 ] || [ $status = 3 ]
    claim "a long command line is refused: $(tail -1 "$work/err")"
    toyvmm --initrd /no/such/initrd $g
    [ $status = 3 ] && grep -q /no/such/initrd "$work/err"
    claim "exit 3 for an initrd that is missing"
    truncate -s 300M "$work/huge"
    toyvmm --initrd "$work/huge" $g
    [ $status = 2 ] || [ $status = 3 ]
    claim "an initrd larger than memory is refused: $(tail -1 "$work/err")"
}

# verdict FILE ELEMENT KIND TEXT: the report's element of one scenario.
verdict() {
    local path
    path="//testsuite[contains(@file,'failing/$1.tc')]/testcase/$2"
    xmllint --xpath "string($path/@type)" "$work/report.xml" 2>/dev/null |
        grep -qx "$3" &&
        xmllint --xpath "string($path/@message)" "$work/report.xml" |
        grep -qF "$4"
    claim "$1: $2 of kind $3 with \"$4\""
}

# reports FILE TEXT: the failure of one scenario tells TEXT as well.
reports() {
    local path
    path="//testsuite[contains(@file,'failing/$1.tc')]/testcase/failure"
    xmllint --xpath "string($path)" "$work/report.xml" >"$work/failure"
    grep -qF -- "$2" "$work/failure"
    claim "$1: its report has \"$2\""
}

guests() {
    toyvmm --junit "$work/good.xml" -v testcases/busybox_login.tc
    [ $status = 0 ] && grep -q '^ok ' "$work/out"
    claim "busybox_login passes"
    local schema=harness/report/jenkins-junit.xsd
    xmllint --noout --schema $schema "$work/good.xml" 2>"$work/err"
    claim "its report is valid"
    grep -q 'mark.shell_prompt.wall_s' "$work/good.xml"
    claim "its report has the marks"

    # A distribution's boot is as long as ten of these: debian_login.tc is run
    # once, as it should be.
    toyvmm --junit "$work/report.xml" --tags -distribution testcases/failing
    [ $status = 1 ]
    claim "the failing suite exits with 1"
    xmllint --noout --schema $schema "$work/report.xml" 2>"$work/err"
    claim "its report is valid"
    verdict wrong_password failure login 'Login incorrect'
    verdict no_prompt failure timeout 'a login prompt did not come within'
    verdict panic failure init-killed 'kernel panic: Attempted to kill init! exitcode=0x0100'
    verdict crash failure panic 'kernel panic: sysrq triggered crash'
    verdict oom failure oom 'Out of memory: Killed process'
    verdict rootfs failure rootfs 'root file system not mountable: '
    verdict hung failure hung-task 'blocked for more than 1 seconds in '
    reports crash 'sysrq_handle_crash+'
    reports oom 'tail invoked oom-killer'
    reports hung 'rwsem_down_write_slowpath+'
    verdict reset failure reset 'the guest reset'
    verdict poweroff failure poweroff 'the guest powered off'
    verdict halt failure halt 'the guest halted'
    verdict triple_fault failure triple-fault 'after a triple fault'
    verdict reset_loop failure reset 'the guest reset'
    verdict nmi_panic failure panic 'NMI: Not continuing'
    verdict silent failure timeout '/a line that follows/ did not come within'
    verdict status failure status '"ls /nonexistent" ended with status 1'
    verdict check failure check 'greeting has /goodbye/'
    verdict disk failure status '"dd if=/dev/zero of=/dev/vda count=1" ended with'
    verdict qcow2 failure status '"dd if=/dev/zero of=/dev/vda count=1" ended with'
    verdict four_disks failure status '"grep -lx backup /sys/block/*/serial" ended with'
    verdict smp_spin failure timeout '/will never come/ did not come within'
    reports smp_spin 'vCPU 0 is idle'
    reports smp_spin 'registers of vCPU 1:'
    verdict hvc failure timeout 'did not come within'
    verdict network failure status '"wget -O - http://10.0.2.2:18082/" ended with status 1'
    verdict share failure status '"touch /mnt/new" ended with status 1'
    verdict forbidden failure fail-pattern 'it was eaten'
    local name
    for name in expected noise; do
        ! xmllint --xpath "//testsuite[contains(@file,'failing/$name.tc')]/testcase/*[self::failure or self::error]" \
            "$work/report.xml" >/dev/null 2>&1
        claim "$name passes"
    done
    none_slow "$work/report.xml"
    claim "none of them waits for long"
}

# none_slow REPORT: no test case of it took ten times as long as the login of
# good.xml, which ran just before on the same machine.
none_slow() {
    local login
    login=$(xmllint --xpath 'string(//testcase[1]/@time)' "$work/good.xml")
    [ "$(xmllint --xpath "count(//testcase[@time > 10 * $login])" "$1")" = 0 ]
}

# await COMMAND...: until it succeeds. What takes two minutes does not come.
await() {
    local end=$((SECONDS + 120))
    until "$@"; do
        [ $SECONDS -lt $end ] || return 1
        sleep 0.05
    done
}

# begun: waits until the scenario started in the background has begun its wait.
begun() {
    await grep -qs 'a line that follows' "$work/err"
}

# nobody: no process of the run is left. The rig's own init and this script do
# not count.
no_process() {
    ! pgrep -x toyvmm-test >/dev/null
}
nobody() {
    await no_process
}

# start: the scenario of a silent guest, with its report in left.xml.
start() {
    rm -f "$work/left.xml" "$work/out" "$work/err"
    "$test_program" -vv --junit "$work/left.xml" testcases/failing/silent.tc \
        --timeout-scale 30 >"$work/out" 2>"$work/err" </dev/null &
    run=$!
    begun
}

deaths() {
    local run worker signal
    for signal in INT TERM; do
        start
        kill "-$signal" "$run"
        wait "$run"
        [ $? = 130 ] && grep -q 'type="interrupted"' "$work/left.xml" &&
            grep -q 'nothing follows this line' "$work/left.xml"
        claim "SIG$signal ends the run with 130, a report and the console"
        nobody
        claim "SIG$signal leaves no process"
    done
    start
    # The worker is the process that nobody else is the parent of.
    worker=$(pgrep -P "$(pgrep -P "$run")")
    kill -KILL "$worker"
    wait "$run"
    [ $? = 1 ] && grep -q 'died of SIGKILL' "$work/left.xml"
    claim "a killed worker is in the report"
    start
    worker=$(pgrep -P "$(pgrep -P "$run")")
    kill -SEGV "$worker"
    wait "$run"
    [ $? = 1 ] && grep -q 'died of SIGSEGV' "$work/left.xml"
    claim "a crashed worker is in the report, with its signal"
    start
    kill -KILL "$run"
    wait "$run" 2>/dev/null
    nobody
    claim "a killed run leaves no process"
}

terminal() {
    if ! command -v expect >/dev/null; then
        echo "ok - --interactive # SKIP \`expect' is not installed"
        return
    fi
    expect harness/tests/interactive.exp "$test_program" \
        testcases/busybox_login.tc
    claim "--interactive on a terminal"
    mkdir "$work/learnt"
    expect harness/tests/learn.exp "$test_program" \
        testcases/busybox_login.tc "$work/learnt"
    claim "--interactive --learn on a terminal"
}

# shellcheck source=harness/tests/e2e_machine.sh
. "$source_dir/harness/tests/e2e_machine.sh"
# shellcheck source=harness/tests/e2e_net.sh
. "$source_dir/harness/tests/e2e_net.sh"
# shellcheck source=harness/tests/e2e_disk.sh
. "$source_dir/harness/tests/e2e_disk.sh"
# shellcheck source=harness/tests/e2e_share.sh
. "$source_dir/harness/tests/e2e_share.sh"
# shellcheck source=harness/tests/e2e_vsock.sh
. "$source_dir/harness/tests/e2e_vsock.sh"
# shellcheck source=harness/tests/e2e_diagnosis.sh
. "$source_dir/harness/tests/e2e_diagnosis.sh"
# shellcheck source=harness/tests/e2e_record.sh
. "$source_dir/harness/tests/e2e_record.sh"
# shellcheck source=harness/tests/e2e_ktap.sh
. "$source_dir/harness/tests/e2e_ktap.sh"

# What fails on purpose, and how this command dies.
first()
{
    bad_input
    bad_recordings
    bad_reports
    bad_machines
    guests
    machine_ends
    deaths
    terminal
}

# What a guest may have and do.
second()
{
    machine_life
    distribution
    networks
    disks
    shares
    sockets
    commands_in_a_guest
    diagnoses
    recordings
    ktap_reports
}

case ${2:-both} in
first) first ;;
second) second ;;
*)
    first
    second
    ;;
esac
echo "# $claims claims, $broken broken"
[ $broken = 0 ]
