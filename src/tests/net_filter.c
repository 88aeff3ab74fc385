// SPDX-License-Identifier: Apache-2.0
// What passes the filter of the user-mode network: each way around it that
// there could be is a frame here.
#include "src/net/filter.h"
#include "src/tests/net_frames.h"

#include <criterion/criterion.h>
#include <string.h>

static const struct net_filter nothing = {.nreach = 0};
static const struct net_filter web = {.nreach = 2, .reach = {8080, 443}};

static enum net_verdict judge(const struct net_filter *filter, struct frame f)
{
    return net_filter_judge(filter, f.bytes, f.len);
}

Test(net_filter, connections)
{
    cr_assert_eq(judge(&web, frame_tcp(GATEWAY, 9, 8080, F_SYN, 1, 0)),
                 NET_BEGINS);
    cr_assert_eq(judge(&web, frame_tcp(GATEWAY, 9, 443, F_SYN, 1, 0)),
                 NET_BEGINS);
    cr_assert_eq(judge(&web, frame_tcp(GATEWAY, 9, 22, F_SYN, 1, 0)),
                 NET_REFUSED);
    cr_assert_eq(judge(&nothing, frame_tcp(GATEWAY, 9, 8080, F_SYN, 1, 0)),
                 NET_REFUSED);
    // All flags that say no more than SYN does.
    for (unsigned flags = 0; flags < 256; flags++) {
        bool begins = (flags & (F_SYN | F_ACK)) == F_SYN;
        cr_assert_eq(
            judge(&web, frame_tcp(GATEWAY, 9, 22, (uint8_t)flags, 1, 1)),
            begins ? NET_REFUSED : NET_PASSES);
    }
    const uint32_t others[] = {NAMESERVER, GUEST,      ELSEWHERE, 0x7f000001,
                               0x0a0002ff, 0xffffffff, 0};
    for (unsigned i = 0; i < 7; i++) {
        cr_assert_eq(judge(&web, frame_tcp(others[i], 9, 8080, F_SYN, 1, 0)),
                     NET_REFUSED);
        cr_assert_eq(judge(&web, frame_tcp(others[i], 9, 8080, F_ACK, 1, 0)),
                     NET_DROPPED);
    }
    struct net_filter full = web;
    full.full = true;
    cr_assert_eq(judge(&full, frame_tcp(GATEWAY, 9, 8080, F_SYN, 1, 0)),
                 NET_REFUSED);
    cr_assert_eq(judge(&full, frame_tcp(GATEWAY, 9, 8080, F_ACK, 1, 0)),
                 NET_PASSES);
}

// What a host says where nobody listens; the guest checks it.
Test(net_filter, refusal)
{
    struct frame f = frame_tcp(GATEWAY, 4000, 22, F_SYN, 1000, 0), r;
    r.len = net_filter_refuse(f.bytes, r.bytes);
    cr_assert_eq(memcmp(r.bytes, f.bytes + 6, 6), 0);
    cr_assert_eq(memcmp(r.bytes + 6, f.bytes, 6), 0);
    // The same packet as a host would make it.
    struct frame same = frame_tcp(GATEWAY, 22, 4000, F_RST | F_ACK, 0, 1001);
    memcpy(same.bytes + 26, r.bytes + 26, 8);
    frame_seal(&same);
    cr_assert_eq(frame_32(r.bytes + 26), GATEWAY);
    cr_assert_eq(frame_32(r.bytes + 30), GUEST);
    cr_assert_eq(frame_16(r.bytes + 24), frame_16(same.bytes + 24));
    // Its addresses are the other way round, its sum is the same; and there is
    // no window, which frame_tcp has.
    memset(same.bytes + 48, 0, 2);
    uint32_t sum = frame_16(r.bytes + 50);
    memset(r.bytes + 50, 0, 2);
    memset(same.bytes + 50, 0, 2);
    cr_assert_eq(memcmp(r.bytes + 34, same.bytes + 34, 20), 0);
    for (unsigned i = 26; i < 54; i += 2)
        sum += frame_16(r.bytes + i);
    sum += P_TCP + 20;
    cr_assert_eq((sum & 0xffff) + (sum >> 16), 0xffffU);
}

Test(net_filter, other_protocols)
{
    cr_assert_eq(judge(&nothing, frame_ping(GATEWAY)), NET_PASSES);
    cr_assert_eq(judge(&nothing, frame_ping(NAMESERVER)), NET_PASSES);
    cr_assert_eq(judge(&web, frame_ping(ELSEWHERE)), NET_DROPPED);
    cr_assert_eq(judge(&web, frame_ping(0x0a0002ff)), NET_DROPPED);
    cr_assert_eq(judge(&nothing, frame_arp(GATEWAY)), NET_PASSES);
    cr_assert_eq(judge(&nothing, frame_arp(ELSEWHERE)), NET_DROPPED);
    // UDP is the gateway's own affair, or nobody's.
    const uint32_t to[] = {GATEWAY, NAMESERVER, ELSEWHERE, 0xffffffff};
    const uint16_t ports[] = {53, 67, 69, 8080};
    for (unsigned i = 0; i < 16; i++)
        cr_assert_eq(judge(&web, frame_udp(to[i / 4], 9, ports[i % 4], "", 0)),
                     NET_DROPPED);
    for (unsigned protocol = 0; protocol < 256; protocol++)
        if (protocol != P_ICMP && protocol != P_TCP)
            cr_assert_eq(judge(&web, frame_ip(GATEWAY, (uint8_t)protocol,
                                              "012345678901234567890", 20)),
                         NET_DROPPED);
    struct frame f = frame_ping(GATEWAY);
    for (unsigned type = 0; type < 65536; type++) {
        f.bytes[12] = (uint8_t)(type >> 8);
        f.bytes[13] = (uint8_t)type;
        if (type != 0x0800 && type != 0x0806)
            cr_assert_eq(judge(&web, f), NET_DROPPED);
    }
}

// What the library would read elsewhere than the filter.
Test(net_filter, odd_packets)
{
    struct frame good = frame_tcp(GATEWAY, 9, 8080, F_SYN, 1, 0), f = good;
    f.bytes[14] = 0x46; // an option
    cr_assert_eq(judge(&web, f), NET_DROPPED);
    f.bytes[14] = 0x65; // another version
    cr_assert_eq(judge(&web, f), NET_DROPPED);
    f = good;
    f.bytes[20] = 0x40; // don't fragment
    cr_assert_eq(judge(&web, f), NET_BEGINS);
    for (unsigned bit = 0; bit < 16; bit++) {
        unsigned flags = 1U << bit;
        f.bytes[20] = (uint8_t)(flags >> 8);
        f.bytes[21] = (uint8_t)flags;
        cr_assert_eq(judge(&web, f),
                     flags == 0x4000 ? NET_BEGINS : NET_DROPPED);
    }
    f = good;
    f.bytes[17] = 39; // shorter than its headers
    cr_assert_eq(judge(&web, f), NET_DROPPED);
    f.bytes[17] = 41; // longer than the frame
    cr_assert_eq(judge(&web, f), NET_DROPPED);
    f = good;
    f.len += 6; // padding
    cr_assert_eq(judge(&web, f), NET_BEGINS);
    for (size_t len = 0; len < good.len; len++) {
        f = good;
        f.len = len;
        cr_assert_eq(judge(&web, f), NET_DROPPED);
    }
}
