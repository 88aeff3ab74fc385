#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Installs what the tests need, builds, and runs every test. The last line is
# "N passed, N failed, N skipped": it counts tests that really ran.
#
#   scripts/test.sh            everything (CI runs this)
#   scripts/test.sh unit lint  only these stages; see --help
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."
# shellcheck source=scripts/lib/tap.sh
. scripts/lib/tap.sh

readonly ALL_STAGES=(setup build unit lint asan tsan fuzz fixtures rig kvm
    scenarios)
# Neighbours of these run beside each other: each has long parts in which one
# process is at work, or none.
readonly SIDE_BY_SIDE=' fixtures rig kvm scenarios '
readonly BUILD=build
# What the tests run is nothing that the user would run again.
export XDG_STATE_HOME=$PWD/$BUILD/state
readonly RESULTS=$BUILD/test-results
JOBS=$(nproc)
readonly JOBS

usage()
{
    cat <<END
usage: scripts/test.sh [STAGE...]

Without a stage, all run, in this order, the last four beside each other:
  setup      install Debian packages that are missing (apt-get, sudo if needed)
  build      compile everything with warnings as errors
  unit       unit tests, no /dev/kvm needed
  lint       clang-format, clang-tidy, shellcheck, who includes whom
  asan       unit tests under AddressSanitizer and UBSan
  tsan       what has threads, under ThreadSanitizer
  fuzz       libFuzzer targets, five seconds each
  fixtures   guest recipes: reproducible, atomic, clear errors
  rig        the emulated AMD-V machine: streams, exit codes, no orphans
  kvm        unit tests that need a working /dev/kvm (in the rig without one)
  scenarios  real guests: logins, failing-on-purpose suite, bad input, and all
             that would make a lesser program hang
  intel      one login under kvm_intel inside Bochs (in scenarios, too)

Results go to $RESULTS, one TAP file for each program.
END
}

say()
{
    printf '\n== %s (%s s)\n' "$*" "$SECONDS"
}

# run_tap NAME COMMAND...: runs a program that writes TAP to its stdout.
run_tap()
{
    local name=$1 status=0 began=$SECONDS
    shift
    "$@" >"$RESULTS/$name.tap" 2>"$RESULTS/$name.log" || status=$?
    finish_tap "$name" "$status" $((SECONDS - began))
}

# at_a_time N COMMAND...: begins it when fewer than N others run; what it says
# comes in one piece. Its stage's end waits for all of them.
at_a_time()
{
    [ "$(jobs -rp | wc -l)" -lt "$1" ] || wait -n || :
    shift
    {
        local out
        out=$("$@" 2>&1) || :
        [ -z "$out" ] || printf '%s\n' "$out"
    } &
}

# run_criterion NAME PROGRAM [PREFIX...]: runs a Criterion program, after a
# prefix command if one is given (the rig). $FILTER chooses tests.
run_criterion()
{
    local name=$1 program=$2 status=0 began=$SECONDS
    shift 2
    rm -f "$RESULTS/$name.tap"
    "$@" "$program" --tap="$RESULTS/$name.tap" ${FILTER:+--filter="$FILTER"} \
        >"$RESULTS/$name.log" 2>&1 || status=$?
    finish_tap "$name" "$status" $((SECONDS - began))
}

# finish_tap NAME STATUS [SECONDS]: a program that failed without saying which
# test did counts as one failure.
finish_tap()
{
    local name=$1 status=$2 took=${3:+  $3 s} passed failed skipped
    touch "$RESULTS/$name.tap"
    read -r passed failed skipped < <(tap_tally "$RESULTS/$name.tap")
    if [ $((passed + failed + skipped)) -eq 0 ] ||
        { [ "$status" -ne 0 ] && [ "$failed" -eq 0 ]; }; then
        echo "not ok - $name ended with status $status" >>"$RESULTS/$name.tap"
        failed=$((failed + 1))
    fi
    printf '%-24s %4d passed %4d failed %4d skipped%s\n' \
        "$name" "$passed" "$failed" "$skipped" "$took"
    grep -h '# SKIP' "$RESULTS/$name.tap" | sed 's/^ok - /    skipped: /' || :
    if [ "$failed" -gt 0 ]; then
        grep -A 12 '^not ok' "$RESULTS/$name.tap" | sed 's/^/    /' | head -80
        tail -n 40 "$RESULTS/$name.log" 2>/dev/null | sed 's/^/    | /' || :
    fi
}

