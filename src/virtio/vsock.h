// SPDX-License-Identifier: Apache-2.0
// virtio-vsock, the socket device (virtio 1.2, section 5.10): stream sockets
// between the guest's programs and the host's. Packets are handled on the
// machine's event loop; a vCPU's notification only wakes that.
#pragma once

#include "src/loop/loop.h"
#include "src/virtio/device.h"
#include "src/vsock/hub.h"

// Bytes behind a packet's header. More than a connection has credit for is
// wrong in any case; the guest's buffers hold as much as its driver likes.
#define VIRTIO_VSOCK_BYTES VSOCK_BUFFER

struct virtio_vsock_config { // 5.10.4, little-endian
    uint64_t guest_cid;
};

// Owned by who wires it, never moved. The device's lock guards what follows it,
// the hub too.
struct virtio_vsock {
    struct virtio_device device;
    struct virtio_vsock_config config;
    // The guest has reset the device, and its connections are there still.
    bool was_reset;
    bool lost; // the driver is to be told that its connections are gone
    bool holds;
    struct virtq_chain in; // a buffer to receive into that was taken, if holds
    struct virtq_chain out, event;
    uint8_t bytes[VIRTIO_VSOCK_BYTES];

    struct loop *loop;
    struct loop_event kicked;
    struct vsock_hub hub;
};

// A device of this CID (VSOCK_CID_MIN to VSOCK_CID_MAX) that lives on loop,
// which outlives it, and whose programs meet it at path. 0, or a negative errno
// with a sentence, as vsock_path_listen; destroy it either way.
int virtio_vsock_init(struct virtio_vsock *vs, const char *path, uint32_t cid,
                      struct loop *loop, const struct guest_memory *memory,
                      struct error *err);
// Ends its connections and removes its socket, too.
void virtio_vsock_destroy(struct virtio_vsock *vs);

// Ends all connections, and tells the driver so (5.10.6.7, a transport reset):
// for who takes the host's side of them away while the guest runs on. Any
// thread.
void virtio_vsock_lose(struct virtio_vsock *vs);

// Whether the guest uses it: then a packet may come at any time. Any thread.
bool virtio_vsock_is_used(struct virtio_vsock *vs);

// Connections that there was no room for, ever. Any thread.
uint64_t virtio_vsock_turned_away(struct virtio_vsock *vs);
