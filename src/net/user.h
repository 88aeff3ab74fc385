// SPDX-License-Identifier: Apache-2.0
// The user-mode network: a gateway, a name server and nothing else, on
// 10.0.2.0/24. No privileges are needed, and a guest reaches nothing of the
// host or beyond but what is named here.
#pragma once

#include "src/base/error.h"
#include "src/loop/loop.h"
#include "src/net/filter.h"
#include "src/net/wire.h"

#define NET_FORWARDS_MAX 16

// Connections of the guest's at a time: more are refused.
#define NET_CONNECTIONS_MAX 256

struct net_user_setup {
    // Connections to port `host` of the host's loopback arrive at the guest's
    // port `guest`.
    size_t nforwards;
    struct net_forward {
        uint16_t host, guest;
    } forwards[NET_FORWARDS_MAX];
    struct net_filter filter;
};

// Makes the network of wire, which outlives it; net_wire_close ends it. 0;
// -ENODEV (no libslirp); -EADDRINUSE, -EACCES and their like: a host port can't
// be had; with a sentence.
int net_user_open(struct net_wire *wire, struct loop *loop,
                  const struct net_user_setup *setup, struct error *err);

// Whether there could be one: 0; -ENODEV with a sentence.
int net_user_check(struct error *err);
