// SPDX-License-Identifier: Apache-2.0
// A wire between a guest's network card and a network, and who sits at its two
// ends. Frames are whole Ethernet frames without their checksum; all of it
// happens on the machine's event loop, so that neither end is called from two
// threads, and nothing is called within itself.
#pragma once

#include <stddef.h>
#include <stdint.h>

// The shortest and the longest frame: a header; 1500 bytes and a VLAN's tag
// behind it. Nothing else passes.
#define NET_FRAME_MIN 14
#define NET_FRAME_MAX 1518
#define NET_MAC_LEN   6

// The guest's card.
struct net_card {
    void *owner;
    // The frame is copied; or dropped, and counted, when the guest has no room.
    void (*deliver)(void *owner, const uint8_t *frame, size_t len);
    // No more frames come for now: time to interrupt the guest.
    void (*settle)(void *owner);
};

// The network behind it. It calls the wire's two functions below.
struct net_network {
    void *owner;
    void (*send)(void *owner, const uint8_t *frame, size_t len);
    // The guest has sent all it has.
    void (*settle)(void *owner);
    // Ends it: no callback of it runs any more when it returns. Not on the
    // loop.
    void (*close)(void *owner);
};

struct net_capture;

// Owned by who wires it. Plain value; the ends are set before the first frame.
// An end that is not there takes nothing.
struct net_wire {
    struct net_card card;
    struct net_network network;
    struct net_capture *capture; // sees all that passes; NULL: nobody does
};

// The guest sent a frame; the network sent one. A frame that is too short or
// too long is dropped.
void net_wire_send(struct net_wire *wire, const uint8_t *frame, size_t len);
void net_wire_deliver(struct net_wire *wire, const uint8_t *frame, size_t len);

// What was to be sent in one go was sent, by the guest or by the network.
void net_wire_sent(struct net_wire *wire);
void net_wire_delivered(struct net_wire *wire);

// Closes the network; it is there no more.
void net_wire_close(struct net_wire *wire);
