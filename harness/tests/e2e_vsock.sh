# shellcheck shell=bash disable=SC2154
# SPDX-License-Identifier: Apache-2.0
# Part of e2e.sh: a guest's sockets, with programs at their other end here. One
# boot, and one after a reset, prove all of it.

# knock_guest SOCKET PORT: connects to the guest's port until somebody answers, as
# long as it is let; what was answered is in $work/vsock/knocked.
knock_guest() {
    until printf 'CONNECT %s\nknock\n' "$2" |
        "$work/vsock/tools/stream" connect "$1" 2>/dev/null |
        grep -A 1 '^OK ' >"$work/vsock/knocked"; do
        sleep 0.1
    done
}

vsock_scenario() {
    cat <<'END'
guest   busybox
share   tools as tools
vsock   guest.sock
timeout 120s
login   "root" password "root"
run     "mkdir /t && mount -t virtiofs tools /t"
# To a program here, and back.
run     "echo there and back | /t/stream connect 2:5000" as echo
check   echo == "there and back"
run     "head -c 3000000 /dev/urandom >/tmp/a"
run     "/t/stream connect 2:5000 </tmp/a >/tmp/b && cmp /tmp/a /tmp/b && echo same" as large
check   large == "same"
# Where nobody listens, and where nobody is.
run     "/t/stream connect 2:5001 </dev/null || echo refused" as nobody
check   nobody has /^refused$/m
run     "/t/stream connect 7:5000 </dev/null || echo refused" as nowhere
check   nowhere has /^refused$/m
# From a program here.
run     "echo who is there | /t/stream listen 4294967295:1234" as knock
check   knock == "knock"
# A machine that is reset has its sockets again.
reset
login   "root" password "root"
run     "mkdir /t && mount -t virtiofs tools /t"
run     "echo again | /t/stream connect 2:5000" as again
check   again == "again"
poweroff
END
}

sockets() {
    local server client
    mkdir -p "$work/vsock/tools"
    gcc -O2 -static -s -o "$work/vsock/tools/stream" \
        "$source_dir/harness/tests/guests/stream.c"
    claim "the program for both ends is built"
    vsock_scenario >"$work/vsock/vsock.tc"
    "$work/vsock/tools/stream" echo "$work/vsock/guest.sock_5000" &
    server=$!
    knock_guest "$work/vsock/guest.sock" 1234 &
    client=$!
    toyvmm --record "$work/vsock/vsock.tvr" "$work/vsock/vsock.tc"
    kill $server $client 2>/dev/null
    wait $server $client 2>/dev/null
    [ "$status" = 0 ]
    claim "a guest's programs talk with those here, whoever begins"
    grep -q '^OK [0-9]*$' "$work/vsock/knocked" &&
        grep -qx 'who is there' "$work/vsock/knocked"
    claim "a program here got what the guest's said"
    [ ! -e "$work/vsock/guest.sock" ]
    claim "its socket is gone"
    # Nobody is here now.
    rm -f "$work/vsock/guest.sock_5000"
    toyvmm "$work/vsock/vsock.tc"
    [ "$status" = 1 ] && grep -q 'stream connect 2:5000" ended with status 1' \
        "$work/out" "$work/err"
    claim "without a program here the guest is refused"
    : >"$work/vsock/guest.sock"
    toyvmm --replay "$work/vsock/vsock.tvr" "$work/vsock/vsock.tc"
    [ "$status" = 0 ]
    claim "a replay needs no socket"
    toyvmm --check "$work/vsock/vsock.tc"
    [ "$status" = 0 ] && grep -q 'vsock.tc:3:9: warning: .*is no socket' \
        "$work/out" "$work/err"
    claim "--check names a file that is in the way, and its line"
    toyvmm "$work/vsock/vsock.tc"
    [ "$status" = 3 ] && grep -q 'guest.sock is there already and is no socket' \
        "$work/out" "$work/err" && [ -e "$work/vsock/guest.sock" ]
    claim "a run with one ends before it boots"
}
