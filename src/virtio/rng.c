// SPDX-License-Identifier: Apache-2.0
// The entropy device. See rng.h.
#include "src/virtio/rng.h"

#include <sys/random.h>

// Buffers served for one notification: a driver that fills its queue again and
// again must not hold the vCPU here.
#define BUFFERS_MAX VIRTQ_SIZE_MAX

static bool fill_from_host(void *buf, size_t len)
{
    // Up to 256 bytes come whole (getrandom(2)).
    for (size_t done = 0; done < len;) {
        size_t part = len - done < 256 ? len - done : 256;
        if (getrandom((uint8_t *)buf + done, part, GRND_NONBLOCK) !=
            (ssize_t)part)
            return false;
        done += part;
    }
    return true;
}

static void serve_next(struct virtio_rng *rng)
{
    uint8_t bytes[VIRTIO_RNG_MAX];
    uint32_t len = rng->chain.writable;
    if (len > VIRTIO_RNG_MAX)
        len = VIRTIO_RNG_MAX;
    // 5.4.6.1: at least one byte; a host without any is no host.
    if (len && !rng->fill(bytes, len))
        len = 0;
    virtq_write(&rng->chain, 0, bytes, len);
    virtio_push(&rng->device, 0, &rng->chain, len);
}

static void kick(void *owner, unsigned queue)
{
    struct virtio_rng *rng = owner;
    struct virtq *q = &rng->device.queues[queue];
    unsigned served = 0;
    do {
        while (served++ < BUFFERS_MAX &&
               virtio_pop(&rng->device, queue, &rng->chain) > 0)
            serve_next(rng);
    } while (virtq_want_kicks(q, true) && served < BUFFERS_MAX);
    virtio_interrupt_queue(&rng->device, queue);
}

static const struct virtio_ops ops = {
    .name = "virtio-rng",
    .id = VIRTIO_ID_RNG,
    .nqueues = 1,
    .kick = kick,
};

void virtio_rng_init(struct virtio_rng *rng, const struct guest_memory *memory)
{
    rng->fill = fill_from_host;
    virtio_init(&rng->device, &ops, rng, memory, 0);
}

void virtio_rng_destroy(struct virtio_rng *rng)
{
    virtio_destroy(&rng->device);
}
