#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What the command does with whole scenarios: --check, --format, --explain,
# --list, `matrix` and `needs`. Most of it boots nothing; the rest runs where
# toyvmm-test finds a place for it. Usage: e2e_cli.sh PATH-OF-toyvmm-test.
# Prints TAP, a line per claim; exits 1 when one does not hold.
set -uo pipefail
test_program=$(realpath "$1")
source_dir=$(cd "$(dirname "$0")/../.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
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

# toyvmm ARGS: runs the command on nothing; status in $status.
toyvmm() {
    timeout -k 5 300 "$test_program" "$@" >out 2>err </dev/null
    status=$?
}

# scenario NAME: a file from standard input.
scenario() {
    mkdir -p "$(dirname "$1")"
    cat >"$1"
}

files() {
    scenario t/good.tc <<'END'
guest busybox
expect /x/
END
    scenario t/warned.tc <<'END'
guest busybox
timeout 5s
expect /x/ within 6s
END
    scenario wrong/a.tc <<'END'
guest busybox
expct /x/
send "abc
END
    scenario wrong/b.tc <<'END'
guest busybox
expect /a(b/
END
    scenario ugly.tc <<'END'
guest   busybox
step-timeout 5s # short


send  "x"
END
    scenario m.tc <<'END'
test    "two words"
guest   busybox
timeout 60s
tags    login
matrix  word one two
matrix  tail "a b" "c/d"

login   "root" password "root"
run     "echo ${word} ${tail}" as out
check   out == "${word} ${tail}"
poweroff
END
    scenario skip/net.tc <<'END'
guest nobody_knows_it
needs net
net tap no-such-tap
expect /x/
END
    scenario skip/guest.tc <<'END'
guest nobody_knows_it
needs guest nobody_knows_it
expect /x/
END
    scenario both.tc <<'END'
guest busybox
needs kvm
needs rig
expect /x/
END
}

check() {
    toyvmm --check t
    [ $status = 0 ] && grep -qx '2 files, 0 errors, 1 warning' out &&
        grep -q '^t/warned.tc:3:.*warning' err
    claim "--check counts, and a warning is no error"
    toyvmm --check t wrong
    [ $status = 2 ] && grep -qx '4 files, 3 errors, 1 warning' out &&
        grep -q '^wrong/a.tc:2:1: error' err &&
        grep -q '^wrong/a.tc:3:' err && grep -q '^wrong/b.tc:2:' err
    claim "--check tells all errors of all files, and exits with 2"
    toyvmm --check t/good.tc nothing.tc
    [ $status = 2 ] && grep -q 'nothing.tc: No such file' err
    claim "--check of a file that isn't there"
    scenario disk.tc <<'END'
guest busybox
disk  no.img
expect /x/
END
    toyvmm --check disk.tc
    [ $status = 0 ] && grep -qx '1 file, 0 errors, 1 warning' out &&
        grep -q '^disk.tc:2:7: warning: .* disk image no.img: No such' err
    claim "--check tells of a disk that isn't there"
    rm disk.tc
    ! grep -q '^accelerator' out
    claim "--check boots nothing"
}

format() {
    cp ugly.tc before.tc
    toyvmm --format ugly.tc
    [ $status = 0 ] && cmp -s ugly.tc before.tc && cmp -s out - <<'END'
guest        busybox
step-timeout 5s  # short

send    "x"
END
    claim "--format prints the canonical layout"
    "$test_program" --format <ugly.tc >piped 2>err && cmp -s piped out
    claim "--format without a file reads standard input"
    toyvmm --format --check ugly.tc
    [ $status = 1 ] && grep -q '^--- ugly.tc' out && grep -q '^@@ ' out &&
        grep -q '^-step-timeout 5s # short$' out && cmp -s ugly.tc before.tc
    claim "--format --check shows the difference, exits with 1 and writes nothing"
    if command -v patch >/dev/null; then
        patch -s -o patched before.tc out &&
            "$test_program" --format ugly.tc | cmp -s - patched
        claim "patch(1) can apply it"
    else
        echo "ok - patch(1) can apply it # SKIP it is not installed"
    fi
    toyvmm --format --write .
    [ $status = 2 ] && grep -qx 'ugly.tc' out &&
        grep -q '^wrong/a.tc:2:1: error' err &&
        grep -qx 'send "abc' wrong/a.tc
    claim "--format --write refuses a wrong file, leaves it, and does the others"
    toyvmm --format --check ugly.tc t m.tc skip
    [ $status = 0 ]
    claim "what it wrote is formatted"
    toyvmm --format --check "$source_dir/testcases" \
        "$source_dir/testcases/failing"
    [ $status = 0 ]
    claim "the scenarios of the tree are formatted"
}

explain() {
    toyvmm --explain "$source_dir/testcases/busybox_login.tc"
    [ $status = 0 ] && grep -q '^    kernel ' out &&
        grep -q '^    command line  console=ttyS0' out &&
        grep -q 'panic' out && grep -q '^    1\. log in as "root"' out &&
        ! grep -q '"root" password' out
    claim "--explain tells of the machine, the rules and each step"
    toyvmm --explain --timeout-scale 3 m.tc
    [ $status = 0 ] && grep -qx 'cases: 4' out &&
        grep -q 'word  *"one"  \[matrix, line 5\]' out &&
        grep -q 'run "echo one a b"' out && grep -q '60 s \* 3 = 180 s' out
    claim "--explain resolves cases, variables and deadlines"
    toyvmm --explain skip/guest.tc
    [ $status = 2 ] && grep -q 'there is no guest' out
    claim "--explain exits with 2 for a guest that nobody knows"
}

cases() {
    toyvmm --list m.tc
    [ $status = 0 ] && cmp -s out - <<'END'
./m[word=one,tail=a_b]  two words [word=one,tail=a b]
./m[word=one,tail=c_d]  two words [word=one,tail=c/d]
./m[word=two,tail=a_b]  two words [word=two,tail=a b]
./m[word=two,tail=c_d]  two words [word=two,tail=c/d]
END
    claim "--list has each case of a matrix, by a name of its own"
    toyvmm --list --filter 'm[word=two,tail=c_d]' m.tc
    [ "$(cut -d' ' -f1 out)" = './m[word=two,tail=c_d]' ]
    claim "--filter takes such a name as it is"
    toyvmm --list --filter 'm*word=one*' m.tc
    [ "$(wc -l <out)" = 2 ]
    claim "--filter takes a glob on it"
    toyvmm --list --set 'tail=a b' m.tc
    [ "$(cut -d' ' -f1 out | xargs)" = \
        './m[word=one,tail=a_b] ./m[word=two,tail=a_b]' ]
    claim "--set of an axis leaves that value"
    toyvmm --list --set tail=x m.tc
    [ $status = 2 ] && grep -q 'm.tc:6:9: error' err
    claim "--set of what is none of its values is an error"
    local i
    {
        echo 'guest busybox'
        for i in 1 2 3 4 5 6 7 8 9 10 11 12 13; do
            echo "matrix a$i x y"
        done
        echo 'expect /x/'
    } | scenario large.tc
    toyvmm large.tc
    [ $status = 2 ] && grep -q 'more than 4096 cases' err
    claim "a product that is too large is an error"
}

skips() {
    toyvmm --junit report.xml skip both.tc
    [ $status = 0 ] && grep -q '^3 scenarios: 3 skipped' out &&
        ! grep -q '^accelerator' out
    claim "what is skipped is no failure, and boots nothing"
    grep -q 'skip/net.tc:2:9: needs net; there is no tap interface no-such' out &&
        grep -q 'needs guest nobody_knows_it; there is no guest' out &&
        grep -Eq 'needs (kvm|rig); ' out
    claim "each with its reason"
    [ "$(xmllint --xpath 'count(//testcase/skipped[contains(@message,"needs ")])' \
        report.xml)" = 3 ]
    claim "the report has them as skipped, with their reasons"
    xmllint --noout --schema \
        "$source_dir/harness/report/jenkins-junit.xsd" report.xml 2>err
    claim "and is valid"
}

# Real guests: two cases, beside one that is skipped.
guests() {
    if ! "$test_program" --probe >out 2>err; then
        echo "ok - a matrix with guests # SKIP guests can't run here"
        return
    fi
    grep -v '^matrix *word' m.tc | sed 's/[$]{word}/two/' >run.tc
    toyvmm --junit report.xml -vv run.tc skip/net.tc
    [ $status = 0 ] && grep -q '^3 scenarios: 2 passed, 1 skipped' out
    claim "cases of a matrix run with their values, beside a skipped scenario"
    [ "$(xmllint --xpath \
        'count(//testcase[starts-with(@name,"two words [tail=")])' \
        report.xml)" = 2 ] &&
        [ "$(xmllint --xpath \
            'count(//property[@name="matrix.tail"][@value="c/d"])' \
            report.xml)" = 1 ]
    claim "the report tells them apart"
    grep -qF './run[tail=c_d] ' err
    claim "-vv names the case of each step"
}

# `run_linux` boots what lies in the working directory, as it is named there.
by_hand() {
    local script=$source_dir/scripts/run_linux.sh
    mkdir byhand && cd byhand || return
    "$script" echo >../out
    grep -qxF -- "--interactive $source_dir/testcases/alpine_login.tc" ../out
    claim "run_linux without files boots alpine"
    touch vmlinux.bin
    "$script" echo >../out
    grep -qF 'vmlinux.bin but no initrd.img' ../out &&
        grep -qF 'alpine_login.tc' ../out
    claim "run_linux tells of the file that is missing"
    touch initrd.img
    "$script" echo -v >../out
    grep -q -- '^--interactive --kernel vmlinux.bin --initrd initrd.img .* -v$' \
        ../out
    claim "run_linux boots vmlinux.bin and initrd.img"
    cd ..
}

# bash_completes WORD...: what bash offers for the last one. What it has from
# its package bash-completion is played.
bash_completes() {
    bash -c '
        _init_completion() {
            words=("${COMP_WORDS[@]}") cword=$COMP_CWORD
            cur=${words[cword]} prev=${words[cword - 1]}
        }
        _filedir() { COMPREPLY=(FILES); }
        . ./complete.bash
        COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
        _toyvmm_test
        echo "${COMPREPLY[*]}"' bash toyvmm-test "$@" 2>err
}

completions() {
    local shell
    for shell in bash zsh fish; do
        "$test_program" manual $shell >complete.$shell
        if ! command -v $shell >/dev/null; then
            echo "ok - $shell completes # SKIP no $shell here"
            continue
        fi
        $shell -n complete.$shell 2>err
        claim "$shell reads its completions"
    done
    [ "$(bash_completes compare --al)" = --alpha ] &&
        [ "$(bash_completes --accel '')" = "auto kvm rig exact" ] &&
        [ "$(bash_completes --junit '')" = FILES ] &&
        [ "$(bash_completes --jobs '')" = "" ] &&
        [ "$(bash_completes show --r)" = --raw ] &&
        [ "$(bash_completes tr)" = "FILES trend" ]
    claim "bash completes commands, their options, values and files"
    ! command -v fish >/dev/null || {
        fish -c '. ./complete.fish
            complete -C "toyvmm-test compare --al"
            complete -C "toyvmm-test tr"' >out 2>err
        [ "$(cut -f1 out | paste -sd' ')" = "--alpha trend" ]
        claim "fish completes commands and their options"
    }
}

# exec_refused CODE WORDS ARGS: nothing is booted.
exec_refused() {
    local code=$1 words=$2
    shift 2
    toyvmm exec "$@"
    [ $status = "$code" ] && grep -qF -- "$words" err && [ ! -s out ]
    claim "exec $*: exit $code and \"$words\""
}

# One boot shows it all: words, streams, files, the exit code.
in_a_guest() {
    exec_refused 2 "no command given"
    exec_refused 2 "--modules is for --kernel" --modules . true
    exec_refused 3 "No such file" --kernel no/such/image true
    cp "$test_program" image
    exec_refused 3 "give --modules DIR" --kernel image true
    mkdir keep
    # shellcheck disable=SC2016  # the guest expands it
    printf 'typed\n' | HERE=said timeout -k 5 900 "$test_program" exec --rw keep \
        --cpus 2 --cmdline "toyvmm.word" -- sh -c 'read line
            echo "$line $HERE $(nproc) $PWD"
            grep -o toyvmm.word /proc/cmdline
            echo aside >&2
            echo kept >keep/file && echo lost >file && cat file
            test ! -e /dev/kvm && exit 7' >out 2>err
    status=$?
    [ $status = 7 ]
    claim "exec: the command's exit code is exec's"
    printf 'typed said 2 %s\ntoyvmm.word\nlost\n' "$PWD" | cmp - out &&
        [ "$(cat err)" = aside ]
    claim "exec: input, output, errors, environment, folder and command line"
    [ "$(cat keep/file)" = kept ] && [ ! -e file ]
    claim "exec: files are kept in a --rw folder, and nowhere else"
}

files
completions
check
format
explain
cases
skips
by_hand
in_a_guest
guests
echo "# $claims claims, $broken broken"
[ $broken = 0 ]
