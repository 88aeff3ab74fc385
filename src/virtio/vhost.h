// SPDX-License-Identifier: Apache-2.0
// What devices have in common whose rings another program serves (vhost-user):
// a thread that talks with it, so that neither a vCPU nor another device waits
// for it. Notifications of the guest go to the back end as events; its own come
// back as events, and become the device's interrupts.
#pragma once

#include "src/host/guard.h"
#include "src/vhost/backend.h"
#include "src/virtio/device.h"

// Owned by the kind of device that embeds it, never moved. The device's lock
// guards what follows `settled`; backend is the thread's.
struct virtio_vhost {
    struct virtio_device device;
    struct vhost_backend *backend; // lent
    unsigned nqueues;
    int kicks[VHOST_QUEUES_MAX], calls[VHOST_QUEUES_MAX];
    int wake;               // an eventfd: something below has changed
    struct guard_seat seat; // the thread's
    pthread_t thread;
    bool has_thread;

    pthread_cond_t settled; // runs or changing have changed
    bool wanted;            // the driver wants the rings to be served
    bool runs;              // the back end may touch them
    bool changing;          // the thread is making it so
    bool quit;
    uint32_t direct;   // queues whose calls others answer, a bit each
    uint64_t features; // that the driver has chosen
    char lost[256];    // why the back end is of no use any more, or ""
};

// A device of ops, whose owner is the kind's and whose start, kick and stop
// call the functions below. features are those of its kind; of the rings' there
// are those that the back end has. backend outlives it. 0, or a negative errno
// with a sentence; destroy it either way.
int virtio_vhost_init(struct virtio_vhost *v, const struct virtio_ops *ops,
                      void *owner, struct vhost_backend *backend,
                      const struct guest_memory *memory, uint64_t features,
                      const struct guard_seat *seat, struct error *err);
// Takes the rings back, or ends the back end when it does not give them.
void virtio_vhost_destroy(struct virtio_vhost *v);

// The kind's start, kick and stop. With the device's lock held.
void virtio_vhost_start(struct virtio_vhost *v, uint64_t features);
void virtio_vhost_kick(struct virtio_vhost *v, unsigned queue);
void virtio_vhost_stop(struct virtio_vhost *v);

// The kind's events and direct, too.
void virtio_vhost_events(struct virtio_vhost *v, unsigned queue, int *kick,
                         int *call);
void virtio_vhost_direct(struct virtio_vhost *v, unsigned queue, bool direct);

// Whether it may interrupt at any time: the guest uses it, and the back end is
// there. Any thread.
bool virtio_vhost_is_used(struct virtio_vhost *v);

// What became of a back end that ended or broke the rules, in words; false:
// nothing. Any thread.
bool virtio_vhost_lost(struct virtio_vhost *v, char *text, size_t size);
