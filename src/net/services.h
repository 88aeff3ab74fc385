// SPDX-License-Identifier: Apache-2.0
// What the user-mode network's gateway answers by itself, so that a guest finds
// the same network on every host, and none of its questions leaves it: DHCP
// (RFC 2131) and the names of this network (RFC 1035).
//
//     gateway.test  10.0.2.2   gateway
//     dns.test      10.0.2.3   name server
//     guest.test    10.0.2.15  what DHCP gives
//
// The domain is `test` (RFC 6761: never one of the Internet's); the names are
// known without it, too. No other name exists.
#pragma once

#include "src/net/wire.h"

#include <stdbool.h>

// If frame is such a question, writes the answer to reply, a frame of up to
// NET_FRAME_MAX bytes, and returns its length. 0: it is none, or a broken one.
// It keeps no state.
size_t net_services_answer(const uint8_t *frame, size_t len,
                           uint8_t reply[NET_FRAME_MAX]);
