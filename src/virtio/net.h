// SPDX-License-Identifier: Apache-2.0
// virtio-net, the network card (virtio 1.2, section 5.1): one pair of queues,
// no offloads. Its frames are handled on the machine's event loop; a vCPU's
// notification only wakes that.
#pragma once

#include "src/loop/loop.h"
#include "src/net/capture.h"
#include "src/net/wire.h"
#include "src/virtio/device.h"

// Before each frame (5.1.6): flags, offloads, how many buffers it took.
#define VIRTIO_NET_HEADER 12

// Frames that wait while the guest has no buffer for them; more are dropped.
#define VIRTIO_NET_WAITING 64

// Buffers that one frame may be spread over. Those of Linux hold a whole one.
#define VIRTIO_NET_BUFFERS 16

struct virtio_net_config { // 5.1.4, little-endian
    uint8_t mac[NET_MAC_LEN];
    uint16_t status;
};

struct virtio_net_counts {
    uint64_t sent, received; // frames, by the guest
    uint64_t dropped;        // came while there was no room for them
    uint64_t refused;        // the guest sent what is no frame
    bool cut;                // the capture lacks frames
};

// Owned by who wires it, never moved. The device's lock guards what follows it;
// wire and frame are the loop's.
struct virtio_net {
    struct virtio_device device;
    struct virtio_net_config config;
    bool merges; // a frame may take several buffers (VIRTIO_NET_F_MRG_RXBUF)
    // Buffers to receive into that were taken from the queue, and not filled.
    unsigned nheld;
    struct virtq_chain held[VIRTIO_NET_BUFFERS];
    unsigned first_waiting, nwaiting; // a ring
    struct virtio_net_frame {
        uint16_t len;
        uint8_t bytes[NET_FRAME_MAX];
    } waiting[VIRTIO_NET_WAITING];
    struct virtio_net_counts counts;

    struct loop *loop;
    struct loop_event kicked;
    struct net_wire wire; // its network is who wires the device's to open
    struct virtq_chain chain;
    struct virtio_net_frame frame;
};

// A card of this address that lives on loop, which outlives it. 0, or a
// negative errno with a sentence; destroy it either way.
int virtio_net_init(struct virtio_net *net, const uint8_t mac[NET_MAC_LEN],
                    struct loop *loop, const struct guest_memory *memory,
                    struct error *err);
// Closes its network and capture, too.
void virtio_net_destroy(struct virtio_net *net);

// Whether the guest uses it: then a frame may come at any time. Any thread.
bool virtio_net_is_used(struct virtio_net *net);

// What it has counted. Any thread.
void virtio_net_count(struct virtio_net *net, struct virtio_net_counts *out);
