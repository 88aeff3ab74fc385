// SPDX-License-Identifier: Apache-2.0
// The socket device. See vsock.h; sections are those of virtio 1.2.
//
// Everything is done with the lock held, by the loop's thread alone, a few
// packets at a time: no socket blocks. So a reset need not wait for anything;
// the connections that it ends are ended by the loop, before it does anything
// else.
#include "src/virtio/vsock.h"

#include <string.h>

#define F_STREAM UINT64_C(1) // 5.10.3; of SEQPACKET there is none

enum { RECEIVE = 0, TRANSMIT = 1, EVENT = 2, QUEUES = 3 };
enum { EVENT_TRANSPORT_RESET = 0 }; // 5.10.6.7

// Packets of either direction at a time, so that a vCPU that wants the lock and
// the loop's others come to their turn.
#define PACKETS_MAX 32

_Static_assert(sizeof(struct virtio_vsock_config) == 8, "5.10.4");

// ---- To the guest: the lock is held ----------------------------------------

// The next buffer of a queue that the device writes. False when there is none;
// the driver is asked to tell of one then, and not while there are some.
static bool pop_writable(struct virtio_vsock *vs, unsigned queue,
                         struct virtq_chain *chain, uint32_t least,
                         const char *too_small)
{
    struct virtio_device *dev = &vs->device;
    struct virtq *q = &dev->queues[queue];
    int got;
    while ((got = virtio_pop(dev, queue, chain)) == 0)
        if (!virtio_runs(dev) || !virtq_want_kicks(q, true))
            return false;
    if (got < 0)
        return false;
    (void)virtq_want_kicks(q, false);
    if (!chain->nreadable && chain->writable >= least)
        return true;
    virtio_refuse(dev, too_small);
    return false;
}

// Gives the guest one packet. False: there is none, or no buffer for it.
static bool receive(struct virtio_vsock *vs)
{
    struct vsock_header h;
    // A byte is read for the guest only when there is a place for it.
    if (!vs->holds)
        vs->holds = pop_writable(vs, RECEIVE, &vs->in, sizeof h + 1,
                                 "a buffer for a socket's packets without room "
                                 "for one");
    if (!vs->holds)
        return false;
    uint32_t room = vs->in.writable - (uint32_t)sizeof h;
    room = room < sizeof vs->bytes ? room : (uint32_t)sizeof vs->bytes;
    if (!vsock_hub_next(&vs->hub, &h, vs->bytes, room))
        return false;
    virtq_write(&vs->in, 0, &h, sizeof h);
    virtq_write(&vs->in, sizeof h, vs->bytes, h.len);
    virtio_push(&vs->device, RECEIVE, &vs->in, (uint32_t)sizeof h + h.len);
    vs->holds = false;
    return true;
}

static void tell_lost(struct virtio_vsock *vs)
{
    const uint32_t event = EVENT_TRANSPORT_RESET;
    if (!vs->lost ||
        !pop_writable(vs, EVENT, &vs->event, sizeof event,
                      "a buffer for a socket's events without room for one"))
        return;
    virtq_write(&vs->event, 0, &event, sizeof event);
    virtio_push(&vs->device, EVENT, &vs->event, sizeof event);
    virtio_interrupt_queue(&vs->device, EVENT);
    vs->lost = false;
}

// ---- From the guest: the lock is held --------------------------------------

static void take(struct virtio_vsock *vs)
{
    struct vsock_header h;
    struct virtq_chain *chain = &vs->out;
    if (chain->nwritable || virtq_read(chain, 0, &h, sizeof h) != sizeof h) {
        virtio_refuse(&vs->device, "a packet of a socket without its header, "
                                   "or to be written to");
        return;
    }
    uint32_t len = chain->readable - (uint32_t)sizeof h;
    // Of more than there can be room for the length alone is looked at.
    virtq_read(chain, sizeof h, vs->bytes,
               len < sizeof vs->bytes ? len : (uint32_t)sizeof vs->bytes);
    const char *why = vsock_hub_take(&vs->hub, &h, vs->bytes, len);
    if (why)
        virtio_note(&vs->device, why);
    virtio_push(&vs->device, TRANSMIT, chain, 0);
}

