# shellcheck shell=bash disable=SC2154
# SPDX-License-Identifier: Apache-2.0
# Part of e2e.sh: a guest's network with servers and clients of the test, on the
# loopback of where this runs. One boot proves all of it.

# knock PORT: connects to it until somebody reads the word, as long as it is let.
knock() {
    while sleep 0.3; do
        { exec 3<>"/dev/tcp/127.0.0.1/$1" && echo knock >&3 && exec 3>&-; } \
            2>/dev/null
    done
}

networks() {
    local port=18090 forwarded=18091 server client
    mkdir -p "$work/net/www"
    echo "from outside" >"$work/net/www/page"
    cat >"$work/net/net.tc" <<'END'
guest   busybox
set     port 1
set     forwarded 1
net     user reach ${port} forward "${forwarded}:7" pcap "${port}.pcap"
timeout 60s
login   "root" password "root"
run     "udhcpc -n -q -i eth0"
run     "wget -q -O - http://gateway:${port}/page" as page
check   page == "from outside"
run     "nc -l -p 7 </dev/null" as knock
check   knock has /^knock$/m
poweroff
END
    busybox httpd -f -p "127.0.0.1:$port" -h "$work/net/www" &
    server=$!
    knock $forwarded &
    client=$!
    toyvmm --set port=$port --set forwarded=$forwarded \
        --record "$work/net/net.tvr" "$work/net/net.tc"
    kill $server $client
    wait $server $client 2>/dev/null
    [ "$status" = 0 ]
    claim "a guest fetches from a port that it reaches, and is reached by one"
    [ "$(od -An -tx4 -N4 "$work/net/$port.pcap")" = " a1b23c4d" ] &&
        [ "$(stat -c %s "$work/net/$port.pcap")" -gt 1000 ]
    claim "its frames are in the capture"
    rm "$work/net/$port.pcap"
    toyvmm --set port=$port --set forwarded=$forwarded \
        --replay "$work/net/net.tvr" "$work/net/net.tc"
    [ "$status" = 0 ] && [ ! -e "$work/net/$port.pcap" ]
    claim "a replay needs no network and captures nothing"
    # Somebody else listens there.
    busybox httpd -f -p "127.0.0.1:$forwarded" -h "$work/net/www" &
    server=$!
    until { exec 3<>"/dev/tcp/127.0.0.1/$forwarded"; } 2>/dev/null; do
        sleep 0.1
    done
    exec 3>&-
    toyvmm --set port=$port --set forwarded=$forwarded "$work/net/net.tc"
    kill $server
    wait $server 2>/dev/null
    [ "$status" != 0 ] && grep -q "can't forward port $forwarded of this" \
        "$work/out" "$work/err"
    claim "a port that is taken is named"
}