configure()
{
    local dir=$1
    shift
    cmake -S . -B "$dir" -G Ninja "$@" >"$RESULTS/$(basename "$dir")-cmake.log"
}

stage_setup()
{
    scripts/setup.sh --test
}

stage_build()
{
    configure "$BUILD" -DTOYVMM_TESTS=ON
    ninja -C "$BUILD" -j "$JOBS" --quiet
}

unit_programs()
{
    find "$1/bin" -maxdepth 1 -type f -name 'test-*' -perm -u+x | sort
}

# Rooms whose tests need no /dev/kvm, those first that take longest.
rooms()
{
    local long='recording report runner console scenario'
    tr ' ' '\n' <<<"$long"
    unit_programs "$BUILD" | sed 's/.*test-//' |
        grep -vxE "machine|${long// /|}"
}

# A real kernel for the tests of the loaders.
real_kernel()
{
    local dir
    dir=$(fixtures/kernel/debian-cloud.sh)
    export TOYVMM_TEST_KERNEL=$dir/vmlinuz TOYVMM_TEST_VMLINUX=$dir/vmlinux
}

stage_unit()
{
    local room
    real_kernel
    for room in $(rooms); do
        # shellcheck disable=SC2046  # the prefix is words on purpose
        at_a_time 2 run_criterion "unit-$room" "$BUILD/bin/test-$room" \
            $(room_prefix "$room")
    done
}

# What a room's tests run under: the history wants a server.
room_prefix()
{
    [ "$1" != history ] || echo scripts/lib/with-postgres.sh
}

lint_format()
{
    git ls-files -z '*.c' '*.h' | xargs -0 clang-format --dry-run -Werror
}

# clang-tidy runs on what the compilation database holds. Libraries' headers are
# not ours to judge. Nine tenths of its time are the analyzer's last paths
# through large functions: TIDY_NODES=225000 takes them all.
lint_tidy()
{
    local nodes=max-nodes=${TIDY_NODES:-20000} words=() word
    for word in -Xclang -analyzer-config -Xclang "$nodes"; do
        words+=("--extra-arg=$word")
    done
    git ls-files -z 'src/*.c' 'harness/*.c' 'scripts/*.c' ':!:*/tests/*' \
        ':!:scripts/package/example/*' |
        xargs -0 -n 4 -P "$JOBS" clang-tidy --quiet -p "$BUILD" "${words[@]}" \
            2>&1 | { grep -v '^[0-9]* warnings\? generated' || :; }
}

lint_shell()
{
    git ls-files -z '*.sh' .ci/run | xargs -0 shellcheck -x
}

stage_lint()
{
    {
        tap_run "clang-format finds nothing" lint_format
        tap_run "clang-tidy finds nothing" lint_tidy
        tap_run "shellcheck finds nothing" lint_shell
        tap_run "rooms and layers are kept" scripts/lib/layers.sh
    } >"$RESULTS/lint.tap"
    finish_tap lint 0
}

# sanitizer_build NAME SANITIZERS ROOMS...: in a build folder of its own.
sanitizer_build()
{
    local dir=$BUILD-$1 sanitizers=$2
    shift 2
    configure "$dir" -DTOYVMM_SANITIZE="$sanitizers" \
        -DCMAKE_BUILD_TYPE=Debug -DCMAKE_C_FLAGS_DEBUG="-g1 -O1"
    ninja -C "$dir" -j "$JOBS" --quiet "${@/#/test-}"
}