// Takes one packet of the guest's. False: there is none, or answers to earlier
// ones wait for its buffers (5.10.6.1.2).
static bool transmit(struct virtio_vsock *vs)
{
    struct virtio_device *dev = &vs->device;
    if (!vsock_hub_has_room(&vs->hub))
        return false;
    if (virtio_pop(dev, TRANSMIT, &vs->out) > 0) {
        take(vs);
        return virtio_runs(dev);
    }
    return virtio_runs(dev) && virtq_want_kicks(&dev->queues[TRANSMIT], true);
}

// ---- The loop ---------------------------------------------------------------

static void pump(void *owner)
{
    struct virtio_vsock *vs = owner;
    struct virtio_device *dev = &vs->device;
    bool more = virtio_runs(dev);
    if (vs->hub.closed)
        return;
    if (vs->was_reset || !more)
        vsock_hub_drop(&vs->hub);
    vs->was_reset = false;
    vsock_hub_listen(&vs->hub, more);
    if (!more)
        return;
    (void)virtq_want_kicks(&dev->queues[TRANSMIT], false);
    tell_lost(vs);
    for (unsigned n = 0; more && n < PACKETS_MAX; n++) {
        more = receive(vs);
        more |= transmit(vs);
    }
    if (virtio_runs(dev)) {
        virtio_interrupt_queue(dev, RECEIVE);
        virtio_interrupt_queue(dev, TRANSMIT);
    }
    if (more || !virtio_runs(dev))
        loop_event_signal(&vs->kicked);
}

static void kicked(void *owner)
{
    struct virtio_vsock *vs = owner;
    pthread_mutex_lock(&vs->device.lock);
    pump(vs);
    pthread_mutex_unlock(&vs->device.lock);
}

// ---- The device -------------------------------------------------------------

static const void *config(void *owner)
{
    struct virtio_vsock *vs = owner;
    return &vs->config;
}

static void start(void *owner, uint64_t features)
{
    struct virtio_vsock *vs = owner;
    (void)features;
    loop_event_signal(&vs->kicked);
}

static void kick(void *owner, unsigned queue)
{
    struct virtio_vsock *vs = owner;
    (void)queue;
    loop_event_signal(&vs->kicked);
}

static void stop(void *owner)
{
    struct virtio_vsock *vs = owner;
    vs->holds = false;
    vs->lost = false;
    vs->was_reset = true;
    loop_event_signal(&vs->kicked);
}

static const struct virtio_ops ops = {
    .name = "virtio-vsock",
    .id = VIRTIO_ID_VSOCK,
    .nqueues = QUEUES,
    .config_len = sizeof(struct virtio_vsock_config),
    .config = config,
    .start = start,
    .kick = kick,
    .stop = stop,
};

int virtio_vsock_init(struct virtio_vsock *vs, const char *path, uint32_t cid,
                      struct loop *loop, const struct guest_memory *memory,
                      struct error *err)
{
    memset(vs, 0, sizeof *vs);
    vs->config.guest_cid = cid;
    vs->loop = loop;
    virtio_init(&vs->device, &ops, vs, memory, F_STREAM);
    const struct vsock_owner owner = {vs, &vs->device.lock, pump};
    int code = loop_event_add(loop, &vs->kicked, kicked, vs, err);
    return code < 0 ? code
                    : vsock_hub_open(&vs->hub, loop, path, cid, &owner, err);
}

void virtio_vsock_destroy(struct virtio_vsock *vs)
{
    // Nobody wakes it any more, and then a kick finds nothing to do.
    if (vs->hub.loop)
        vsock_hub_close(&vs->hub);
    loop_event_remove(vs->loop, &vs->kicked);
    virtio_destroy(&vs->device);
}

void virtio_vsock_lose(struct virtio_vsock *vs)
{
    pthread_mutex_lock(&vs->device.lock);
    vs->was_reset = true;
    vs->lost = virtio_runs(&vs->device);
    pthread_mutex_unlock(&vs->device.lock);
    loop_event_signal(&vs->kicked);
}

bool virtio_vsock_is_used(struct virtio_vsock *vs)
{
    pthread_mutex_lock(&vs->device.lock);
    bool used = virtio_runs(&vs->device);
    pthread_mutex_unlock(&vs->device.lock);
    return used;
}

uint64_t virtio_vsock_turned_away(struct virtio_vsock *vs)
{
    pthread_mutex_lock(&vs->device.lock);
    uint64_t count = vs->hub.turned_away;
    pthread_mutex_unlock(&vs->device.lock);
    return count;
}
