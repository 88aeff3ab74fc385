// SPDX-License-Identifier: Apache-2.0
// What of a guest's frames goes on to the user-mode network, which would make
// connections of the host's out of them: nothing but what was asked for. And
// the addresses of that network.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// 10.0.2.0/24, as everywhere where this library is used.
#define NET_USER_NETWORK    UINT32_C(0x0a000200)
#define NET_USER_MASK       UINT32_C(0xffffff00)
#define NET_USER_GATEWAY    UINT32_C(0x0a000202)
#define NET_USER_NAMESERVER UINT32_C(0x0a000203)
#define NET_USER_GUEST      UINT32_C(0x0a00020f)

#define NET_REACH_MAX 16

// The ports of the gateway that the guest may connect to, which are those of
// the host's loopback.
struct net_filter {
    unsigned nreach; // at most NET_REACH_MAX
    uint16_t reach[NET_REACH_MAX];
    bool full; // no more connections for now
};

enum net_verdict {
    NET_DROPPED,
    NET_REFUSED, // a connection that there is not: net_filter_refuse says so
    NET_PASSES,
    NET_BEGINS, // passes, and a connection begins with it
};

// Whether a frame may go on: ARP for the network's own addresses; pings of the
// gateway and the name server; TCP to the gateway, where a connection is begun
// only to a port of the filter's, and else refused. Those that the host began
// (forwards) go on by that. No fragments, no IP options, no UDP, nothing else.
// The answer depends on the frame alone: there is no state that a guest could
// fill.
enum net_verdict net_filter_judge(const struct net_filter *filter,
                                  const uint8_t *frame, size_t len);

// The answer to a frame that was NET_REFUSED, as of a host where nobody listens
// (RFC 9293, 3.5.2): a guest that tries knows at once. Returns its length.
#define NET_REFUSAL_LEN 54
size_t net_filter_refuse(const uint8_t *frame, uint8_t reply[NET_REFUSAL_LEN]);