stage_asan()
{
    local room
    real_kernel
    export LSAN_OPTIONS=suppressions=$PWD/scripts/lib/lsan.supp
    # A look at the whole of a text for each word that is sought in it makes a
    # test that counts words in a large one quadratic; and 16 MB of freed memory
    # that is not used again are enough.
    ASAN_OPTIONS=intercept_strstr=0:intercept_memmem=0:quarantine_size_mb=16
    export ASAN_OPTIONS
    # shellcheck disable=SC2046  # room names are single words
    sanitizer_build asan address,undefined $(rooms) machine
    for room in $(rooms); do
        # shellcheck disable=SC2046  # the prefix is words on purpose
        at_a_time 2 run_criterion "asan-$room" "$BUILD-asan/bin/test-$room" \
            $(room_prefix "$room")
    done
}

# The suites that have threads: one alone has no races. The machine's are in
# stage kvm.
stage_tsan()
{
    local suite room
    sanitizer_build tsan thread console devices loop net virtio vhost machine
    for suite in console_live devices_uart_threads loop net_user \
        virtio_blk virtio_console virtio_net virtio_vsock \
        virtio_vsock_credit virtio_vsock_limits virtio_vsock_hostile \
        vhost_front vhost_device vhost_ways; do
        room=${suite%%_*}
        FILTER="$suite/*" at_a_time 2 run_criterion "tsan-$suite" \
            "$BUILD-tsan/bin/test-$room"
    done
}

