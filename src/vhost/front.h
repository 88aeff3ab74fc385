// SPDX-License-Identifier: Apache-2.0
// The front end of vhost-user: a conversation with a program (the back end)
// that serves the rings of a virtio device in the guest's memory, which it is
// given. One thread at a time. No call takes longer than the front's wait for
// each of its messages. What fails ends the conversation: each later call says
// the same again.
#pragma once

#include "src/base/error.h"
#include "src/base/guest_memory.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define VHOST_QUEUES_MAX 16

struct vhost_front {
    int socket;         // owned; -1: none
    uint64_t wait_ns;   // for each answer
    uint64_t features;  // of virtio's that the back end offers
    uint64_t protocol;  // agreed features of the protocol
    unsigned queues;    // as many as it can serve
    uint32_t started;   // the rings that it may be touching, a bit each
    int code;           // how the conversation ended, 0: it goes on
    struct error ended; // in words that follow the back end's name
};

// A ring as the driver has set it up: pointers into guest memory, and eventfds
// by which each end notifies the other one. They are borrowed.
struct vhost_ring {
    bool used; // false: the driver has not enabled it
    uint16_t size;
    const void *descriptors, *driver, *device;
    int kick, call;
};

// Begins the conversation on a connected socket, which is owned from now on;
// the back end must serve at least queues rings. 0; -EPROTO, -ETIMEDOUT,
// -EPIPE, -ENOTSUP with what the back end did, to follow its name ("closed the
// connection"). Close it either way.
int vhost_front_open(struct vhost_front *f, int socket, unsigned queues,
                     uint64_t wait_ns, struct error *err);
void vhost_front_close(struct vhost_front *f);

// Reads len bytes of the device's configuration from offset 0 on (at most 256).
// -ENOTSUP: the back end keeps none.
int vhost_front_config(struct vhost_front *f, void *to, size_t len,
                       struct error *err);

// Gives the back end the guest's memory (which has a memfd) and n rings (at
// most VHOST_QUEUES_MAX); from now on it serves them. features are what the
// driver has chosen.
int vhost_front_start(struct vhost_front *f, uint64_t features,
                      const struct guest_memory *memory,
                      const struct vhost_ring *rings, unsigned n,
                      struct error *err);

// Takes them back. 0: it touches them no more. Else nobody knows: the back end
// must be ended.
int vhost_front_stop(struct vhost_front *f, struct error *err);

// The socket is ready to be read though nothing was asked: the back end ended,
// or says what nobody wants to hear. 0 when that was a mistake.
int vhost_front_look(struct vhost_front *f, struct error *err);
