// SPDX-License-Identifier: Apache-2.0
// See wire.h.
#include "src/net/wire.h"

#include "src/net/capture.h"

#include <stdbool.h>

static bool passes(struct net_wire *wire, const uint8_t *frame, size_t len)
{
    if (len < NET_FRAME_MIN || len > NET_FRAME_MAX)
        return false;
    if (wire->capture)
        net_capture_frame(wire->capture, frame, len);
    return true;
}

void net_wire_send(struct net_wire *wire, const uint8_t *frame, size_t len)
{
    if (passes(wire, frame, len) && wire->network.send)
        wire->network.send(wire->network.owner, frame, len);
}

void net_wire_deliver(struct net_wire *wire, const uint8_t *frame, size_t len)
{
    if (passes(wire, frame, len) && wire->card.deliver)
        wire->card.deliver(wire->card.owner, frame, len);
}

void net_wire_sent(struct net_wire *wire)
{
    if (wire->network.settle)
        wire->network.settle(wire->network.owner);
}

void net_wire_delivered(struct net_wire *wire)
{
    if (wire->card.settle)
        wire->card.settle(wire->card.owner);
}

void net_wire_close(struct net_wire *wire)
{
    if (wire->network.close)
        wire->network.close(wire->network.owner);
    wire->network = (struct net_network){.owner = NULL};
}