# fuzz_one PROGRAM SEEDS: hunts for a while from the seeds on; what it finds on
# its way stays in the build folder.
fuzz_one()
{
    local name=${1##*/} dir seconds=${FUZZ_SECONDS:-5}
    dir=$(dirname "$(dirname "$1")")
    mkdir -p "$dir/corpus/$name"
    tap_run "$name for $seconds s" "$1" -max_total_time="$seconds" \
        -timeout=10 -artifact_prefix="$dir/" "$dir/corpus/$name" ${2:+"$2"} \
        >"$RESULTS/$name.part"
}

# A longer hunt: FUZZ_SECONDS=600.
stage_fuzz()
{
    local dir=$BUILD-fuzz program name seeds
    CC=clang configure "$dir" -DTOYVMM_FUZZERS=ON -DTOYVMM_TESTS=OFF \
        -DTOYVMM_SANITIZE=fuzzer-no-link,address,undefined
    ninja -C "$dir" -j "$JOBS" --quiet fuzzers
    rm -f "$RESULTS"/fuzz-*.part
    for program in "$dir"/bin/fuzz-*; do
        name=${program##*/fuzz-}
        seeds=fixtures/corpus/$name
        [ -d "$seeds" ] || seeds=
        at_a_time 2 fuzz_one "$program" "$seeds"
    done
    wait
    cat "$RESULTS"/fuzz-*.part >"$RESULTS/fuzz.tap"
    rm -f "$RESULTS"/fuzz-*.part
    finish_tap fuzz 0
}

stage_fixtures()
{
    at_a_time 3 run_tap fixtures fixtures/tests/fixtures.sh
}

stage_rig()
{
    KVM_PREFIX=$(kvm_prefix)
    with_guests run_tap rig harness/rig/test.sh "$BUILD/bin/toyvmm-rig"
}

# The command that gives a working /dev/kvm: nothing, where the host's will do.
kvm_prefix()
{
    if "$BUILD/bin/toyvmm-test" --probe --accel kvm >/dev/null 2>&1; then
        return
    fi
    echo "$BUILD/bin/toyvmm-rig --"
}

# with_guests COMMAND...: three at a time where each has a rig of its own, which
# has one processor and processes of its own, and a third of its time nothing to
# do: guests wait for their deadlines. On one KVM they would count each other's
# processes.
with_guests()
{
    at_a_time 3 "$@"
    [ -n "$KVM_PREFIX" ] || wait
}

stage_kvm()
{
    local build
    KVM_PREFIX=$(kvm_prefix)
    fixtures/kernel/debian-cloud.sh >/dev/null
    export LSAN_OPTIONS=suppressions=$PWD/scripts/lib/lsan.supp
    sanitizer_build asan address,undefined machine
    sanitizer_build tsan thread machine
    for build in -tsan -asan ""; do
        # shellcheck disable=SC2086  # the prefix is words on purpose
        with_guests run_criterion "kvm$build-machine" \
            "$BUILD$build/bin/test-machine" $KVM_PREFIX
    done
    # shellcheck disable=SC2086
    with_guests run_criterion kvm-host "$BUILD/bin/test-host" $KVM_PREFIX
}

# As a user types it: where there is no KVM, each starts the rig itself.
logins()
{
    {
        tap_run "alpine_login passes" \
            "$BUILD/bin/toyvmm-test" testcases/alpine_login.tc
        tap_run "busybox_login passes from a bzImage" \
            env TOYVMM_GUEST_BUSYBOX="$(fixtures/guest.sh resolve busybox-bzimage)" \
            "$BUILD/bin/toyvmm-test" testcases/busybox_login.tc
    } >"$RESULTS/logins.tap"
    finish_tap logins 0
}

stage_scenarios()
{
    local program=$BUILD/bin/toyvmm-test guest
    KVM_PREFIX=$(kvm_prefix)
    # Once for all; where one can't be had, its scenarios say so.
    for guest in busybox busybox-bzimage alpine debian; do
        fixtures/guest.sh resolve "$guest" >/dev/null || :
    done
    # The longest begin first.
    with_guests run_tap scenarios-2 harness/tests/e2e.sh "$program" second
    with_guests run_tap measure harness/tests/e2e_measure.sh "$program"
    with_guests run_tap scenarios-1 harness/tests/e2e.sh "$program" first
    with_guests run_tap exact harness/tests/e2e_exact.sh "$program"
    with_guests run_tap torture harness/tests/torture.sh "$program"
    with_guests run_tap scenarios-cli harness/tests/e2e_cli.sh "$program"
    with_guests run_tap runs harness/tests/e2e_runs.sh "$program"
    with_guests run_tap ci ci/test.sh "$program"
    with_guests run_tap package scripts/package/test.sh "$BUILD"
    with_guests stage_intel
    with_guests logins
}

stage_intel()
{
    run_tap intel scripts/bochs/login.sh "$BUILD/bin/toyvmm-test"
}

# rows STAGE...: a line for each, and one for neighbours that run beside each
# other.
rows()
{
    local stage row=
    for stage; do
        if [ -n "$row" ] && [[ $SIDE_BY_SIDE = *" ${row##* } "* ]] &&
            [[ $SIDE_BY_SIDE = *" $stage "* ]]; then
            row+=" $stage"
        else
            [ -z "$row" ] || echo "$row"
            row=$stage
        fi
    done
    echo "$row"
}

main()
{
    local stages=("$@") stage
    if [ "${1-}" = --help ] || [ "${1-}" = -h ]; then
        usage
        return 0
    fi
    [ $# -gt 0 ] || stages=("${ALL_STAGES[@]}")
    for stage in "${stages[@]}"; do
        declare -F "stage_$stage" >/dev/null || {
            echo "scripts/test.sh: no stage '$stage'; see --help" >&2
            return 2
        }
    done

    mkdir -p "$RESULTS"
    rm -f "$RESULTS"/*.tap
    local rows row status
    mapfile -t rows < <(rows "${stages[@]}")
    for row in "${rows[@]}"; do
        # A subshell outside any condition, so that `set -e` holds in it.
        set +e
        (
            trap wait EXIT
            set -e
            for stage in $row; do
                say "$stage"
                echo "$stage" >"$RESULTS/stage"
                "stage_$stage"
            done
        )
        status=$?
        set -e
        [ "$status" -ne 0 ] || continue
        stage=$(<"$RESULTS/stage")
        echo "not ok - stage $stage" | tee "$RESULTS/stage-$stage.tap"
        # What can't be installed or built leaves nothing to run.
        case $stage in setup | build) break ;; esac
    done

    local passed failed skipped
    read -r passed failed skipped < <(tap_tally "$RESULTS"/*.tap)
    printf '\nThe whole run took %d s.\n' "$SECONDS"
    echo "$passed passed, $failed failed, $skipped skipped"
    [ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
}

main "$@"
